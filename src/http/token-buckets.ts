import { LRUCache } from 'lru-cache';

/** At most so many callers are remembered, about 5 MB; of more, those not seen for longest start afresh. */
const MOST_CALLERS = 50_000;

export type TokenBuckets = {
  /** Seconds until the caller may take so many tokens, rounded up; 0: now. Takes none. */
  waitFor(caller: string, tokens?: number): number;
  /** Takes them, if they are there. @returns as waitFor. */
  take(caller: string, tokens?: number): number;
};

type Rate = {
  /** Tokens that flow into each caller's bucket; 0: no limit. */
  perSecond: number;
  /** Tokens that a bucket holds; who asks for more at once pays with all. */
  burst: number;
};

/**
 * A bucket of tokens a caller, by the generic cell rate algorithm: a bucket is one number, the time at which it will be
 * full again. @param now milliseconds of a clock that never goes back.
 */
export function makeTokenBuckets({ perSecond, burst }: Rate, now: () => number): TokenBuckets {
  if (perSecond === 0) return { waitFor: () => 0, take: () => 0 };
  const msPerToken = 1000 / perSecond;
  // Bounded by size: bounded by `max` it takes room for all at once, 20 ms and 2 MB a kind of request.
  const fullAt = new LRUCache<string, number>({ maxSize: MOST_CALLERS, sizeCalculation: () => 1 });
  const after = (caller: string, tokens: number, at: number) =>
    Math.max(fullAt.get(caller) ?? at, at) + Math.min(tokens, burst) * msPerToken;
  const waitMs = (full: number, at: number) => Math.max(0, full - burst * msPerToken - at);
  // A thousandth of a millisecond is rounding, not a wait.
  const seconds = (ms: number) => Math.ceil((ms - 0.001) / 1000);
  return {
    waitFor(caller, tokens = 1) {
      const at = now();
      return Math.max(0, seconds(waitMs(after(caller, tokens, at), at)));
    },
    take(caller, tokens = 1) {
      const at = now();
      const full = after(caller, tokens, at);
      const wait = Math.max(0, seconds(waitMs(full, at)));
      if (wait === 0) fullAt.set(caller, full);
      return wait;
    },
  };
}
