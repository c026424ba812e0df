import { createHash } from 'node:crypto';
import type { Deadline } from '../../deadline.ts';
import type { VersionSpace } from '../../ports/space.ts';
import { type Parts, productsBy } from '../sql/product-columns.ts';
import type { ProductRow } from '../sql/product-row.ts';
import type { RowOf } from '../sql/row.ts';
import { squaredOf } from '../sql/space-sql.ts';
import type { Ranked, SearchFilter } from './statement.ts';

/**
 * `distance`: squared Euclidean between unit vectors, of several spaces their weighted mean. 0 same, 2 unrelated, 4 opposite.
 * `l2`: exactly what the database ranked by (of one Euclidean space the root: squaring would make two distances one).
 */
export type Neighbour = { productId: string; distance: number; l2: number; product: ProductRow };
/** Neighbours of one anchor. `unknown`: no such product; `cold`: the version has no vector of it. */
export type Found = {
  anchor: 'unknown' | 'cold' | 'ranked';
  neighbours: Neighbour[];
  /** A kept list of the anchor's neighbours did, without a search. */
  listed?: true;
};

/** How a list is found, and what of its products. */
export type How = {
  /** Past every index, all that pass are ranked; left out: as suits the filter. */
  way?: 'exact';
  /** Parts of the products; left out: all. */
  parts?: Parts;
  /** The time that the request has; null or left out: that which is followed (src/deadline.ts). */
  deadline?: Deadline | null;
};

/** A model version, as the search needs it. */
export type RankingVersion = { readonly number: number; readonly spaces: readonly VersionSpace[] };

/** The ranking of one anchor, as a statement gives it. */
export type Ranking = RowOf<Ranked>;

/** How many neighbours of it there are. */
export const countOf = ({ places }: Ranking): number => places?.length ?? 0;

/** The distance of the n-th of them, as the database ranked by it; undefined: there are fewer. */
export const l2At = ({ places }: Ranking, n: number): number | undefined => places?.[n - 1]?.[0] as number | undefined;

/** Letters of a digest: no two filters have the same. */
const LETTERS = 20;
/**
 * The part of a filter that the catalog's indexes can find, for short: NOTHING where there is none. A digest, as it is what is remembered of filters: their own
 * text may be as long as a request, and whoever asks chooses it.
 */
export function narrowingOf({ excludeIds: _, ...narrowing }: SearchFilter): string {
  const text = JSON.stringify(narrowing);
  return text === '{}' ? NOTHING : createHash('sha1').update(text).digest('base64url').slice(0, LETTERS);
}
export const NOTHING = '';

/** The squared distance from what the database ranked by. */
export const scaleOf = ([one, ...others]: readonly VersionSpace[]): ((l2: number) => number) =>
  others.length > 0 || !one ? (l2) => l2 : (l2) => squaredOf(one, l2);

/** @param limit the most neighbours; @param parts of their products that it has */
export function foundOf(ranking: Ranking, limit: number, parts: Parts, scale: (l2: number) => number): Found {
  const { known, warm, places } = ranking;
  const productOf = productsBy(parts, 1);
  const neighbours = (places ?? []).slice(0, limit).map((place): Neighbour => {
    const l2 = place[0] as number;
    const product = productOf(place);
    return { productId: product.id, l2, distance: scale(l2), product };
  });
  return { anchor: warm ? 'ranked' : known ? 'cold' : 'unknown', neighbours };
}
