import { FEWEST_PEOPLE } from '../fewest-people.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { placementOf, toldPlacements } from './placements.ts';
import { float, int, rows, text } from './sql/row.ts';

/** Sums over visitors, one a day and version: n is what a visitor saw, c what of it he chose. */
export type ClickSums = {
  visitors: number;
  /** Σ n. */
  impressions: number;
  /** Σ c. */
  choices: number;
  /** Σ n², Σ n·c, Σ c². */
  impressionsSq: number;
  products: number;
  choicesSq: number;
};
/** Cells of one version, placement and place that are summed up, and how many were left out, for fewer than `FEWEST_PEOPLE` saw them. */
export type ClickCells = ClickSums & {
  modelId: string;
  placement: string;
  /** 1-based, all behind `MOST_PLACES` being one; 0: all places together, each of a day without those that too few saw. */
  position: number;
  /** All sums are 0 where none is left. */
  suppressed: number;
  /** The last day that has a cell, YYYY-MM-DD. */
  lastDay: string;
};
/** Days, YYYY-MM-DD, both included; a version, or all. */
export type ClickSpan = { first: string; last: string; modelId: string | null };

/** Places that are told apart. A stranger may page through a list to its end, and say that he saw the millionth place. */
export const MOST_PLACES = 50;

/** Click-through by version, placement and place, from days that are rolled up; it never reads events. */
export class ClickThroughRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /** Days that are counted, and days that wait to be built again, whose cells are not. */
  async days({ first, last }: ClickSpan): Promise<{ counted: number; pending: number }> {
    const [row] = await rows(this.db, { counted: int, pending: int })`
      SELECT count(*) FILTER (WHERE NOT stale)::int AS counted, count(*) FILTER (WHERE stale)::int AS pending
      FROM simili.feedback_day
      WHERE catalog_id = ${this.catalogId} AND day BETWEEN ${first}::text::date AND ${last}::text::date`;
    return row!;
  }

  /** One row a version, placement and place; of placements those that were seen most in this span, others count for `default`. */
  async cells({ first, last, modelId }: ClickSpan): Promise<ClickCells[]> {
    const seen = Prisma.sql`FILTER (WHERE visitors >= ${FEWEST_PEOPLE}::int)`;
    const cells = Prisma.sql`simili.feedback_click_through c JOIN simili.feedback_day USING (catalog_id, day)`;
    const ofSpan = Prisma.sql`catalog_id = ${this.catalogId} AND NOT stale AND day BETWEEN ${first}::text::date AND ${last}::text::date`;
    return rows(this.db, CELLS)`
      WITH ${toldPlacements(Prisma.sql`${cells} WHERE ${ofSpan} AND position > 0`, Prisma.sql`sum(visitors)`)}
      SELECT model_id AS "modelId", ${placementOf} AS placement, least(position, ${MOST_PLACES}::int + 1) AS position, count(*) FILTER (WHERE visitors < ${FEWEST_PEOPLE}::int)::int AS suppressed,
        max(day)::text AS "lastDay", coalesce(sum(visitors) ${seen}, 0)::float8 AS visitors,
        coalesce(sum(impressions) ${seen}, 0)::float8 AS impressions, coalesce(sum(choices) ${seen}, 0)::float8 AS choices,
        coalesce(sum(impressions_sq) ${seen}, 0)::float8 AS "impressionsSq", coalesce(sum(products) ${seen}, 0)::float8 AS products,
        coalesce(sum(choices_sq) ${seen}, 0)::float8 AS "choicesSq"
      FROM ${cells} LEFT JOIN told ON told.placement = c.placement
      WHERE ${ofSpan} AND (${modelId}::text IS NULL OR model_id = ${modelId}::text)
      GROUP BY model_id, told.placement, 3`;
  }
}

const CELLS = {
  modelId: text,
  placement: text,
  position: int,
  suppressed: int,
  lastDay: text,
  visitors: float,
  impressions: float,
  choices: float,
  impressionsSq: float,
  products: float,
  choicesSq: float,
};

/**
 * Tables of a WITH behind `deed` (src/db/feedback-days.ts), of which the last one stores a day's cells. Place 0 sums the places of a placement that
 * enough visitors saw: every number that is shown is then a sum of cells of enough people, and so is the difference of two.
 */
export const clickThroughOfDay = (catalogId: string, date: Prisma.Sql): Prisma.Sql => Prisma.sql`
  looked AS (
    SELECT model_id, placement, position, visitor_id, sum(seen) AS n, sum(seen * greatest(click, cart, purchase)) AS c,
      count(*) OVER (PARTITION BY model_id, placement, position) AS people
    FROM deed WHERE seen > 0 GROUP BY model_id, placement, position, visitor_id
  ), cell AS (
    SELECT model_id, placement, position, n, c FROM looked
    UNION ALL
    SELECT model_id, placement, 0, sum(n), sum(c) FROM looked WHERE people >= ${FEWEST_PEOPLE}::int GROUP BY model_id, placement, visitor_id
  ), click_through AS (
    INSERT INTO simili.feedback_click_through
      (catalog_id, day, model_id, placement, position, visitors, impressions, choices, impressions_sq, products, choices_sq)
    SELECT ${catalogId}::text, ${date}, model_id, placement, position, count(*), sum(n), sum(c), sum(n * n), sum(n * c), sum(c * c)
    FROM cell GROUP BY model_id, placement, position
  )`;
