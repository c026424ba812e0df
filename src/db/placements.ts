import { Prisma } from '../generated/prisma/client.ts';
import { DEFAULT_PLACEMENT, MOST_PLACEMENTS } from '../placement.ts';

/**
 * `told` of a WITH: the `MOST_PLACEMENTS` placements of these rows that are told apart, the most visitors first.
 * @param rows FROM and WHERE, of rows with a `placement` @param visitors how many saw one, an aggregate
 */
export const toldPlacements = (rows: Prisma.Sql, visitors: Prisma.Sql): Prisma.Sql => Prisma.sql`
  told AS (
    SELECT placement FROM ${rows} AND placement <> ${DEFAULT_PLACEMENT}::text
    GROUP BY placement ORDER BY ${visitors} DESC, placement LIMIT ${MOST_PLACEMENTS}::int
  )`;

/** Placement that a row counts for which is joined with `told`: what is not told apart counts for `default`. */
export const placementOf = Prisma.sql`coalesce(told.placement, ${DEFAULT_PLACEMENT}::text)`;
