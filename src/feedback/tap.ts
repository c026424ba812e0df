import { setTimeout as sleep } from 'node:timers/promises';
import type { VisitorEvent } from '../db/erasures.ts';
import { leavable } from '../leavable.ts';

/** `newest`: stored feedback from a moment on, newest first. */
type Deps = { newest: (since: Date, limit: number) => Promise<VisitorEvent[]>; now: () => Date };

/** An event that commits late has an earlier time of receipt than one that was told before it: it is looked for so long. */
const LATE_MS = 10_000;
const MOST = 500;

/**
 * Feedback of all processes as it is stored, from now on and until the watcher leaves (`return()`). Of more than 500 events in ten seconds the newest. A
 * read that fails is made again: an outage of the database pauses the stream and does not end it.
 */
export const tapFeedback = (deps: Deps, everyMs = 1000): AsyncGenerator<VisitorEvent> =>
  leavable((left) => events(deps, everyMs, left));

async function* events({ newest, now }: Deps, everyMs: number, left: AbortSignal): AsyncGenerator<VisitorEvent> {
  const start = now().getTime();
  let told = new Set<string>();
  while (!left.aborted) {
    const since = new Date(Math.max(start, now().getTime() - LATE_MS));
    const found = await newest(since, MOST).catch(() => null);
    if (found) {
      for (const event of found.toReversed()) if (!told.has(event.eventId)) yield event;
      told = new Set(found.map(({ eventId }) => eventId));
    }
    await sleep(everyMs, undefined, { signal: left }).catch(() => {});
  }
}
