import { randomUUID } from 'node:crypto';
import { type FeedbackQuarantine, Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { isUuid } from '../text.ts';
import { FeedbackChanges } from './feedback-lock.ts';
import { lastRead } from './sql/last-read.ts';
import { int, rows } from './sql/row.ts';

/** Feedback that fits every field which is not null. Times are of receipt: from `since`, before `until`; open ends take in what is still to come. */
export type Slice = Pick<FeedbackQuarantine, 'visitorId' | 'anchorId' | 'itemId' | 'since' | 'until'>;
export type QuarantineRow = Omit<FeedbackQuarantine, 'catalogId'>;

/**
 * Slices of feedback that nothing is derived from. Their events stay. Whatever changes what counts marks the days that it touches, in its own commit and
 * under the lock of those who build days: nobody derives from a mixture.
 */
export class QuarantineRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly changes = new FeedbackChanges(db, catalogId),
  ) {}

  /** Puts a slice into quarantine; one that is there already stays as it is. @param rule null: an administrator's */
  async add(slice: Slice, reason: string, rule: string | null): Promise<QuarantineRow> {
    const { catalogId } = this;
    return this.changes.commit(async (tx) => {
      const known = await tx.feedbackQuarantine.findFirst({ where: { catalogId, ...slice, releasedAt: null } });
      if (known) return known;
      const events = await touch(tx, catalogId, slice);
      return tx.feedbackQuarantine.create({ data: { catalogId, id: randomUUID(), ...slice, reason, rule, events } });
    });
  }

  /** Lets a slice count again. @returns its row, also when it did already; null: there is none of this id. */
  async release(id: string): Promise<QuarantineRow | null> {
    const { catalogId } = this;
    return this.changes.commit(async (tx) => {
      const released = await tx.$executeRaw`
        UPDATE simili.feedback_quarantine SET released_at = now()
        WHERE catalog_id = ${catalogId} AND id = ${id}::uuid AND released_at IS NULL`;
      const row = await tx.feedbackQuarantine.findUnique({ where: { catalogId_id: { catalogId, id } } });
      if (row && released === 1) await touch(tx, catalogId, row);
      return row;
    });
  }

  /**
   * Newest first. @param after id of the last one that was read @param visitorId null: of all
   * @throws SimiliError CURSOR_INVALID where there is none of it
   */
  async newest(limit: number, after: string | null, visitorId: string | null): Promise<QuarantineRow[]> {
    const { catalogId } = this;
    const last = await lastRead(after, (id) => this.byId(id));
    return this.db.feedbackQuarantine.findMany({
      where: { catalogId, ...(visitorId !== null && { visitorId }) },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit,
      ...(last && { cursor: { catalogId_id: { catalogId, id: last.id } }, skip: 1 }),
    });
  }

  private async byId(id: string): Promise<QuarantineRow | null> {
    const { catalogId } = this;
    return isUuid(id) ? this.db.feedbackQuarantine.findUnique({ where: { catalogId_id: { catalogId, id } } }) : null;
  }

  /** Whether an administrator has put something into quarantine, or let it out, since then. */
  async changedSince(moment: Date): Promise<boolean> {
    const since = { gte: moment };
    const byHand = [{ createdAt: since, rule: null }, { releasedAt: since }];
    const found = await this.db.feedbackQuarantine.findFirst({
      where: { catalogId: this.catalogId, OR: byHand },
      select: { id: true },
    });
    return found !== null;
  }
}

/**
 * Marks the days to build anew: those of the slice, and later ones of its visitors, whose caps a day takes from the days before.
 * @returns how many events the slice holds
 */
async function touch(tx: Prisma.TransactionClient, catalogId: string, slice: Slice): Promise<number> {
  const { visitorId, anchorId, itemId, since, until } = slice;
  const conditions = [
    Prisma.sql`e.catalog_id = ${catalogId}`,
    ...(visitorId === null ? [] : [Prisma.sql`e.visitor_id = ${visitorId}`]),
    ...(anchorId === null ? [] : [Prisma.sql`e.anchor_id = ${anchorId}`]),
    ...(itemId === null ? [] : [Prisma.sql`${itemId} = ANY (e.item_ids)`]),
    ...(since === null ? [] : [Prisma.sql`e.received_at >= ${since}`]),
    ...(until === null ? [] : [Prisma.sql`e.received_at < ${until}`]),
  ];
  const [row] = await rows(tx, { events: int })`
    WITH touched AS (
      SELECT e.visitor_id, min(e.received_at) AS first, count(*) AS events FROM simili.feedback_event e
      WHERE ${Prisma.join(conditions, ' AND ')} GROUP BY e.visitor_id
    ), marked AS (
      UPDATE simili.feedback_day SET stale = true
      WHERE catalog_id = ${catalogId} AND NOT forgotten AND day IN (
        SELECT (e.received_at AT TIME ZONE 'UTC')::date FROM simili.feedback_event e JOIN touched USING (visitor_id)
        WHERE e.catalog_id = ${catalogId} AND e.received_at >= touched.first)
    )
    SELECT coalesce(sum(events), 0)::int AS events FROM touched`;
  return row!.events;
}
