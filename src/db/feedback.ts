import type { FeedbackWorth } from '../feedback-worth.ts';
import { type FeedbackKind, Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { DEFAULT_PLACEMENT } from '../placement.ts';
import { FeedbackDays } from './feedback-days.ts';
import { unlessQuarantined } from './quarantine-sql.ts';
import type { Ask } from './sql/ask.ts';
import { int, rows, texts } from './sql/row.ts';
import { type TellingLists, tellingLists } from './telling-lists.ts';
import { type AppendedWithoutList, appendWithoutList, type WriteWithoutList } from './without-list.ts';

export type { FeedbackKind };

/** One event as it is stored. `itemIds` and `positions` (1-based, from the signed list) go together. */
export type FeedbackWrite = {
  eventId: string;
  kind: FeedbackKind;
  anchorId: string;
  itemIds: string[];
  positions: number[];
  modelId: string;
  occurredAt: Date;
  /** Id of the signed list, a UUID. */
  listId: string;
  listedAt: Date;
  listExpiresAt: Date;
  /** The list stood under a shopper's own filters. */
  filtered: boolean;
  /** Where in the storefront it stood. Left out: `default`. */
  placement?: string;
};

/** `full`: lists that were reported by as many visitors as may, so that nothing about them was stored. */
export type Appended = { stored: number; full: string[] };

/** Visitors who chose, and who dismissed; of those who chose: how. */
export type PairVisitors = { chosen: number; clicked: number; addedToCart: number; bought: number; dismissed: number };

/** A list is made for one shopper; a few more share it behind one page of a household or a test. */
export const MOST_VISITORS = 10;

export class FeedbackRepository {
  /** The same by days, for trainings. */
  readonly days: FeedbackDays;

  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly catalogId: string,
    worth?: FeedbackWorth,
  ) {
    this.days = new FeedbackDays(db, catalogId, worth);
  }

  /**
   * Stores a visitor's events whose eventId is new, all in one statement and commit. Of each list only the first
   * `MOST_VISITORS` visitors are taken; who was taken once stays so.
   */
  async append(visitorId: string, events: readonly FeedbackWrite[]): Promise<Appended> {
    const { catalogId } = this;
    const c = columnsOf(events);
    const { text, values } = Prisma.sql`
      WITH sent AS (
        SELECT e.event_id, e.kind, e.list_id, e.anchor_id, e.model_id, e.filtered, e.placement, e.occurred_at, e.listed_at,
          (${c.items}::text[])[e.first:e.last] AS item_ids, (${c.positions}::int[])[e.first:e.last] AS positions
        FROM unnest(${c.eventIds}::text[]::uuid[], ${c.kinds}::text[]::simili.feedback_kind[], ${c.listIds}::text[]::uuid[],
          ${c.anchorIds}::text[], ${c.modelIds}::text[], ${c.filtered}::boolean[], ${c.placements}::text[], ${c.occurred}::text[]::timestamptz[],
          ${c.listed}::text[]::timestamptz[], ${c.firsts}::int[], ${c.lasts}::int[])
          AS e (event_id, kind, list_id, anchor_id, model_id, filtered, placement, occurred_at, listed_at, first, last)
      ), visitor AS (
        SELECT hashtextextended(${visitorId}::text, 0) AS id
      ), list AS (
        SELECT * FROM unnest(${c.lists}::text[]::uuid[], ${c.expiries}::text[]::timestamptz[]) AS l (list_id, expires_at)
      ), known AS (
        SELECT s.list_id FROM simili.shown_list s JOIN list USING (list_id), visitor v
        WHERE s.catalog_id = ${catalogId} AND v.id = ANY (s.visitors)
      ), asked AS (
        INSERT INTO simili.shown_list AS s (catalog_id, list_id, visitors, expires_at)
        SELECT ${catalogId}::text, list.list_id, ARRAY[v.id], list.expires_at FROM list, visitor v
        WHERE list.list_id NOT IN (SELECT list_id FROM known)
        ORDER BY list.list_id -- so that two senders wait for each other in one order
        ON CONFLICT (catalog_id, list_id) DO UPDATE SET visitors =
          CASE WHEN excluded.visitors[1] = ANY (s.visitors) OR cardinality(s.visitors) >= ${MOST_VISITORS}
            THEN s.visitors ELSE s.visitors || excluded.visitors END
        RETURNING s.list_id, (SELECT id FROM visitor) = ANY (s.visitors) AS taken
      ), stored AS (
        INSERT INTO simili.feedback_event
          (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, filtered, placement, list_id,
          listed_at)
        SELECT ${catalogId}::text, event_id, kind, ${visitorId}::text, anchor_id, item_ids, positions, model_id, occurred_at, filtered,
          placement, list_id, listed_at
        FROM sent
        WHERE list_id <> ALL (ARRAY(SELECT list_id FROM asked WHERE NOT taken))
        ORDER BY event_id
        ON CONFLICT (catalog_id, event_id) DO NOTHING
        RETURNING 1
      ), late AS ( -- the clock went back into days that are rolled up: no row else
        UPDATE simili.feedback_day SET stale = true
        WHERE catalog_id = ${catalogId} AND day >= (now() AT TIME ZONE 'UTC')::date AND NOT forgotten AND NOT stale
      )
      SELECT (SELECT count(*)::int FROM stored) AS stored,
        ARRAY(SELECT list_id::text FROM asked WHERE NOT taken) AS "full"`;
    // Past Prisma, which takes as long as the statement itself; without a name, for a plan of an empty table must not stay until it is large.
    const [result] = await this.ask({ text, row: { stored: int, full: texts } }, values);
    return result!;
  }

  /** Stores a visitor's events of which no list is told. */
  appendWithoutList(visitorId: string, events: readonly WriteWithoutList[]): Promise<AppendedWithoutList> {
    return appendWithoutList(this.db, this.catalogId, visitorId, events);
  }

  /** Lists that are no longer valid: nobody can report about them. @returns how many there were. */
  forgetLists(now: Date): Promise<number> {
    return this.db.$executeRaw`
      DELETE FROM simili.shown_list WHERE catalog_id = ${this.catalogId} AND expires_at < ${now}`;
  }

  /** Products that shoppers chose, one a visitor, anchor and product: received up to `began`, and after it. */
  async choices(began: Date): Promise<{ before: number; after: number }> {
    const [row] = await rows(this.db, { before: int, after: int })`
      SELECT count(*) FILTER (WHERE first <= ${began})::int AS before, count(*) FILTER (WHERE first > ${began})::int AS after
      FROM (
        SELECT min(received_at) AS first FROM simili.feedback_event e
        WHERE catalog_id = ${this.catalogId} AND kind IN ('CLICK', 'ADD_TO_CART', 'PURCHASE', 'VIEW') AND anchor_id IS NOT NULL
          AND ${unlessQuarantined(this.catalogId, Prisma.sql`e.item_ids[1]`)}
        GROUP BY visitor_id, anchor_id, item_ids
      ) AS choice`;
    return row ?? { before: 0, after: 0 };
  }

  /** Visitors of the last days who chose one of two products in a list of the other, how they did, and who dismissed it; who did several things counts in each. */
  async visitorsOfPair(a: string, b: string, days: number): Promise<PairVisitors> {
    const [row] = await rows(this.db, { chosen: int, clicked: int, addedToCart: int, bought: int, dismissed: int })`
      SELECT count(DISTINCT visitor_id) FILTER (WHERE kind <> 'DISMISS')::int AS chosen,
        count(DISTINCT visitor_id) FILTER (WHERE kind IN ('CLICK', 'VIEW'))::int AS clicked,
        count(DISTINCT visitor_id) FILTER (WHERE kind = 'ADD_TO_CART')::int AS "addedToCart",
        count(DISTINCT visitor_id) FILTER (WHERE kind = 'PURCHASE')::int AS bought,
        count(DISTINCT visitor_id) FILTER (WHERE kind = 'DISMISS')::int AS dismissed
      FROM simili.feedback_event e
      WHERE catalog_id = ${this.catalogId} AND received_at > now() - make_interval(days => ${days}::int)
        AND kind IN ('CLICK', 'ADD_TO_CART', 'PURCHASE', 'VIEW', 'DISMISS')
        AND ((anchor_id = ${a} AND item_ids = ARRAY[${b}]) OR (anchor_id = ${b} AND item_ids = ARRAY[${a}]))
        AND ${unlessQuarantined(this.catalogId, Prisma.sql`e.item_ids[1]`)}`;
    return row!;
  }

  /** As `tellingLists`. */
  tellingLists(which: TellingLists): Promise<string[][]> {
    return tellingLists(this.db, this.catalogId, which);
  }

  count(): Promise<number> {
    return this.db.feedbackEvent.count({ where: { catalogId: this.catalogId } });
  }
}

