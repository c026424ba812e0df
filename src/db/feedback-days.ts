import { type ActionValues, FEEDBACK_WORTH, type FeedbackWorth } from '../feedback-worth.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { quarantineBots } from './bot-rules.ts';
import { clickThroughOfDay } from './click-through.ts';
import { lockFeedback } from './feedback-lock.ts';
import { placementOf, toldPlacements } from './placements.ts';
import { unlessQuarantined } from './quarantine-sql.ts';
import { float, int, rows, text } from './sql/row.ts';

/** Feedback on one product at one place of one anchor's lists in one placement. Votes may be fractions: see `FeedbackDays`. */
export type PairStatistics = {
  anchorId: string;
  itemId: string;
  position: number;
  placement: string;
  /** Times it was seen there. */
  impressions: number;
  /** Times it was chosen there: clicked, put in the cart or bought. */
  clicks: number;
  /** Sum of action values (src/feedback-worth.ts). */
  value: number;
};

/** Votes for what was chosen on a day (YYYY-MM-DD, UTC). */
export type DayChoices = { day: string; choices: number };
/** Days from one on and before another (YYYY-MM-DD, UTC); null: without a bound. */
export type DayRange = { readonly from: string | null; readonly before: string | null };
const ALL_DAYS: DayRange = { from: null, before: null };

/** A vote from a list under a shopper's own filters: worth half, because it was half the shopper's own choice. */
const FILTERED_WEIGHT = 0.5;
/** The most that one visitor counts for in all: two whole purchases (click, cart and purchase, 10 as usual), or the clicks that are worth as much. */
const MOST_PURCHASES = 2;
const MOST_PURCHASES_OF_ANCHOR = 1;
/** The most products that one visitor chooses or dismisses, whatever a shop says that actions are worth. */
const MOST_VOTES = 20;
const MOST_VOTES_OF_ANCHOR = 10;
const MOST_SEEN = 1000;
/** Digits behind the point to which the share is kept that an old day counts with: sums are the same whatever their order. */
const DIGITS = 12;
/** Rows that are fetched at once. */
const PAGE = 10_000;
/** ms; a day of a large shop has millions of rows. */
const BUILDING = { timeout: 3_600_000 };

/**
 * How often a reading begins again because something was erased while days were built, during which erasures need not wait for long. Then it builds
 * what is left itself, and they wait: else a shop in which somebody is erased more often than a day is built would never be read.
 */
const MOST_AGAIN = 2;

type Transaction = Prisma.TransactionClient;

/**
 * Feedback rolled up by days of receipt (UTC), and what is derived from it; events themselves are read once a day, not once a training.
 *
 * One visitor counts at most once per anchor, product, place, placement and kind of action a day, so that nobody votes by reloading, and in all for no
 * more than `MOST_PURCHASES` whole purchases' action values (each taken positive), `MOST_VOTES` products chosen or dismissed and `MOST_SEEN` sightings, and about one
 * anchor for no more than `MOST_PURCHASES_OF_ANCHOR` and `MOST_VOTES_OF_ANCHOR`: a day takes what the days before have left, and who did more has every vote of that day scaled down to it. Numeric, because sums of floats depend on
 * their order and a resumed training must see the same.
 *
 * A day's rows follow from its events and the days before it alone. It is built as a whole, in one transaction that no other building and no
 * erasure of the catalog runs beside: built twice it is the same, and half a building is never seen.
 */
