import { LRUCache } from 'lru-cache';
import type { VersionSpace } from '../ports/space.ts';
import type { Ask } from './ask.ts';
import { type ProductColumns, productOf } from './product-columns.ts';
import type { ProductRow } from './products.ts';
import { LOOKS } from './search-fused.ts';
import { TIES } from './search-one.ts';
import type { Behind, Way } from './search-parts.ts';
import { type Search, type SearchFilter, searchStatement } from './search-statement.ts';
import { squaredOf } from './space-sql.ts';
import { ofVersion } from './version-gone.ts';

/**
 * `distance`: squared Euclidean between unit vectors, of several spaces their weighted mean. 0 same, 2 unrelated, 4 opposite.
 * `l2`: exactly what the database ranked by (of one Euclidean space the root: squaring would make two distances one).
 */
export type Neighbour = { productId: string; distance: number; l2: number; product: ProductRow };
/** What a search found of one anchor. `unknown`: no such product; `cold`: the version has no vector of it. */
export type Found = { anchor: 'unknown' | 'cold' | 'ranked'; neighbours: Neighbour[] };

type Row = ProductColumns & {
  nr: number;
  known: boolean;
  warm: boolean;
  /** Products that pass the filter, where they were counted; one more than MOST_PASSING when there are more. */
  passing: number | null;
  /** Null: the anchor has no neighbours. */
  l2: number | null;
  /** Products that the index gave, and the greatest distance among them. Of several spaces: see `fused`. */
  looked: number | null;
  farthest: number | null;
};

/** Sizes of pages that are prepared: a size of its own for each would be as many plans in every session. */
const SIZES = [13, 25, 51];
/**
 * Products that pass a filter and are ranked one by one, which takes 3 µs each: as long as three pages without a filter. Of
 * more, the index finds enough within a few rounds; of fewer, it would look at very many that do not pass.
 */
const MOST_PASSING = 4000;
/** How long it is remembered that more pass than that, ms. */
const REMEMBERED_MS = 60_000;
const FILTERS_REMEMBERED = 1000;

/** The search itself: one statement a page, with the products of the page in it. */
export class SearchRepository {
  /** Filters that more products pass than are ranked one by one. */
  private readonly wide = new LRUCache<string, true>({ max: FILTERS_REMEMBERED, ttl: REMEMBERED_MS });
  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    private readonly mostPassing = MOST_PASSING,
  ) {}

  /**
   * Ranks, for each anchor, the `limit` products nearest to it, best first, itself left out; of equal distances the lower
   * id. Filters hold inside the search. A page is short only when no more products pass.
   * @param version number and spaces of it
   * @param behind only what ranks after this place: what is deleted or added before it moves nothing.
   * @throws VersionGone
   */
  async nearestOfEach(
    { number, spaces }: RankingVersion,
    anchorIds: readonly string[],
    filter: SearchFilter,
    limit: number,
    behind: Behind | null = null,
  ): Promise<Found[]> {
    const size = SIZES.find((one) => one >= limit) ?? limit;
    const { catalogId, mostPassing } = this;
    const search = { catalogId, model: number, spaces, filter, limit: size, behind, mostPassing };
    const scale = scaleOf(spaces);
    const isFused = spaces.length > 1;
    const found: Found[] = [];
    let open = anchorIds.map((id, place) => ({ id, place }));
    let isShort = false;
    for (const way of this.waysTo(filter, isFused)) {
      if (isShort && way !== 'exact') continue; // looking farther brings no more of what the index gave all of
      const ids = open.map(({ id }) => id);
      const groups = byAnchor(await this.run({ ...search, anchorIds: ids }, way), ids.length);
      if (way === 'passing' && (groups[0]?.[0]?.passing ?? 0) > mostPassing) {
        this.wide.set(narrowingOf(filter), true);
        continue;
      }
      open = open.filter(({ place }, i) => {
        const rows = groups[i]!;
        if (!isWhole(rows, { limit, size, way, isFused })) {
          isShort ||= rows.length < limit;
          return true;
        }
        found[place] = foundOf(rows, limit, scale);
        return false;
      });
      if (open.length === 0) break;
    }
    return found;
  }

  /**
   * The index is asked first; where it gives a short page, or cuts a group of equal distances, the exact scan has the last word. Of
   * several spaces a small catalog is ranked one by one, filter or not: that is exact, and no slower than several indexes.
   */
  private waysTo(filter: SearchFilter, isFused: boolean): Way[] {
    const narrowing = narrowingOf(filter);
    const mayBeFew = (isFused || narrowing !== NOTHING) && !this.wide.has(narrowing);
    return [...(mayBeFew ? (['passing'] as const) : []), ...(isFused ? LOOKS : TIES), 'exact'];
  }

  private run(search: Search, way: Way): Promise<Row[]> {
    const { statement, values } = searchStatement(search, way);
    return ofVersion(this.ask<Row>(statement, values));
  }
}

/** What ranks: a model version, as the search needs it. */
export type RankingVersion = { readonly number: number; readonly spaces: readonly VersionSpace[] };

/** The part of a filter that the catalog's indexes can find, as text: NOTHING where there is none. */
function narrowingOf({ excludeIds: _, ...narrowing }: SearchFilter): string {
  return JSON.stringify(narrowing);
}
const NOTHING = '{}';

/** In the order of the anchors, which count from 1. */
function byAnchor(rows: readonly Row[], anchors: number): Row[][] {
  const groups: Row[][] = Array.from({ length: anchors }, () => []);
  for (const row of rows) groups[row.nr - 1]!.push(row);
  return groups;
}

type Asked = { limit: number; size: number; way: Way; isFused: boolean };

/** Whether the first `limit` are the nearest, and not only what the index happened to see. */
function isWhole(rows: readonly Row[], asked: Asked): boolean {
  const [first] = rows;
  const { limit, size, way, isFused } = asked;
  if (typeof way === 'string' || !first?.warm) return true;
  const last = rows[limit - 1];
  if (isFused) return isWholeOfSpaces(first, last, { ...asked, way });
  // The farthest product that was looked at is at the distance of the last one shown: others may tie with it, unseen.
  return last !== undefined && (first.looked !== size + way || last.l2 !== first.farthest);
}

/** The widest look is taken as it is: beyond it an index is no more exact than that. A page that it leaves short is not. */
function isWholeOfSpaces(
  { farthest, looked }: Row,
  last: Row | undefined,
  { size, way }: Asked & { way: number },
): boolean {
  if (farthest === Number.POSITIVE_INFINITY) return true;
  if (!last) return false;
  return last.l2! < (farthest ?? 0) || (way === LOOKS.at(-1) && looked === size + way);
}

/** What the database ranked by → the squared distance. */
const scaleOf = ([one, ...others]: readonly VersionSpace[]): ((l2: number) => number) =>
  others.length > 0 || !one ? (l2) => l2 : (l2) => squaredOf(one, l2);

function foundOf(rows: readonly Row[], limit: number, scale: (l2: number) => number): Found {
  const [first] = rows;
  const neighbours = rows.slice(0, limit).flatMap((row) => {
    const { l2 } = row;
    if (l2 === null) return [];
    const product = productOf(row);
    return [{ productId: product.id, l2, distance: scale(l2), product }];
  });
  return { anchor: first?.warm ? 'ranked' : first?.known ? 'cold' : 'unknown', neighbours };
}
