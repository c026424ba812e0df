import type { Deadline } from '../../deadline.ts';
import type { Parts } from '../sql/product-columns.ts';
import { asksForStock, filedPart, isMostlyFiled } from './filed.ts';
import { NOTHING, narrowingOf, type RankingVersion } from './found.ts';
import { PARTS_OF_LIST } from './neighbour-lists.ts';
import { LONGEST_USUAL, sizeFor } from './page-sizes.ts';
import type { SearchFilter } from './statement.ts';

/** Under a narrower filter the products that a page needs are beyond those of a list of all: it has lists of its own, or none. */
const LEAST_SHARE = 0.5;
/** Products of a list's part for one of a page, where a filter passes all of them: fewer pass near some anchors than elsewhere. */
const SPARE = 1.25;
/** The share that is taken to be in stock of what is filed where a filter asks. */
const IN_STOCK = 0.8;
/** Products of a list's part beyond those of the shortest page, for variants that are folded and products that are gone. */
const FOLDED_OR_GONE = PARTS_OF_LIST[0] - sizeFor(1);

/** Pages of one space's version, from the first place on, each anchor's own. */
export type Asked = {
  version: RankingVersion;
  anchorIds: readonly string[];
  filter: SearchFilter;
  limit: number;
  parts: Parts;
  deadline: Deadline | null;
};
/** The lists that a page is made of, by what they are of: a filter, `filed` for short, empty: all. `usual`: the part, of PARTS_OF_LIST, that does for most pages. */
export type Kind = { listsOf: SearchFilter; filed: string; usual: number };

/**
 * The kind of lists for pages under a filter: of all products where most pass, else of what its filed part passes.
 * @param share of the catalog that passes, 0 to 1; undefined: it is not known
 * @returns null: no list that is kept has what such pages need
 */
export function kindOf(asked: Asked, share: number | undefined): Kind | null {
  const { filter } = asked;
  if (narrowingOf(filter) === NOTHING) return kindFor(asked, {}, 1);
  if (share !== undefined && share >= LEAST_SHARE) return kindFor(asked, {}, share);
  const listsOf = filedPart(filter);
  if (Object.keys(listsOf).length === 0 || !isMostlyFiled(filter)) return null;
  return kindFor(asked, listsOf, asksForStock(filter) ? IN_STOCK : 1);
}

/** @param share of the products of such lists that pass the filter of a page; null: no list is long enough */
function kindFor({ filter, limit }: Asked, listsOf: SearchFilter, share: number): Kind | null {
  if (limit > LONGEST_USUAL) return null;
  const all = sizeFor(limit) + FOLDED_OR_GONE + (filter.excludeIds?.length ?? 0);
  const usual = partOf(share < 1 ? (all * SPARE) / share : all);
  return usual < PARTS_OF_LIST.length ? { listsOf, filed: narrowingOf(listsOf), usual } : null;
}

/** The first part with so many products; PARTS_OF_LIST.length: none has. */
export function partOf(products: number): number {
  const part = PARTS_OF_LIST.findIndex((length) => length >= products);
  return part < 0 ? PARTS_OF_LIST.length : part;
}
