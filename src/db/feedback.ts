import type { FeedbackKind, PrismaClient } from '../generated/prisma/client.ts';

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
  listExpiresAt: Date;
  /** The list stood under a shopper's own filters. */
  filtered: boolean;
};

/** What shoppers did with one product at one place of one anchor's lists. Votes may be fractions: see `statistics`. */
export type PairStatistics = {
  anchorId: string;
  itemId: string;
  position: number;
  /** Times it was seen there. */
  impressions: number;
  /** Times it was chosen there: clicked, put in the cart or bought. */
  clicks: number;
  /** Sum of action values: click 1, add to cart 3, purchase 6, dismiss -1. */
  value: number;
};

/** `full`: lists that were reported by as many visitors as may, so that nothing about them was stored. */
export type Appended = { stored: number; full: string[] };

/** A list is made for one shopper; a few more share it behind one page of a household or a test. */
export const MOST_VISITORS = 10;
/** A vote from a list under a shopper's own filters: worth half, because it was half the shopper's own choice. */
const FILTERED_WEIGHT = 0.5;
/** What one visitor may count for in all: two whole purchases (click, cart, purchase: 10), or twenty clicks. */
const MOST_VALUE = 20;
const MOST_VALUE_OF_ANCHOR = 10;
const MOST_SEEN = 1000;

