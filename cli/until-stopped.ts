import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';

/** Longest time for closing: handlers hand their jobs back well within it. */
const CLOSE_MS = 30_000;

/** Time after SIGTERM in which work goes on, until callers have gone elsewhere. */
export type Drain = { begin(): void; seconds: number };

/**
 * Resolves after SIGINT or SIGTERM made `close` run to its end; a second signal ends the process at once. SIGTERM is a
 * manager of processes, which tells the callers meanwhile: it gives the drain its time. SIGINT is a person who waits.
 */
export function untilStopped(close: () => Promise<void>, drain?: Drain): Promise<void> {
  const graceMs = (drain?.seconds ?? 0) * 1000;
  return new Promise((resolve) => {
    const delay = CLOSE_MS + graceMs;
    closeWithGrace({ delay, logger: false, skip: ['unhandledRejection', 'uncaughtException'] }, async ({ signal }) => {
      drain?.begin();
      if (signal === 'SIGTERM') await sleep(graceMs);
      await close();
      resolve();
    });
  });
}
