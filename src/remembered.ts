import { whoeverLeaves } from './deadline.ts';

/**
 * The last answer of `ask`, for a while; those who ask at once share one. A failure is not remembered.
 * @param lasts ms for which an answer is given again, by the ms that it took
 * @param clock milliseconds; never goes back
 */
export function remembered<T>(
  ask: () => Promise<T>,
  lasts: (took: number) => number,
  clock: () => number,
): () => Promise<T> {
  let asked: Promise<T> | null = null;
  let last: { answer: T; until: number } | null = null;
  const askAnew = async (): Promise<T> => {
    const since = clock();
    try {
      const answer = await whoeverLeaves(ask);
      const at = clock();
      last = { answer, until: at + lasts(at - since) };
      return answer;
    } finally {
      asked = null;
    }
  };
  return async () => {
    if (last && clock() < last.until) return last.answer;
    asked ??= askAnew();
    return asked;
  };
}

/** An answer that came sooner is asked for each time, ms. */
const QUICK_MS = 10;
const TIMES = 20;

/**
 * For `remembered`, a question that takes longer the larger the catalog is, and that anybody may ask: twenty times as long as it took, so that it takes a
 * twentieth of one session's time at most.
 */
export const sparingly = (took: number): number => (took < QUICK_MS ? 0 : TIMES * took);

/** The same of a question that one page asks every few seconds: an answer lasts for `leastMs` at least. */
export const sparinglyFrom =
  (leastMs: number) =>
  (took: number): number =>
    Math.max(leastMs, sparingly(took));
