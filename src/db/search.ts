import { LRUCache } from 'lru-cache';
import type { Ask } from './ask.ts';
import { embeddingTable } from './embedding-table.ts';
import { type ProductColumns, productOf } from './product-columns.ts';
import type { ProductRow } from './products.ts';
import { type Behind, type Search, type SearchFilter, searchStatement, TIES, type Way } from './search-statement.ts';
import { ofVersion } from './version-gone.ts';

/**
 * `distance`: squared Euclidean between unit vectors. 0 same, 2 orthogonal, 4 opposite. `l2`: its root, exactly as the
 * database ranked by it (squaring would make two distances one).
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
  /** Products that the index gave, and the greatest distance among them. */
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
    private readonly mostPassing = MOST_PASSING,
  ) {}

  /**
   * Ranks, for each anchor, the `limit` products nearest to it, best first, itself left out; of equal distances the lower
   * id. Filters hold inside the search. A page is short only when no more products pass.
   * @param behind only what ranks after this place: what is deleted or added before it moves nothing.
   * @throws VersionGone
   */
  async nearestOfEach(
    model: number,
    anchorIds: readonly string[],
    filter: SearchFilter,
    limit: number,
    behind: Behind | null = null,
  ): Promise<Found[]> {
    const size = SIZES.find((one) => one >= limit) ?? limit;
    const search = { table: embeddingTable(model), filter, limit: size, behind, mostPassing: this.mostPassing };
    const found: Found[] = [];
    let open = anchorIds.map((id, place) => ({ id, place }));
    let isShort = false;
    for (const way of this.waysTo(filter)) {
      if (isShort && way !== 'exact') continue; // looking farther brings no more of what the index gave all of
      const ids = open.map(({ id }) => id);
      const groups = byAnchor(await this.run({ ...search, anchorIds: ids }, way), ids.length);
      if (way === 'passing' && (groups[0]?.[0]?.passing ?? 0) > this.mostPassing) {
        this.wide.set(narrowingOf(filter), true);
        continue;
      }
      open = open.filter(({ place }, i) => {
        const rows = groups[i]!;
        if (!isWhole(rows, { limit, size, way })) {
          isShort ||= rows.length < limit;
          return true;
        }
        found[place] = foundOf(rows, limit);
        return false;
      });
      if (open.length === 0) break;
    }
    return found;
  }

  /** The index is asked first; where it gives a short page, or cuts a group of equal distances, the exact scan has the last word. */
  private waysTo(filter: SearchFilter): Way[] {
    const narrowing = narrowingOf(filter);
    const mayBeNarrow = narrowing !== NOTHING && !this.wide.has(narrowing);
    return [...(mayBeNarrow ? (['passing'] as const) : []), ...TIES, 'exact'];
  }

  private run(search: Search, way: Way): Promise<Row[]> {
    const { statement, values } = searchStatement(search, way);
    return ofVersion(this.ask<Row>(statement, values));
  }
}

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

type Asked = { limit: number; size: number; way: Way };

/** Whether the first `limit` are the nearest, and not only what the index happened to see. */
function isWhole(rows: readonly Row[], { limit, size, way }: Asked): boolean {
  const [first] = rows;
  if (typeof way === 'string' || !first?.warm) return true;
  const last = rows[limit - 1];
  if (!last) return false;
  // The farthest product that was looked at is at the distance of the last one shown: others may tie with it, unseen.
  return first.looked !== size + way || last.l2 !== first.farthest;
}

function foundOf(rows: readonly Row[], limit: number): Found {
  const [first] = rows;
  const neighbours = rows.slice(0, limit).flatMap((row) => {
    const { l2 } = row;
    if (l2 === null) return [];
    const product = productOf(row);
    return [{ productId: product.id, l2, distance: l2 ** 2, product }];
  });
  return { anchor: first?.warm ? 'ranked' : first?.known ? 'cold' : 'unknown', neighbours };
}