/** Events as arrays, one a column; the items of all stand in one array, each event's from `firsts` to `lasts`. */
function columnsOf(events: readonly FeedbackWrite[]) {
  const unique = [...new Map(events.map((event) => [event.eventId, event])).values()];
  const lists = new Map(unique.map(({ listId, listExpiresAt }) => [listId, listExpiresAt.toISOString()]));
  let end = 0;
  const lasts = unique.map(({ itemIds }) => (end += itemIds.length));
  return {
    eventIds: unique.map(({ eventId }) => eventId),
    kinds: unique.map(({ kind }) => kind),
    listIds: unique.map(({ listId }) => listId),
    anchorIds: unique.map(({ anchorId }) => anchorId),
    modelIds: unique.map(({ modelId }) => modelId),
    filtered: unique.map(({ filtered }) => filtered),
    placements: unique.map(({ placement = DEFAULT_PLACEMENT }) => placement),
    occurred: unique.map(({ occurredAt }) => occurredAt.toISOString()),
    listed: unique.map(({ listedAt }) => listedAt.toISOString()),
    firsts: unique.map(({ itemIds }, i) => lasts[i]! - itemIds.length + 1),
    lasts,
    items: unique.flatMap(({ itemIds }) => itemIds),
    positions: unique.flatMap(({ positions }) => positions),
    lists: [...lists.keys()],
    expiries: [...lists.values()],
  };
}
