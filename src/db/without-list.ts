import type { FeedbackKind, PrismaClient } from '../generated/prisma/client.ts';
import { DEFAULT_PLACEMENT } from '../placement.ts';
import { int, rows, texts } from './sql/row.ts';

/** A view or a purchase of one product, of which no list is told. */
export type WriteWithoutList = { eventId: string; kind: FeedbackKind; itemId: string; occurredAt: Date };
/** `unknown`: products that are not in the catalog, so that nothing about them was stored. */
export type AppendedWithoutList = { stored: number; unknown: string[] };

/** Days before an event in which a list may have led to it. */
const OUTCOME_DAYS = 30;
/**
 * Events of the visitor that are looked through, the newest. Hardly any shopper has more in so many days; under one name, which anybody may send events under, there may be
 * millions.
 */
const MOST_LOOKED_THROUGH = 2000;

/**
 * Stores a visitor's events whose eventId is new, in one statement. Each goes under a list that showed the product to the visitor before: the one in
 * which it was chosen last, else the one in which it was seen last; so what is derived from events about lists is derived from it as well.
 */
export async function appendWithoutList(
  db: PrismaClient,
  catalogId: string,
  visitorId: string,
  events: readonly WriteWithoutList[],
): Promise<AppendedWithoutList> {
  const column = (of: (event: WriteWithoutList) => string) => events.map(of);
  const [result] = await rows(db, { stored: int, unknown: texts })`
    WITH sent AS (
      SELECT s.*, EXISTS (SELECT 1 FROM simili.product p WHERE p.catalog_id = ${catalogId} AND p.id = s.item_id) AS is_known
      FROM unnest(${column(({ eventId }) => eventId)}::text[]::uuid[], ${column(({ kind }) => kind)}::text[]::simili.feedback_kind[],
        ${column(({ itemId }) => itemId)}::text[], ${column(({ occurredAt }) => occurredAt.toISOString())}::text[]::timestamptz[])
        AS s (event_id, kind, item_id, occurred_at)
    ), recent AS MATERIALIZED (
      SELECT * FROM simili.feedback_event
      WHERE catalog_id = ${catalogId} AND visitor_id = ${visitorId}
        AND received_at >= (SELECT min(occurred_at) FROM sent) - make_interval(days => ${OUTCOME_DAYS}::int + 1)
      ORDER BY received_at DESC LIMIT ${MOST_LOOKED_THROUGH}::int
    ), led AS (
      SELECT DISTINCT ON (s.event_id) s.event_id, e.anchor_id, e.model_id, e.filtered, e.placement, e.list_id, e.listed_at, item.position
      FROM recent e CROSS JOIN LATERAL unnest(e.item_ids, e.positions) AS item (id, position) JOIN sent s ON s.item_id = item.id
      WHERE NOT e.without_list AND e.kind <> 'DISMISS'
        AND e.occurred_at BETWEEN s.occurred_at - make_interval(days => ${OUTCOME_DAYS}::int) AND s.occurred_at
      ORDER BY s.event_id, e.kind = 'IMPRESSION', e.occurred_at DESC, e.event_id
    ), stored AS (
      INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, item_ids, occurred_at, without_list,
        anchor_id, model_id, positions, filtered, placement, list_id, listed_at)
      SELECT ${catalogId}::text, s.event_id, s.kind, ${visitorId}::text, ARRAY[s.item_id], s.occurred_at, true,
        l.anchor_id, l.model_id, array_remove(ARRAY[l.position], NULL), coalesce(l.filtered, false), coalesce(l.placement, ${DEFAULT_PLACEMENT}::text), l.list_id, l.listed_at
      FROM sent s LEFT JOIN led l USING (event_id)
      WHERE s.is_known
      ORDER BY s.event_id
      ON CONFLICT (catalog_id, event_id) DO NOTHING
      RETURNING 1
    ), late AS ( -- as of events about lists
      UPDATE simili.feedback_day SET stale = true
      WHERE catalog_id = ${catalogId} AND day >= (now() AT TIME ZONE 'UTC')::date AND NOT forgotten AND NOT stale
    )
    SELECT (SELECT count(*)::int FROM stored) AS stored,
      ARRAY(SELECT DISTINCT item_id FROM sent WHERE NOT is_known) AS "unknown"`;
  return result!;
}
