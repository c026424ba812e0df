import { randomUUID } from 'node:crypto';
import { Prisma } from '../generated/prisma/client.ts';
import { unlessQuarantined } from './quarantine-sql.ts';
import { int, rows, text } from './sql/row.ts';

/** Visitors who acted on a day: with fewer nobody knows what is usual in a shop, and no rule is applied. */
const FEWEST_ACTING = 20;
/** Share of them beyond which breaking a rule is how the storefront reports, not a bot. */
const MOST_BREAKING = 0.1;
/** Actions of a kind that nobody is convicted without. */
const FEWEST_ACTIONS = 5;
/** Clicks and dismissals; not carts and purchases, of which a whole basket comes at once. */
const MOST_A_MINUTE = 30;
/** Seconds from the making of a list to an action on it, both by the server's clock: a shopper's may be wrong. */
const HASTE_SECONDS = 1;
/** Clicks that say again what was said of a product, about one list. Who compares two products goes back and forth. */
const FEWEST_REPEATS = 10;
/** Shares of a visitor's actions. */
const MOST_HASTY = 0.5;
const MOST_REPEATED = 0.5;
const MOST_UNSEEN = 0.8;
/** Share of a visitor's chosen pairs that are of one product. */
const MOST_PUSHED = 0.6;
/** Days that a list is valid, and so may have been seen before somebody acts on it. */
const LIST_DAYS = 7;

/**
 * Puts visitors into quarantine who behaved on a day as no shopper does, from the start of that day on; later days of theirs are marked to be built
 * again. Only for a whole day: of half a day, half of what was seen may be on its way. Nobody is convicted whom a rule has found before, or an
 * administrator has let out. ADR 21 says what each rule costs.
 * @param day YYYY-MM-DD @param received that an event `e` came on that day
 */
export async function quarantineBots(
  tx: Prisma.TransactionClient,
  catalogId: string,
  day: string,
  received: Prisma.Sql,
): Promise<void> {
  const found = await convicted(tx, catalogId, day, received);
  if (found.length === 0) return;
  const since = new Date(`${day}T00:00:00Z`);
  await tx.feedbackQuarantine.createMany({
    data: found.map((verdict) => ({ ...verdict, catalogId, id: randomUUID(), since })),
    skipDuplicates: true, // an administrator had put the same slice there
  });
  const visitorIds = found.map(({ visitorId }) => visitorId);
  await tx.$executeRaw`
    UPDATE simili.feedback_day SET stale = true
    WHERE catalog_id = ${catalogId} AND NOT forgotten AND day > ${day}::text::date AND day IN (
      SELECT (e.received_at AT TIME ZONE 'UTC')::date FROM simili.feedback_event e
      WHERE e.catalog_id = ${catalogId} AND e.visitor_id = ANY (${visitorIds}::text[]) AND e.received_at >= ${since})`;
}

type Verdict = { visitorId: string; rule: string; reason: string; events: number };

