import { whoeverLeaves } from './deadline.ts';

/** An answer that came sooner is asked for each time, ms. */
const QUICK_MS = 10;
/** An answer that took longer is given again for so many times as long: its question takes a twentieth of one session's time at most. */
const TIMES = 20;

/**
 * A question that takes longer the larger the catalog is, and that anybody may ask: those who ask at once share one answer. A failure is not given again.
 * @param clock milliseconds; never goes back
 */
export function sparingly<T>(ask: () => Promise<T>, clock = () => performance.now()): () => Promise<T> {
  let asked: Promise<T> | null = null;
  let last: { answer: T; until: number } | null = null;
  const askAnew = async (): Promise<T> => {
    const since = clock();
    try {
      const answer = await whoeverLeaves(ask);
      const took = clock() - since;
      last = took < QUICK_MS ? null : { answer, until: clock() + TIMES * took };
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
