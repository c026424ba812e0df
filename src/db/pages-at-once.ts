import { availableParallelism } from 'node:os';
import { isLoopback } from '../addresses.ts';

/** Sessions that the driver's pool has at most, and so the most pages that it is asked for at once. */
export const MOST_AT_ONCE = 10;
/** One more than there are processors lets one wait for the network; more than that only push each other out of the processors' caches. */
const A_PROCESSOR = 1.5;
const FEWEST = 2;

/**
 * How many short pages of similar items one process asks a database for at once, 2 to 10, where nobody says. A search of the index is a millisecond or two of one processor and of
 * nothing else. On a machine of our own we know how many processors there are; how many another one has only its owner does (ADR 42).
 * @param url of the database
 */
export const usualPagesAtOnce = (url: string, processors = availableParallelism()): number =>
  isOnThisMachine(url) ? Math.min(MOST_AT_ONCE, Math.max(FEWEST, Math.round(A_PROCESSOR * processors))) : MOST_AT_ONCE;

/** A socket of the file system is this machine's, too. */
function isOnThisMachine(url: string): boolean {
  const { hostname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1');
  return host === '' || host.startsWith('/') || isLoopback(host);
}