/** Verdicts, one a visitor: by the first of several rules that he breaks. */
async function convicted(
  tx: Prisma.TransactionClient,
  catalogId: string,
  day: string,
  received: Prisma.Sql,
): Promise<Verdict[]> {
  const start = Prisma.sql`(${day}::text::date::timestamp AT TIME ZONE 'UTC')`;
  return rows(tx, { visitorId: text, rule: text, reason: text, events: int })`
    WITH action AS (
      SELECT e.kind, e.visitor_id, e.anchor_id, e.item_ids[1] AS item_id, e.list_id, e.occurred_at,
        e.kind IN ('CLICK', 'DISMISS') AS is_click, e.without_list,
        NOT e.without_list AND e.received_at < e.listed_at + make_interval(secs => ${HASTE_SECONDS}::float8) AS is_hasty
      FROM simili.feedback_event e
      WHERE ${received} AND e.kind <> 'IMPRESSION' AND e.list_id IS NOT NULL AND ${unlessQuarantined(catalogId, Prisma.sql`e.item_ids[1]`)}
    ), busy AS (
      SELECT visitor_id FROM action GROUP BY visitor_id HAVING count(*) >= ${FEWEST_ACTIONS}::int
    ), seen AS (
      SELECT DISTINCT e.visitor_id, e.list_id, item_id
      FROM busy JOIN simili.feedback_event e USING (visitor_id) CROSS JOIN unnest(e.item_ids) AS item_id
      WHERE e.catalog_id = ${catalogId} AND e.kind = 'IMPRESSION'
        AND e.received_at BETWEEN ${start} - make_interval(days => ${LIST_DAYS}::int) AND ${start} + interval '25 hours'
    ), judged AS (
      SELECT visitor_id, is_click, is_hasty, NOT without_list AND seen.visitor_id IS NULL AS is_unseen,
        count(*) FILTER (WHERE is_click) OVER minute AS lately
      FROM action LEFT JOIN seen USING (visitor_id, list_id, item_id)
      WINDOW minute AS (PARTITION BY visitor_id ORDER BY occurred_at RANGE BETWEEN interval '1 minute' PRECEDING AND CURRENT ROW)
    ), conduct AS (
      SELECT visitor_id, count(*) AS actions, max(lately) AS lately, count(*) FILTER (WHERE is_hasty) AS hasty,
        count(*) FILTER (WHERE is_unseen) AS unseen, count(*) FILTER (WHERE is_click) AS clicks
      FROM judged GROUP BY visitor_id
    ), echo AS (
      SELECT visitor_id, max(repeats) AS repeats FROM (
        SELECT visitor_id, count(*) - count(DISTINCT (kind, item_id)) AS repeats FROM action WHERE is_click GROUP BY visitor_id, list_id
      ) AS list GROUP BY visitor_id
    ), aim AS (
      SELECT visitor_id, max(anchors) AS pushed, sum(anchors) AS pairs FROM (
        SELECT visitor_id, item_id, count(DISTINCT anchor_id) AS anchors FROM action WHERE kind <> 'DISMISS' GROUP BY visitor_id, item_id
      ) AS chosen GROUP BY visitor_id
    ), breach AS (
      SELECT visitor_id, rule.*, count(*) OVER (PARTITION BY rule.rule) AS breaking
      FROM conduct LEFT JOIN echo USING (visitor_id) LEFT JOIN aim USING (visitor_id) CROSS JOIN LATERAL (VALUES
        (1, 'rate', lately > ${MOST_A_MINUTE}::int, format('%s clicks within a minute', lately)),
        (2, 'haste', hasty >= ${FEWEST_ACTIONS}::int AND hasty >= ${MOST_HASTY}::float8 * actions,
          format('%s of %s actions within a second of their list', hasty, actions)),
        (3, 'replay', repeats >= ${FEWEST_REPEATS}::int AND repeats >= ${MOST_REPEATED}::float8 * clicks,
          format('%s of %s clicks say again what was said, about one list', repeats, clicks)),
        (4, 'unseen', unseen >= ${FEWEST_ACTIONS}::int AND unseen >= ${MOST_UNSEEN}::float8 * actions,
          format('%s of %s actions on products without an impression', unseen, actions)),
        (5, 'push', pushed >= ${FEWEST_ACTIONS}::int AND pushed >= ${MOST_PUSHED}::float8 * pairs,
          format('one product chosen beside %s others, of %s choices', pushed, pairs))
      ) AS rule (place, rule, is_broken, reason)
      WHERE is_broken
    )
    SELECT DISTINCT ON (visitor_id) visitor_id AS "visitorId", rule, reason, (
      SELECT count(*)::int FROM simili.feedback_event e
      WHERE e.catalog_id = ${catalogId} AND e.visitor_id = breach.visitor_id AND e.received_at >= ${start}) AS events
    FROM breach CROSS JOIN (SELECT count(*) AS acting FROM conduct) AS shop
    WHERE acting >= ${FEWEST_ACTING}::int AND breaking <= ${MOST_BREAKING}::float8 * acting AND NOT EXISTS (
      SELECT 1 FROM simili.feedback_quarantine q
      WHERE q.catalog_id = ${catalogId} AND q.visitor_id = breach.visitor_id AND (q.rule IS NOT NULL OR q.released_at IS NOT NULL))
    ORDER BY visitor_id, place`;
}
