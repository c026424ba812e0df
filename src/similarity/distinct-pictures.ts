import { type Compared, ROUNDING } from '../db/near-duplicates.ts';
import type { Neighbour } from '../db/search/repository.ts';
import type { Behind } from '../db/search/statement.ts';
import type { AnswerView, Wanted } from './answer-view.ts';

/**
 * Euclidean distance of two vectors of pictures, 0 to 2, under which one is a near-duplicate of the other. Chosen on half of the demo catalog, checked
 * on the other (`npm run bench -- near-duplicates`, docs/adr/0035-distinct-pictures.md).
 */
export const NEAR = 0.4;

/** Products that are looked at beyond the page, and how many times as many after each look that did not fill it. */
const BEYOND = 12;
const WIDER = 8;
const MOST_AT_ONCE = 5000;

type View = Pick<AnswerView, 'nearest' | 'distinct'>;

/**
 * The same search, of whose products with the same picture, or near-duplicates of one, only the first is in the list, and none that looks like an anchor
 * itself. It is a condition on a product and the list without it, and not on the page: it is left out where a product of that list ranks before it and is
 * nearer to it than NEAR. So pages agree wherever they begin, and a cursor remembers nothing: a page reads what ranks before it as
 * far as it can matter.
 */
export const distinct =
  (view: View): AnswerView['nearest'] =>
  async (wanted) => {
    const neighbours: Neighbour[] = [];
    let before: Neighbour[] | null = null;
    let start = wanted.behind;
    for (let size = wanted.limit + BEYOND; ; size = Math.min(size * WIDER, MOST_AT_ONCE)) {
      const { anchor, neighbours: found } = await view.nearest({ ...wanted, limit: size, behind: start });
      const [first, last] = [found[0], found.at(-1)];
      if (!first || !last) return { anchor, neighbours };
      before ??= wanted.behind ? await rankedBefore(view, wanted, first) : [];
      const limit = wanted.limit - neighbours.length;
      const shown = await view.distinct(wanted.version, { ...compared(wanted, before, found), limit });
      neighbours.push(...found.filter(({ productId }) => shown.has(productId)));
      if (found.length < size || shown.size === limit) return { anchor, neighbours };
      before = inShell(wanted, [...before, ...found], last);
      start = behindAnchor(wanted, last);
    }
  };

/** Products that rank before a given one, as far back as a near-duplicate of it, or of what comes behind it, can be. */
async function rankedBefore(view: View, wanted: Wanted, first: Neighbour): Promise<Neighbour[]> {
  const before: Neighbour[] = [];
  let start = isByPictures(wanted) ? shellOf(first) : null;
  for (let size = wanted.limit + BEYOND; ; size = Math.min(size * WIDER, MOST_AT_ONCE)) {
    const { neighbours: found } = await view.nearest({ ...wanted, limit: size, behind: start });
    // By its place, for of equal distances the database's own order of ids counts; by distance where it is gone since.
    const end = found.findIndex(({ productId, l2 }) => productId === first.productId || l2 > first.l2);
    before.push(...(end < 0 ? found : found.slice(0, end)));
    if (end >= 0 || found.length < size) return before;
    start = found.at(-1)!;
  }
}

/** Whether products are ranked by their distance to one point among the pictures, and by nothing else. */
const isByPictures = ({ version }: Wanted): boolean => version.spaces.length === 1;

/** The place from which on a product can be near to this one. Of several spaces there is none: what is near in one may be anywhere. */
const shellOf = ({ l2 }: Behind): Behind | null => {
  const from = l2 - NEAR - ROUNDING;
  return from > 0 ? { l2: from, productId: '' } : null;
};

function inShell(wanted: Wanted, ranked: Neighbour[], { l2 }: Behind): Neighbour[] {
  return isByPictures(wanted) ? ranked.filter((one) => one.l2 > l2 - NEAR - ROUNDING) : ranked;
}

/** Behind a product; and, where many look like the one anchor, behind all of these. */
function behindAnchor(wanted: Wanted, last: Behind): Behind {
  const isOfOne = isByPictures(wanted) && !wanted.vector && !wanted.anchorIds;
  return isOfOne && last.l2 < NEAR - ROUNDING ? { l2: NEAR - ROUNDING, productId: '' } : last;
}

const compared = (
  wanted: Wanted,
  before: readonly Neighbour[],
  found: readonly Neighbour[],
): Omit<Compared, 'limit'> => {
  const ranked = [...before, ...found];
  return {
    ids: ranked.map(({ productId }) => productId),
    known: before.length,
    distances: isByPictures(wanted) ? ranked.map(({ l2 }) => l2) : null,
    // A picture that is no product's is asked for to find the products that have it.
    anchorIds: wanted.vector ? [] : (wanted.anchorIds ?? [wanted.anchorId]),
    within: NEAR,
  };
};