export class FeedbackDays {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly worth: FeedbackWorth = FEEDBACK_WORTH,
  ) {}

  /** All that `read` gives. */
  async statistics(until: Date): Promise<PairStatistics[]> {
    const all: PairStatistics[] = [];
    await this.read(until, (page) => {
      for (const row of page) all.push(row);
    });
    return all;
  }

  /**
   * All feedback up to `until`, by anchor, item, position and placement, from days that are built again first where they must be. Old days count less:
   * those of d days before `until` 2^(-d / half-life), seen and chosen alike, so that what is told of them stays the same and is less sure.
   * @param take is given up to `PAGE` rows at a time: the database keeps the others, and nobody ever holds all
   * @param rangeOf which days are summed, told from the choices of each, oldest first; default: all
   * @returns the days that were summed
   */
  async read(
    until: Date,
    take: (page: PairStatistics[]) => void,
    rangeOf: (days: readonly DayChoices[]) => DayRange = () => ALL_DAYS,
  ): Promise<DayRange> {
    for (let again = 0; ; again++) {
      await this.rollUp(until);
      const read = await this.db.$transaction(async (tx) => {
        await lockFeedback(tx, this.catalogId);
        const late = await this.settledDays(tx, until); // something was erased meanwhile
        if (late.length > 0 && again < MOST_AGAIN) return null;
        for (const day of late) await this.build(tx, day, null);
        for (const day of await this.openDays(tx, until)) await this.build(tx, day, until);
        const range = rangeOf(await this.choicesByDay(tx, until));
        await this.declareSums(tx, until, range);
        for (let page = await nextPage(tx); page.length > 0; page = await nextPage(tx)) take(page);
        return range;
      }, BUILDING);
      if (read) return read;
    }
  }

  /**
   * Rolls up days that ended an hour ago or more, up to `until`, and are not, or whose events have changed. The hour is for
   * what was sent before midnight and stored after it. @returns how many days there were.
   */
  async rollUp(until: Date): Promise<number> {
    const days = await this.settledDays(this.db, until);
    for (const day of days)
      await this.db.$transaction(async (tx) => {
        await lockFeedback(tx, this.catalogId);
        if (!(await this.settledDays(tx, until)).includes(day)) return; // another worker was here
        await this.build(tx, day, null);
      }, BUILDING);
    return days.length;
  }

  /** Days that `rollUp` would build. */
  async pending(until: Date): Promise<number> {
    return (await this.settledDays(this.db, until)).length;
  }

  /**
   * Deletes the events of days that ended `days` days ago and are rolled up, and with them who did what. A day in each commit: where years are over at once, as
   * when the time is made shorter, what is done stays done, and who changes feedback gets a turn between two days. @returns how many events there were.
   */
  async forget(days: number): Promise<number> {
    let events = 0;
    for (let day = await this.forgetOldest(days); day !== null; day = await this.forgetOldest(days)) events += day;
    await this.db.$transaction(async (tx) => {
      await lockFeedback(tx, this.catalogId);
      await tx.$executeRaw`
        DELETE FROM simili.feedback_quarantine q
        WHERE catalog_id = ${this.catalogId} AND visitor_id IS NOT NULL AND created_at < now() - make_interval(days => ${days}::int)
          AND NOT EXISTS (SELECT 1 FROM simili.feedback_event e WHERE e.catalog_id = ${this.catalogId} AND e.visitor_id = q.visitor_id)`;
    }, BUILDING);
    return events;
  }

  /** @returns how many events the day had; null: there is no such day */
  private forgetOldest(days: number): Promise<number | null> {
    const { catalogId } = this;
    return this.db.$transaction(async (tx) => {
      await lockFeedback(tx, catalogId);
      const [oldest] = await rows(tx, { day: text })`
        UPDATE simili.feedback_day SET forgotten = true
        WHERE catalog_id = ${catalogId} AND day = (
          SELECT min(day) FROM simili.feedback_day WHERE catalog_id = ${catalogId} AND NOT stale AND NOT forgotten
            AND day < (now() AT TIME ZONE 'UTC')::date - ${days}::int)
        RETURNING day::text`;
      if (!oldest) return null;
      const date = Prisma.sql`${oldest.day}::text::date`;
      await tx.$executeRaw`DELETE FROM simili.feedback_spent WHERE catalog_id = ${catalogId} AND day = ${date}`;
      return tx.$executeRaw`
        DELETE FROM simili.feedback_event WHERE catalog_id = ${catalogId}
          AND received_at >= ${date}::timestamp AT TIME ZONE 'UTC' AND received_at < (${date} + 1)::timestamp AT TIME ZONE 'UTC'`;
    }, BUILDING);
  }

  /** Days to build that are over for certain. */
  private settledDays(tx: Transaction, until: Date): Promise<string[]> {
    return this.daysToBuild(
      tx,
      Prisma.sql`((least(${until}::timestamptz, now()) - interval '25 hours') AT TIME ZONE 'UTC')::date`,
    );
  }

  /** Days to build up to that of `until`, which is one of them: later events of its may be among its rows. */
  private async openDays(tx: Transaction, until: Date): Promise<string[]> {
    const last = dayOf(until);
    await tx.$executeRaw`
      UPDATE simili.feedback_day SET stale = true
      WHERE catalog_id = ${this.catalogId} AND day = ${last} AND NOT forgotten`;
    return this.daysToBuild(tx, last);
  }

  /** In the order of time, for each takes what those before have left. */
  private async daysToBuild(tx: Transaction, last: Prisma.Sql): Promise<string[]> {
    const { catalogId } = this;
    const days = await rows(tx, { day: text })`
      WITH first AS (
        SELECT (min(received_at) AT TIME ZONE 'UTC')::date AS day FROM simili.feedback_event WHERE catalog_id = ${catalogId}
      ), unknown AS (
        SELECT each.day::date AS day
        FROM first, generate_series(first.day::timestamp, ${last}::timestamp, interval '1 day') AS each (day)
        WHERE NOT EXISTS (SELECT 1 FROM simili.feedback_day d WHERE d.catalog_id = ${catalogId} AND d.day = each.day::date)
      )
      SELECT day::text FROM unknown WHERE EXISTS (
        SELECT 1 FROM simili.feedback_event e WHERE e.catalog_id = ${catalogId}
          AND e.received_at >= unknown.day::timestamp AT TIME ZONE 'UTC'
          AND e.received_at < (unknown.day + 1)::timestamp AT TIME ZONE 'UTC')
      UNION
      SELECT day::text FROM simili.feedback_day
      WHERE catalog_id = ${catalogId} AND stale AND NOT forgotten AND day <= ${last}
      ORDER BY 1`;
    return days.map(({ day }) => day);
  }

  /** Builds a day's rows anew, those before it being built. @param until events after it are left out, and the day stays stale; null: none are */
  private async build(tx: Transaction, day: string, until: Date | null): Promise<void> {
    const { catalogId } = this;
    const date = Prisma.sql`${day}::text::date`;
    const received = this.received(date, until);
    const { click, cart, purchase, dismiss } = sqlOf(this.worth.values);
    const whole = Prisma.sql`(${click} + ${cart} + ${purchase})`;
    if (until === null) await quarantineBots(tx, catalogId, day, received);
    await tx.$executeRaw`DELETE FROM simili.feedback_rollup WHERE catalog_id = ${catalogId} AND day = ${date}`;
    await tx.$executeRaw`DELETE FROM simili.feedback_spent WHERE catalog_id = ${catalogId} AND day = ${date}`;
    await tx.$executeRaw`DELETE FROM simili.feedback_click_through WHERE catalog_id = ${catalogId} AND day = ${date}`;
    const counted = Prisma.sql`simili.feedback_event e WHERE ${received} AND ${unlessQuarantined(catalogId, Prisma.sql`e.item_ids[1]`)}`;
    await tx.$executeRaw`
      WITH ${toldPlacements(counted, Prisma.sql`count(DISTINCT visitor_id)`)}, deed AS (
        SELECT e.anchor_id, item.id AS item_id, item.position, e.visitor_id, e.model_id, ${placementOf} AS placement, bool_and(e.filtered) AS filtered,
          bool_or(e.kind = 'IMPRESSION')::int AS seen, bool_or(e.kind IN ('CLICK', 'VIEW'))::int AS click,
          bool_or(e.kind = 'ADD_TO_CART')::int AS cart, bool_or(e.kind = 'PURCHASE')::int AS purchase,
          bool_or(e.kind = 'DISMISS')::int AS dismiss
        FROM simili.feedback_event e LEFT JOIN told ON told.placement = e.placement, unnest(e.item_ids, e.positions) AS item (id, position)
        WHERE ${received} AND e.anchor_id IS NOT NULL AND ${unlessQuarantined(catalogId, Prisma.sql`item.id`)}
        GROUP BY 1, 2, 3, 4, 5, 6
      ), act AS (
        SELECT anchor_id, item_id, position, placement, visitor_id, min(model_id) AS model_id, max(seen) AS seen, max(click) AS click,
          max(cart) AS cart, max(purchase) AS purchase, max(dismiss) AS dismiss,
          CASE WHEN bool_and(filtered) THEN ${FILTERED_WEIGHT}::numeric ELSE 1 END AS weight
        FROM deed GROUP BY anchor_id, item_id, position, placement, visitor_id
      ), spent_about AS (
        SELECT visitor_id, anchor_id, sum(value) AS value, sum(votes) AS votes, sum(seen) AS seen FROM simili.feedback_spent
        WHERE catalog_id = ${catalogId} AND day < ${date} AND visitor_id IN (SELECT visitor_id FROM act)
        GROUP BY visitor_id, anchor_id
      ), spent AS (
        SELECT visitor_id, sum(value) AS value, sum(votes) AS votes, sum(seen) AS seen FROM spent_about GROUP BY visitor_id
      ), vote AS (
        SELECT act.*, act.weight * (${click} * click + ${cart} * cart + ${purchase} * purchase - ${dismiss} * dismiss) AS amount,
          act.weight * greatest(click, cart, purchase, dismiss) AS votes, act.weight * act.seen AS looks,
          ${MOST_PURCHASES}::int * ${whole} - coalesce(spent.value, 0) AS left_value,
          ${MOST_PURCHASES_OF_ANCHOR}::int * ${whole} - coalesce(spent_about.value, 0) AS left_about,
          ${MOST_VOTES}::int - coalesce(spent.votes, 0) AS left_votes,
          ${MOST_VOTES_OF_ANCHOR}::int - coalesce(spent_about.votes, 0) AS left_votes_about,
          ${MOST_SEEN}::int - coalesce(spent.seen, 0) AS left_seen
        FROM act LEFT JOIN spent USING (visitor_id) LEFT JOIN spent_about USING (visitor_id, anchor_id)
      ), fitted AS (
        SELECT *, greatest(0, least(1, left_value / nullif(sum(amount) OVER who, 0), left_about / nullif(sum(amount) OVER about, 0),
          left_votes / nullif(sum(votes) OVER who, 0), left_votes_about / nullif(sum(votes) OVER about, 0),
          left_seen / nullif(sum(looks) OVER who, 0))) AS part
        FROM vote WINDOW who AS (PARTITION BY visitor_id), about AS (PARTITION BY visitor_id, anchor_id)
      ), counted AS (
        SELECT *, weight * part AS vote FROM fitted WHERE part > 0
      ), kept AS (
        INSERT INTO simili.feedback_spent (catalog_id, visitor_id, anchor_id, day, value, votes, seen)
        SELECT ${catalogId}::text, visitor_id, anchor_id, ${date}, round(sum(amount * part), 12), round(sum(votes * part), 12), round(sum(looks * part), 12)
        FROM counted GROUP BY visitor_id, anchor_id
      ), ${clickThroughOfDay(catalogId, date)}
      INSERT INTO simili.feedback_rollup
        (catalog_id, day, anchor_id, item_id, position, model_id, placement, impressions, chosen, clicks, carts, purchases, dismisses)
      SELECT ${catalogId}::text, ${date}, anchor_id, item_id, position, model_id, placement,
        round(sum(vote * seen), 12), round(sum(vote * greatest(click, cart, purchase)), 12), round(sum(vote * click), 12),
        round(sum(vote * cart), 12), round(sum(vote * purchase), 12), round(sum(vote * dismiss), 12)
      FROM counted GROUP BY anchor_id, item_id, position, model_id, placement`;
    await tx.$executeRaw`
      INSERT INTO simili.feedback_day (catalog_id, day, stale, lists, lists_seen, without_list, outcomes)
      SELECT ${catalogId}::text, ${date}, ${until !== null}, count(DISTINCT e.list_id) FILTER (WHERE NOT e.without_list),
        count(DISTINCT e.list_id) FILTER (WHERE e.kind = 'IMPRESSION'), count(*) FILTER (WHERE e.without_list),
        count(*) FILTER (WHERE e.without_list AND e.anchor_id IS NOT NULL)
      FROM ${counted}
      ON CONFLICT (catalog_id, day)
        DO UPDATE SET stale = excluded.stale, lists = excluded.lists, lists_seen = excluded.lists_seen,
          without_list = excluded.without_list, outcomes = excluded.outcomes, counted = false`;
  }

  /** That an event `e` came on a day, up to `until`; null: whenever. */
  private received(date: Prisma.Sql, until: Date | null): Prisma.Sql {
    return Prisma.sql`e.catalog_id = ${this.catalogId} AND e.received_at >= ${date}::timestamp AT TIME ZONE 'UTC'
      AND e.received_at < (${date} + 1)::timestamp AT TIME ZONE 'UTC'
      AND (${until}::timestamptz IS NULL OR e.received_at <= ${until}::timestamptz)`;
  }

  private choicesByDay(tx: Transaction, until: Date): Promise<DayChoices[]> {
    return rows(tx, { day: text, choices: float })`
      SELECT day::text, round(sum(chosen), 9)::float8 AS choices FROM simili.feedback_rollup
      WHERE catalog_id = ${this.catalogId} AND day <= ${dayOf(until)} GROUP BY day ORDER BY day`;
  }

  private async declareSums(tx: Transaction, until: Date, { from, before }: DayRange): Promise<void> {
    const seen = Prisma.sql`simili.feedback_click_through WHERE catalog_id = ${this.catalogId} AND day <= ${dayOf(until)} AND position > 0`;
    const { click, cart, purchase, dismiss } = sqlOf(this.worth.values);
    await tx.$executeRaw`
      DECLARE feedback_sums NO SCROLL CURSOR FOR
      WITH ${toldPlacements(seen, Prisma.sql`sum(visitors)`)}, fading AS MATERIALIZED (
        SELECT day, ${this.share(Prisma.sql`${dayOf(until)} - day`)} AS share
        FROM simili.feedback_day WHERE catalog_id = ${this.catalogId} AND day <= ${dayOf(until)}
          AND day >= coalesce(${from}::text::date, '-infinity') AND day < coalesce(${before}::text::date, 'infinity')
      )
      SELECT anchor_id AS "anchorId", item_id AS "itemId", position, ${placementOf} AS placement,
        round(sum(share * impressions), 9)::float8 AS impressions, round(sum(share * chosen), 9)::float8 AS clicks,
        round(sum(share * (${click} * clicks + ${cart} * carts + ${purchase} * purchases + ${dismiss} * dismisses)), 9)::float8 AS value
      FROM simili.feedback_rollup r JOIN fading USING (day) LEFT JOIN told ON told.placement = r.placement
      WHERE catalog_id = ${this.catalogId}
      GROUP BY anchor_id, item_id, position, told.placement
      ORDER BY anchor_id, item_id, position, told.placement`;
  }

  /** Share that a day counts with, 0 to 1. @param age days */
  private share(age: Prisma.Sql): Prisma.Sql {
    const { halfLifeDays } = this.worth;
    if (halfLifeDays === 0) return Prisma.sql`1::numeric`;
    return Prisma.sql`round(power(0.5, (${age})::numeric / ${numeric(halfLifeDays)}), ${DIGITS}::int)`;
  }
}

const numeric = (value: number): Prisma.Sql => Prisma.sql`${value}::float8::numeric`;
const sqlOf = ({ click, cart, purchase, dismiss }: ActionValues) => ({
  click: numeric(click),
  cart: numeric(cart),
  purchase: numeric(purchase),
  dismiss: numeric(dismiss),
});

const Sums = {
  anchorId: text,
  itemId: text,
  position: int,
  placement: text,
  impressions: float,
  clicks: float,
  value: float,
};
const nextPage = (tx: Transaction): Promise<PairStatistics[]> =>
  rows(tx, Sums)`FETCH ${Prisma.raw(String(PAGE))} FROM feedback_sums`;

const dayOf = (moment: Date): Prisma.Sql => Prisma.sql`(${moment}::timestamptz AT TIME ZONE 'UTC')::date`;
