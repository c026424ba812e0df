import type { Found, Neighbour } from '../db/search/repository.ts';
import type { Behind } from '../db/search/statement.ts';
import type { Log } from '../log.ts';
import type { Reranker } from '../ports/reranker.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { firstProduct } from './anchors.ts';
import type { AnswerView, Wanted } from './answer-view.ts';
import type { Place } from './cursor.ts';
import { diversified, MOST_DIVERSE } from './diversity.ts';
import { candidatesOf, reranked } from './rerank.ts';

/** A product of a list, and where a list that goes on behind it begins. */
export type Placed = Pick<Neighbour, 'product' | 'distance'> & {
  readonly score: number;
  readonly place: Pick<Place, 'l2' | 'productId' | 'skip'>;
};
export type PlacedList = { anchor: Found['anchor']; items: Placed[]; hasMore: boolean };

/** One page to be found: `wanted` without its length and its beginning. */
export type Page = {
  readonly wanted: Omit<Wanted, 'limit' | 'behind'>;
  readonly first: number;
  /** Products less alike than that are not shown; left out: 0. */
  readonly minScore?: number;
  /** 0 to 1 (diversity.ts); left out: 0. */
  readonly diversity?: number;
  readonly place: Pick<Place, 'l2' | 'productId' | 'skip'> | null;
};

/** A page in the order of the search: each product is a place of its own. */
export async function inSearchOrder(view: Pick<AnswerView, 'nearest'>, page: Page): Promise<PlacedList> {
  const { wanted, first, minScore = 0, place } = page;
  const skip = place?.skip ?? 0; // of a cursor that was made under a reranker
  const { version, anchorId, anchorIds, vector, filter, parts } = wanted;
  const behind = behindOf(place);
  const limit = first + skip + 1;
  const asked = { version, anchorId, anchorIds, vector, filter, parts, limit, behind };
  const { anchor, neighbours } = await view.nearest(asked);
  const items: Placed[] = [];
  for (const { product, productId, distance, l2 } of neighbours.slice(skip)) {
    const score = scoreOf(distance);
    if (score >= minScore) items.push({ product, distance, score, place: { l2, productId, skip: 0 } });
  }
  return { anchor, items: items.slice(0, first), hasMore: items.length > first };
}

/** A reranker that leaves nearly everything out is asked about so many windows for one page, and no more. */
const MOST_WINDOWS = 5;

type Deps = { reranker: Reranker | null; log: Pick<Log, 'error'>; telemetry: Telemetry };

/**
 * A page in another order than that of the search: by diversity, then by the shop's own. The ranking is cut into windows of the
 * reranker's size, or of MOST_DIVERSE, each is put in order as a whole, and pages are cut from these: a product comes once, on whichever page. A place is the beginning of a window and how
 * many of it were passed.
 */
export async function inWindows(
  view: Pick<AnswerView, 'nearest' | 'product' | 'alike'>,
  deps: Deps,
  { wanted, first, minScore = 0, diversity = 0, place }: Page,
): Promise<PlacedList> {
  const { reranker, ...others } = deps;
  const size = reranker ? candidatesOf(reranker) : MOST_DIVERSE;
  const items: Placed[] = [];
  let start = behindOf(place);
  let skip = place?.skip ?? 0;
  for (let windows = 0; ; ) {
    const isOfPicture = wanted.vector !== undefined;
    const [query, { anchor, neighbours }] = await Promise.all([
      isOfPicture ? null : firstProduct(view, wanted.anchorIds ?? [wanted.anchorId]),
      view.nearest({ ...wanted, limit: size + 1, behind: start }),
    ]);
    if (anchor !== 'ranked') return { anchor, items: [], hasMore: false };
    if (query === null && !isOfPicture) return { anchor: 'unknown', items: [], hasMore: false }; // deleted between the two
    const window = neighbours.slice(0, size);
    const alike = window.map(placedAt).filter(({ score }) => score >= minScore);
    const diverse =
      diversity > 0 && alike.length > 1
        ? diversified(
            alike,
            await view.alike(
              wanted.version,
              alike.map(({ productId }) => productId),
            ),
            diversity,
          )
        : alike;
    const order = reranker && query ? await reranked({ reranker, ...others }, query, diverse) : diverse;
    const from = start ?? START;
    const left = order.map((one, i) => ({ ...one, place: { ...from, skip: i + 1 } })).slice(skip);
    const taken = left.slice(0, first - items.length);
    items.push(...taken);
    const isLastWindow = neighbours.length <= size || alike.length < window.length;
    if (items.length === first || isLastWindow || ++windows === MOST_WINDOWS)
      return { anchor, items, hasMore: items.length > 0 && !(isLastWindow && taken.length === left.length) };
    start = window.at(-1)!;
    skip = 0;
  }
}

/** The place before the first product: no distance is under 0. */
const START: Behind = { l2: -1, productId: '' };
const behindOf = (place: Page['place']): Behind | null =>
  place && place.l2 >= 0 ? { l2: place.l2, productId: place.productId } : null;

const placedAt = ({ product, productId, distance, l2 }: Neighbour) => ({
  product,
  productId,
  distance,
  l2,
  score: scoreOf(distance),
});

/** Rounding may leave a squared distance a little outside 0 to 4. */
const scoreOf = (distance: number): number => Math.min(1, Math.max(0, 1 - distance / 4));