export class FeedbackRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /**
   * Stores a visitor's events whose eventId is new, all in one statement and commit. Of each list only the first
   * `MOST_VISITORS` visitors are taken; who was taken once stays so.
   */
  async append(visitorId: string, events: readonly FeedbackWrite[]): Promise<Appended> {
    const { catalogId } = this;
    const c = columnsOf(events);
    const [result] = await this.db.$queryRaw<Appended[]>`
      WITH sent AS (
        SELECT e.event_id, e.kind, e.list_id, e.anchor_id, e.model_id, e.filtered, e.occurred_at,
          (${c.items}::text[])[e.first:e.last] AS item_ids, (${c.positions}::int[])[e.first:e.last] AS positions
        FROM unnest(${c.eventIds}::text[]::uuid[], ${c.kinds}::text[]::simili.feedback_kind[], ${c.listIds}::text[]::uuid[],
          ${c.anchorIds}::text[], ${c.modelIds}::text[], ${c.filtered}::boolean[], ${c.occurred}::text[]::timestamptz[],
          ${c.firsts}::int[], ${c.lasts}::int[])
          AS e (event_id, kind, list_id, anchor_id, model_id, filtered, occurred_at, first, last)
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
          (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, filtered)
        SELECT ${catalogId}::text, event_id, kind, ${visitorId}::text, anchor_id, item_ids, positions, model_id, occurred_at, filtered
        FROM sent
        WHERE list_id <> ALL (ARRAY(SELECT list_id FROM asked WHERE NOT taken))
        ORDER BY event_id
        ON CONFLICT (catalog_id, event_id) DO NOTHING
        RETURNING 1
      )
      SELECT (SELECT count(*)::int FROM stored) AS stored,
        ARRAY(SELECT list_id::text FROM asked WHERE NOT taken) AS "full"`;
    return result!;
  }

  /** Lists that are no longer valid: nobody can report about them. @returns how many there were. */
  forgetLists(now: Date): Promise<number> {
    return this.db.$executeRaw`
      DELETE FROM simili.shown_list WHERE catalog_id = ${this.catalogId} AND expires_at < ${now}`;
  }

  /** Products that shoppers chose, one a visitor, anchor and product: received up to `began`, and after it. */
  async choices(began: Date): Promise<{ before: number; after: number }> {
    const [row] = await this.db.$queryRaw<{ before: number; after: number }[]>`
      SELECT count(*) FILTER (WHERE first <= ${began})::int AS before, count(*) FILTER (WHERE first > ${began})::int AS after
      FROM (
        SELECT min(received_at) AS first FROM simili.feedback_event
        WHERE catalog_id = ${this.catalogId} AND kind IN ('CLICK', 'ADD_TO_CART', 'PURCHASE')
        GROUP BY visitor_id, anchor_id, item_ids
      ) AS choice`;
    return row ?? { before: 0, after: 0 };
  }

  /** Visitors of the last days who chose one of two products in a list of the other, and who dismissed it. */
  async visitorsOfPair(a: string, b: string, days: number): Promise<{ chosen: number; dismissed: number }> {
    const [row] = await this.db.$queryRaw<{ chosen: number; dismissed: number }[]>`
      SELECT count(DISTINCT visitor_id) FILTER (WHERE kind IN ('CLICK', 'ADD_TO_CART', 'PURCHASE'))::int AS chosen,
        count(DISTINCT visitor_id) FILTER (WHERE kind = 'DISMISS')::int AS dismissed
      FROM simili.feedback_event
      WHERE catalog_id = ${this.catalogId} AND received_at > now() - make_interval(days => ${days}::int)
        AND kind <> 'IMPRESSION' AND ((anchor_id = ${a} AND item_ids = ARRAY[${b}]) OR (anchor_id = ${b} AND item_ids = ARRAY[${a}]))`;
    return row!;
  }

  count(): Promise<number> {
    return this.db.feedbackEvent.count({ where: { catalogId: this.catalogId } });
  }

  /**
   * All feedback up to `until`, by anchor, item and position. One visitor counts at most once per pair, position and
   * kind of action a day (the day of receipt, UTC), so that nobody votes by reloading, and in all for no more than
   * `MOST_VALUE` of action values (each taken positive), for `MOST_VALUE_OF_ANCHOR` about one anchor and `MOST_SEEN`
   * sightings: who did more has every vote scaled down to that. Numeric, because sums of floats depend on their order
   * and a resumed training must see the same.
   */
  statistics(until: Date): Promise<PairStatistics[]> {
    return this.db.$queryRaw<PairStatistics[]>`
      WITH act AS (
        SELECT e.anchor_id, item.id AS item_id, item.position, e.visitor_id,
          bool_or(e.kind = 'IMPRESSION')::int AS seen, bool_or(e.kind = 'CLICK')::int AS click,
          bool_or(e.kind = 'ADD_TO_CART')::int AS cart, bool_or(e.kind = 'PURCHASE')::int AS purchase,
          bool_or(e.kind = 'DISMISS')::int AS dismiss,
          CASE WHEN bool_and(e.filtered) THEN ${FILTERED_WEIGHT}::numeric ELSE 1 END AS weight
        FROM simili.feedback_event e, unnest(e.item_ids, e.positions) AS item (id, position)
        WHERE e.catalog_id = ${this.catalogId} AND e.received_at <= ${until}
        GROUP BY e.anchor_id, item.id, item.position, e.visitor_id, (e.received_at AT TIME ZONE 'UTC')::date
      ), vote AS (
        SELECT anchor_id, item_id, position, seen, greatest(click, cart, purchase) AS chosen,
          click + 3 * cart + 6 * purchase - dismiss AS value,
          weight * least(1,
            ${MOST_VALUE}::int / nullif(sum(weight * (click + 3 * cart + 6 * purchase + dismiss)) OVER who, 0),
            ${MOST_VALUE_OF_ANCHOR}::int / nullif(sum(weight * (click + 3 * cart + 6 * purchase + dismiss)) OVER about, 0),
            ${MOST_SEEN}::int / nullif(sum(weight * seen) OVER who, 0)) AS weight
        FROM act WINDOW who AS (PARTITION BY visitor_id), about AS (PARTITION BY visitor_id, anchor_id)
      )
      SELECT anchor_id AS "anchorId", item_id AS "itemId", position, round(sum(weight * seen), 9)::float8 AS impressions,
        round(sum(weight * chosen), 9)::float8 AS clicks, round(sum(weight * value), 9)::float8 AS value
      FROM vote GROUP BY anchor_id, item_id, position
      ORDER BY anchor_id, item_id, position`;
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
    occurred: unique.map(({ occurredAt }) => occurredAt.toISOString()),
    firsts: unique.map(({ itemIds }, i) => lasts[i]! - itemIds.length + 1),
    lasts,
    items: unique.flatMap(({ itemIds }) => itemIds),
    positions: unique.flatMap(({ positions }) => positions),
    lists: [...lists.keys()],
    expiries: [...lists.values()],
  };
}
