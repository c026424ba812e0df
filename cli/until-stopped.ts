import closeWithGrace from 'close-with-grace';

/** Longest drain: handlers hand their jobs back well within it. */
const DRAIN_MS = 30_000;

/** Resolves after SIGINT or SIGTERM made `close` run to its end; a second signal ends the process at once. */
export function untilStopped(close: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    closeWithGrace({ delay: DRAIN_MS, logger: false, skip: ['unhandledRejection', 'uncaughtException'] }, async () => {
      await close();
      resolve();
    });
  });
}
