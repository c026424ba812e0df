import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { SimiliError } from '../errors.ts';
import type { AnswerView } from './answer-view.ts';
import type { PageRequest, RankedPage } from './ranked-page.ts';

/** Older lists are not shown any more, ms. */
const LONGEST_MS = 5 * 60_000;
/** All lists together, in products: some tens of megabytes. */
const MOST_PRODUCTS = 20_000;
/**
 * Products of lists that are all kept, in each `SPAN_MS`; of what comes beyond that one list in `ONE_IN`. What is asked often comes in soon; what is asked once would push that out, and
 * is what collections of memory take longest for (ADR 11).
 */
const AT_ONCE = MOST_PRODUCTS / 4;
const SPAN_MS = 30_000;
const ONE_IN = 8;

/** A list of one anchor, or of several: one of the two. */
type Request = PageRequest & {
  anchorId?: string;
  anchorIds?: readonly string[];
  fallback?: unknown;
  placement?: unknown;
};
type Ask<Of extends Request, Page extends RankedPage> = (request: Of, view: AnswerView) => Promise<Page>;

export type LastKnown = { get(key: string): RankedPage | undefined; keep(key: string, page: RankedPage): void };

/**
 * One for all catalogs of a process: what it holds is bounded.
 * @param clock ms, which neither goes back nor stands still
 * @param chance 0 to 1, another one at each call
 */
export function openLastKnown(
  clock: () => number = () => performance.now(),
  chance: () => number = Math.random,
): LastKnown {
  const known = new LRUCache<string, RankedPage>({
    maxSize: MOST_PRODUCTS,
    sizeCalculation: sizeOf,
    ttl: LONGEST_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  let span = { from: Number.NEGATIVE_INFINITY, products: 0 };
  const isQuiet = (page: RankedPage): boolean => {
    const at = clock();
    if (at - span.from >= SPAN_MS) span = { from: at, products: 0 };
    span.products += sizeOf(page);
    return span.products <= AT_ONCE;
  };
  /** One that is there is not replaced by one that is hardly newer. */
  const isWorthIt = (key: string): boolean =>
    known.get(key) === undefined ? chance() < 1 / ONE_IN : known.getRemainingTTL(key) <= LONGEST_MS - SPAN_MS;
  return {
    get: (key) => known.get(key),
    keep(key, page) {
      if (isQuiet(page) || isWorthIt(key)) known.set(key, page);
    },
  };
}

const sizeOf = ({ items }: RankedPage): number => items.length + 1;

/**
 * The same, and while the database is away the answer that the same request got in the last five minutes, marked as
 * `stale`: a shop's page keeps its widget. Prices and stock in it are of that moment.
 */
export function withLastKnown<Of extends Request, Page extends RankedPage>(
  ask: Ask<Of, Page>,
  known: LastKnown,
  catalog: string,
): Ask<Of, Page> {
  return async (request, view) => {
    const key = keyOf(catalog, request);
    try {
      const page = await ask(request, view);
      known.keep(key, page);
      return page;
    } catch (error) {
      // What a key holds was answered to the same kind of request.
      const last = isAway(error) ? (known.get(key) as Page | undefined) : undefined;
      if (!last) throw error;
      return { ...last, stale: true };
    }
  };
}

/** Whether an error says that the database is away, so that what was answered last may be shown. */
export const isAway = (error: unknown): boolean =>
  error instanceof SimiliError && error.code === 'DATABASE_UNAVAILABLE';

/** Longer texts are known by their hash: the memory that keys take is bounded, too. */
const LONGEST_KEY = 200;

function keyOf(catalog: string, request: Request): string {
  const { anchorId, anchorIds, first = null, after = null, filter = null, parts = null } = request;
  const { minScore = null, diversity = null, distinctPictures, fallback = null, placement = null } = request;
  const wishes = [minScore, diversity, distinctPictures ?? false, fallback, placement, parts];
  const text = JSON.stringify([catalog, anchorIds ?? anchorId, first, after, filter, wishes]);
  return text.length <= LONGEST_KEY ? text : createHash('sha256').update(text).digest('base64');
}
