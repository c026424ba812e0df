import type { VersionSpace } from '../../ports/space.ts';
import { int, type RowOf } from '../sql/row.ts';
import type { WithinCategory } from './category.ts';
import { SAMPLED } from './parts.ts';

/**
 * How far a search by the index looks, and when it is not asked at all.
 *
 * An HNSW scan gives its nearest `ef_search` products, the far ones among them with gaps. Of a filter that passes one in ten, a page
 * needs the nearest 130: the gaps are in the page. So the scan looks as much farther as the filter is narrow, and below some share
 * ranking what passes one by one is both exact and no slower. Measured in docs/adr/0011-one-statement-a-page.md.
 */

/** Candidates of one round of the scan, `hnsw.ef_search`. Steps, so that a share estimated again a minute later makes the same scan. */
export const EFFORTS = [100, 200, 400, 500, 750, 1000] as const;
const MOST_EFFORT = EFFORTS[EFFORTS.length - 1]!;
/** Part of an index's candidates that a page is sure with, a little below all: a filter that all but passes takes as many as none. */
const FOR_ALL = 0.9;

/**
 * Candidates of the next two rounds where the index did not give the anchor itself: of 40,000 products three in a thousand with 100, none with 400
 * (docs/adr/0041-lost-anchors.md). Behind these all products are ranked.
 */
export const EFFORTS_OF_LOST = [400, 1000] as const;

/** @param share of the catalog that passes the filter, 0 to 1 */
export const effortFor = (share: number, spaces: Spaces): number =>
  EFFORTS.find((effort) => isSure(effort, share, spaces)) ?? MOST_EFFORT;

/** Whether one round of so many candidates has as many that pass as a page is sure with: of a binary index all that are ranked anew. */
export const isSure = (effort: number, share: number, spaces: Spaces): boolean =>
  spaces.every((space) => effort * share >= candidatesOf(space) * (space.isBinary ? 1 : FOR_ALL));
type Spaces = readonly Pick<VersionSpace, 'isBinary' | 'candidates'>[];

/** As many as were measured; of an index that was not, the fewest, and of a binary one the most. */
const candidatesOf = ({ isBinary, candidates }: Spaces[number]): number =>
  candidates ?? (isBinary ? MOST_EFFORT : EFFORTS[0]);

/**
 * Candidates of the index of one category, or of a binary one, of which the fewest are taken that find nearly all of the nearest (src/db/indexes/measured-candidates.ts); of that of all
 * vectors also the first of EFFORTS.
 */
export const EFFORTS_WITHIN = [200, 400, 500, 750, 1000] as const;

/**
 * Candidates that pass, of an index of one category that was not measured, as an older worker has made it. Up to some products it is sure with the fewer: they are far
 * apart from each other, and a graph of more such is searched worse.
 */
const NOT_MEASURED = { upTo: 25_000, few: 150, many: 400 };

/**
 * By an index of one category alone (docs/adr/0036-category-indexes.md).
 * @param share of that category that passes the filter, 0 to 1
 */
export function effortWithin(share: number, { products, ranked, candidates }: Measured): number {
  const { upTo, few, many } = NOT_MEASURED;
  const wanted = ranked.every(Boolean) ? few : (candidates ?? (products <= upTo ? few : many));
  return EFFORTS.find((effort) => effort * share >= wanted) ?? MOST_EFFORT;
}
type Measured = Pick<WithinCategory, 'products' | 'ranked' | 'candidates'>;

/**
 * @param share of the catalog that passes, 0 to 1; undefined: it is not known, and taken to be all
 * @param spaces of the version
 */
export const effortOf = (share: number | undefined, within: WithinCategory | null, spaces: Spaces): number =>
  within ? effortWithin((share ?? within.share) / within.share, within) : effortFor(share ?? 1, spaces);

/**
 * Candidates of a binary index, or of that of one category, that are ranked anew: so many that pass find nearly all of the nearest.
 * @returns null: the space's index is none
 */
export const candidatesOfBinary = (space: Spaces[number], within: Measured | null): number | null =>
  space.isBinary ? within?.candidates || candidatesOf(space) : null;

/** Whether one round gives fewer of these that pass. @param share of the catalog that passes; undefined: it is not known, and taken to be all */
export function isTooFewOfBinary(
  effort: number,
  share: number | undefined,
  within: WithinCategory | null,
  spaces: Spaces,
): boolean {
  const passing = effort * Math.min(1, (share ?? within?.share ?? 1) / (within?.share ?? 1));
  return spaces.some((space) => passing < (candidatesOfBinary(space, within) ?? 0));
}

/**
 * SQL for the most products that pass a filter and are ranked one by one: 4,000, of a large catalog 25 times the root of how many vectors
 * the table has, by the database's own statistics. At 100,000 that is 7,900, at 3 µs each as long as the widest scan; the greater a
 * catalog, the worse the index finds the same share.
 */
export const mostPassingSql = (table: string): string =>
  `(SELECT greatest(4000, least(50000, 25 * sqrt(greatest(reltuples, 0)::float8)))::int FROM pg_class WHERE oid = '${table}'::regclass)`;

/** The same beside an index of one category alone, without the floor: it is as quick as that of a catalog of so many products. */
export const mostPassingWithin = (products: number): number => Math.round(25 * Math.sqrt(products));

/** Nearest of a category that are within the place of its sample, for one that is wanted: the sample is the first there are, and not drawn. */
const WITHIN_SAMPLE = 2;

/**
 * The place in a ranked sample of a category up to which some `wanted` nearest of its products are expected; null: too large a part to spare anything.
 * @param products of the category
 */
export function placeInSample(wanted: number, products: number): number | null {
  const place = Math.ceil((WITHIN_SAMPLE * wanted * SAMPLED) / products);
  return place < SAMPLED / 4 ? place : null;
}

/** Products that are looked at to see which share of a catalog passes, as far as its statistics are true; and the most of them. */
const LOOKED_AT = 4000;
const MOST_LOOKED_AT = 2 * LOOKED_AT;
/** Fewer products than these say nothing of a share. */
const FEWEST_SAMPLED = 200;

/** Draws about LOOKED_AT rows of a table of vectors, by whole pages; the same ones as long as the table is the same. Stands behind the table's name. */
export const drawnSql = (table: string): string => `TABLESAMPLE SYSTEM (
      (SELECT CASE WHEN reltuples > ${LOOKED_AT} THEN ${LOOKED_AT} * 100.0 / reltuples ELSE 100 END FROM pg_class WHERE oid = '${table}'::regclass)
    ) REPEATABLE (1)`;

/**
 * One row: products `looked` at, and how many of these are `passing`. They are drawn from the catalog's own table of
 * vectors: that of products has those of all catalogs. `OFFSET 0`: looked up one by one, whatever the planner thinks of how many are drawn.
 * @param table of vectors
 */
export const sampleSql = (catalog: string, table: string, narrowing: string): string => `
  SELECT count(*)::int AS looked, count(*) FILTER (WHERE passes)::int AS passing
  FROM (SELECT e.product_id FROM ${table} e ${drawnSql(table)} LIMIT ${MOST_LOOKED_AT}) AS drawn
    CROSS JOIN LATERAL (SELECT (${narrowing}) AS passes FROM simili.product q
      WHERE q.catalog_id = ${catalog} AND q.id = drawn.product_id OFFSET 0) AS product`;

export const Sample = { looked: int, passing: int };

/** @returns the share that passes; 0, which is the greatest effort, where too little was seen. */
export const shareOf = ({ looked, passing }: RowOf<typeof Sample>): number =>
  looked < FEWEST_SAMPLED ? 0 : passing / looked;
