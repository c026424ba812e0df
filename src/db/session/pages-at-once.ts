import { availableParallelism } from 'node:os';
import { isLoopback } from '../../addresses.ts';

/** Sessions that the driver's pool has at most, and so the most pages that it is asked for at once. */
export const MOST_AT_ONCE = 10;
/** Half as many again as there are processors, as some wait for the network; more only push each other out of the processors' caches. */
const A_PROCESSOR = 1.5;
const FEWEST = 2;

/**
 * How many short pages of similar items one process asks a database for at once, 2 to 10, where nobody says. A search of the index is a millisecond or two of one processor and of
 * nothing else. On a machine of our own we know how many processors there are; how many another one has only its owner does (ADR 42).
 * @param host of the database, as the driver has it: a name, an address, or the folder of a socket
 */
export const usualPagesAtOnce = (host: string, processors = availableParallelism()): number =>
  isOnThisMachine(host) ? Math.min(MOST_AT_ONCE, Math.max(FEWEST, Math.round(A_PROCESSOR * processors))) : MOST_AT_ONCE;

const isOnThisMachine = (host: string): boolean => host.startsWith('/') || isLoopback(host);
