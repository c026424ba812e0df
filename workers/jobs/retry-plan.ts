/** Tries that follow each other at once, before a picture counts as failed for now. */
export const QUICK_TRIES = 3;
const FIRST_WAIT = 60;
const LONGEST_WAIT = 6 * 3600;
/** Tries in all: with waits that double up to six hours, a day and a half. */
const MOST_TRIES = 14;
/** Up to here a picture is only late, beyond it has failed for now. Seconds. */
export const SHORT_WAIT = 10;

/**
 * When a picture that could not be had is tried again: after 2 and 4 seconds, 1, 2, 4 … minutes, at last every 6 hours, and
 * never before its host wants to be asked.
 * @param attempts made so far, from 1
 * @param askedSeconds the host's wish
 * @returns seconds; null: given up
 */
export function retryDelay(attempts: number, askedSeconds = 0): number | null {
  if (attempts >= MOST_TRIES) return null;
  const own = attempts < QUICK_TRIES ? 2 ** attempts : FIRST_WAIT * 2 ** (attempts - QUICK_TRIES);
  return Math.max(Math.min(own, LONGEST_WAIT), askedSeconds);
}
