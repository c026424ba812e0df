import type { RoundStatus } from 'simili/internal/db/rounds';

/** Next act of a coordinator on an open round. */
export type Decision = 'close' | 'wait' | { /** Nobody else does: the coordinator trains it itself. */ train: number };

/** Nothing happens for this long: nobody else takes shards. */
const IDLE_MS = 3000;
/** A shard may take this many times what one took in the round before, and then some. */
const PATIENCE = 2;
const GRACE_MS = 5000;

/**
 * Waits for shards that can still be expected: one that was taken, for its time; one that nobody took yet, for that time
 * after the last sign of life (one worker may take several, one after the other).
 * @param expectedMs how long a shard is thought to take
 */
export function decide(
  { openedMs, settled, shards }: RoundStatus,
  { members, expectedMs }: { members: number; expectedMs: number },
): Decision {
  const reported = shards.filter(({ reportedMs }) => reportedMs !== null);
  if (reported.length === members) return 'close';
  const patience = PATIENCE * expectedMs + GRACE_MS;
  const quiet = Math.min(openedMs, ...shards.flatMap(({ takenMs, reportedMs }) => [takenMs, reportedMs ?? takenMs]));
  const running = shards.filter(({ reportedMs, takenMs }) => reportedMs === null && takenMs <= patience);
  const free = Array.from({ length: members }, (_, i) => i).find((i) => !shards.some(({ member }) => member === i));
  if (running.length > 0) return 'wait';
  if (reported.length > 0 && (settled || free === undefined || quiet > patience)) return 'close';
  // Every message was given up, every member lost, or nobody is there to take a shard.
  if (settled || free === undefined) return { train: free ?? shards[0]!.member };
  return quiet > IDLE_MS ? { train: free } : 'wait';
}
