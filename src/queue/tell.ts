import type { Log } from '../log.ts';

/** A message that the queue did not take in time. What it would have woken is found by maintenance. */
export class LateMessage extends Error {}

/** Writes down what a queue tells: what mends itself is a warning, and no stack would help anybody with it. */
export const tellQueue =
  (log: Log) =>
  (error: Error): void =>
    error instanceof LateMessage ? log.warn({ reason: error.message }, 'queue') : log.error({ err: error }, 'queue');
