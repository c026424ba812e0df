import { randomUUID } from 'node:crypto';
import type { Erasure, FeedbackEvent, Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { FeedbackChanges } from './feedback-lock.ts';
import { int, rows, text, time } from './sql/row.ts';

export type ErasureRow = Pick<Erasure, 'id' | 'erasedAt' | 'events'>;
const SHOWN = {
  eventId: true,
  kind: true,
  anchorId: true,
  itemIds: true,
  positions: true,
  placement: true,
  occurredAt: true,
  receivedAt: true,
  listedAt: true,
  withoutList: true,
} as const satisfies Prisma.FeedbackEventSelect;
export type VisitorEvent = Pick<FeedbackEvent, keyof typeof SHOWN>;
/** Behind which event a page begins. */
export type VisitorPlace = Pick<VisitorEvent, 'receivedAt' | 'eventId'>;

/** Events of visitors, and their erasure. */
export class ErasureRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly changes = new FeedbackChanges(db, catalogId),
  ) {}

  /**
   * Deletes all events of these visitors and what was kept of them by day, in one commit with the receipt. Days that counted them are rolled up
   * again before anybody reads them. @returns null: there were none. @throws SimiliError FEEDBACK_BUSY
   */
  async erase(visitorIds: readonly string[]): Promise<ErasureRow | null> {
    return this.changes.commit((tx) => this.eraseLocked(tx, [...visitorIds]));
  }

  private async eraseLocked(tx: Prisma.TransactionClient, visitorIds: string[]): Promise<ErasureRow | null> {
    const { catalogId } = this;
    const [row] = await rows(tx, { id: text, erasedAt: time, events: int })`
      WITH gone AS (
        DELETE FROM simili.feedback_event
        WHERE catalog_id = ${catalogId} AND visitor_id = ANY (${visitorIds}::text[]) RETURNING received_at
      ), spent AS (
        DELETE FROM simili.feedback_spent WHERE catalog_id = ${catalogId} AND visitor_id = ANY (${visitorIds}::text[])
      ), quarantine AS (
        DELETE FROM simili.feedback_quarantine WHERE catalog_id = ${catalogId} AND visitor_id = ANY (${visitorIds}::text[])
      ), counted AS (
        SELECT count(*)::int AS events FROM gone
      ), days AS (
        UPDATE simili.feedback_day SET stale = true WHERE catalog_id = ${catalogId} AND NOT forgotten
          AND day IN (SELECT (received_at AT TIME ZONE 'UTC')::date FROM gone)
      )
      INSERT INTO simili.erasure (catalog_id, id, events, visitors)
      SELECT ${catalogId}::text, ${randomUUID()}::uuid, events,
        ARRAY(SELECT hashtextextended(visitor, 0) FROM unnest(${visitorIds}::text[]) AS visitor)
      FROM counted WHERE events > 0
      RETURNING id::text, erased_at AS "erasedAt", events`;
    return row ?? null;
  }

  /**
   * Takes erased visitors out of the lists that they reported about, which know them by a hash for as long as a list is valid. Apart from
   * `erase`, whose caller may be anybody: it looks at all lists, where there is anybody to be forgotten.
   */
  async forgetInLists(): Promise<void> {
    const known = await rows(this.db, { one: int })`
      SELECT 1 AS one FROM simili.erasure WHERE catalog_id = ${this.catalogId} AND visitors <> '{}' LIMIT 1`;
    if (known.length === 0) return;
    await this.db.$executeRaw`
      WITH done AS (
        UPDATE simili.erasure SET visitors = '{}' FROM (
          SELECT id, visitors FROM simili.erasure
          WHERE catalog_id = ${this.catalogId} AND visitors <> '{}' FOR UPDATE
        ) AS before
        WHERE erasure.catalog_id = ${this.catalogId} AND erasure.id = before.id RETURNING before.visitors
      ), visitor AS (
        SELECT DISTINCT unnest(visitors) AS hash FROM done
      ), every AS (
        SELECT coalesce(array_agg(hash), '{}') AS hashes FROM visitor
      )
      UPDATE simili.shown_list AS list
      SET visitors = ARRAY(SELECT hash FROM unnest(list.visitors) AS hash WHERE hash <> ALL (every.hashes))
      FROM every WHERE list.catalog_id = ${this.catalogId} AND list.visitors && every.hashes`;
  }

  byId(id: string): Promise<ErasureRow | null> {
    return this.db.erasure.findUnique({
      where: { catalogId_id: { catalogId: this.catalogId, id } },
      select: { id: true, erasedAt: true, events: true },
    });
  }

  /** Whether something was erased since then. */
  async since(moment: Date): Promise<boolean> {
    const found = await this.db.erasure.findFirst({
      where: { catalogId: this.catalogId, erasedAt: { gte: moment } },
      select: { id: true },
    });
    return found !== null;
  }

  /** The first version whose training began after a moment, by its id; null: there is none yet. */
  async firstTrainedAfter(moment: Date): Promise<string | null> {
    const [row] = await rows(this.db, { id: text })`
      SELECT m.id FROM simili.model_version m JOIN simili.job j ON j.catalog_id = m.catalog_id AND j.id = m.job_id
      WHERE m.catalog_id = ${this.catalogId} AND j.started_at > ${moment} ORDER BY m.number LIMIT 1`;
    return row?.id ?? null;
  }

  /** Events of all visitors that were received at a moment or after it, newest first. */
  newest(since: Date, limit: number): Promise<VisitorEvent[]> {
    return this.db.feedbackEvent.findMany({
      where: { catalogId: this.catalogId, receivedAt: { gte: since } },
      select: SHOWN,
      orderBy: [{ receivedAt: 'desc' }, { eventId: 'desc' }],
      take: limit,
    });
  }

  /** A visitor's events in the order of their receipt. */
  eventsOf(visitorId: string, limit: number, after: VisitorPlace | null): Promise<VisitorEvent[]> {
    return this.db.feedbackEvent.findMany({
      where: {
        catalogId: this.catalogId,
        visitorId,
        ...(after && {
          OR: [
            { receivedAt: { gt: after.receivedAt } },
            { receivedAt: after.receivedAt, eventId: { gt: after.eventId } },
          ],
        }),
      },
      select: SHOWN,
      orderBy: [{ receivedAt: 'asc' }, { eventId: 'asc' }],
      take: limit,
    });
  }
}
