import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstallationRepository } from 'simili/internal/db/installation';
import type { Log } from 'simili/internal/log';

/** Work on a schedule. May run twice, also at the same time. */
export type Chore = { name: string; everySeconds: number; work: (signal: AbortSignal) => Promise<void> };
type Deps = { installation: Pick<InstallationRepository, 'takeTurn'>; log: Log };

const LOOK_MS = 1000;

/**
 * Does chores until closed. Every process looks, Postgres says whose turn it is: no schedule lies in the queue, where it
 * could be lost, and a process that dies in the middle of a chore holds up the next turn of nobody. One that fails is
 * told and comes again.
 * @returns close: aborts the running chore's signal and waits for it.
 */
export function startChores(
  { installation, log }: Deps,
  chores: readonly Chore[],
  lookMs = LOOK_MS,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  setMaxListeners(0, signal); // each chore waits under it
  const look = async (chore: Chore): Promise<void> => {
    try {
      if (await installation.takeTurn(chore.name, chore.everySeconds)) await chore.work(signal);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, `${chore.name} failed, and is tried again`);
    }
  };
  const again = async (chore: Chore): Promise<void> => {
    while (!signal.aborted) {
      await look(chore);
      await sleep(lookMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = Promise.all(chores.map(again));
  return async () => {
    stopping.abort(new Error('shutting down'));
    await running;
  };
}
