import { AsyncResource } from 'node:async_hooks';
import type { FeedbackCounts, FeedbackCountWrite } from '../db/feedback-health.ts';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import { dayOf } from './day-span.ts';
import type { FeedbackResult } from './submit.ts';
import type { Visitor } from './visitor.ts';

/** Outcomes of events, by name: accepted, duplicates, withoutConsent, or the code of a rejection. */
type Outcomes = Readonly<Record<string, number>>;
/** Counts that a process has not stored yet. */
export type Counting = {
  add(catalog: string, outcomes: Outcomes): void;
  /** Stores all, after what is being stored. What cannot be stored is kept for the next time, and told. */
  flush(): Promise<void>;
};
type Deps = { counts: Pick<FeedbackCounts, 'add'>; now: () => Date; log: Pick<Log, 'warn'> };

/** A process that is killed loses counts of this time, ms; never an event. */
const FLUSH_MS = 2000;

/**
 * Counts in memory, so that feedback costs no further statement: one upsert stores all that came within `FLUSH_MS`. Where the database answers
 * no more after it has stored them, they are stored twice.
 */
export function openCounting({ counts, now, log }: Deps): Counting {
  let waiting = new Map<string, FeedbackCountWrite>();
  let timer: NodeJS.Timeout | null = null;
  let last: Promise<void> = Promise.resolve();
  const keep = (one: FeedbackCountWrite): void => {
    const key = JSON.stringify([one.catalog, one.day, one.name]);
    waiting.set(key, { ...one, count: one.count + (waiting.get(key)?.count ?? 0) });
  };
  const store = async (): Promise<void> => {
    const sent = [...waiting.values()];
    waiting = new Map();
    if (sent.length === 0) return;
    try {
      await counts.add(sent);
    } catch (error) {
      sent.forEach(keep);
      log.warn({ err: error }, 'counts of feedback wait for the next event');
    }
  };
  // Bound here, or it would run under the deadline of the request that began it.
  const flush = AsyncResource.bind((): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    last = last.then(store);
    return last;
  });
  return {
    add(catalog, outcomes) {
      const day = dayOf(now());
      for (const [name, count] of Object.entries(outcomes)) if (count > 0) keep({ catalog, day, name, count });
      timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    flush: () => flush(),
  };
}

type Submits = {
  submitFeedback(visitor: Visitor, entries: readonly unknown[], admit?: () => void): Promise<FeedbackResult>;
};

/** The same use cases, whose answers to feedback are counted; of a call that is refused as a whole all events are rejected. */
export const counted = <Services extends Submits>(
  services: Services,
  counting: Counting,
  catalog: string,
): Services => ({
  ...services,
  async submitFeedback(visitor: Visitor, entries: readonly unknown[], admit?: () => void) {
    try {
      admit?.();
      const result = await services.submitFeedback(visitor, entries);
      counting.add(catalog, outcomesOf(result));
      return result;
    } catch (error) {
      if (error instanceof SimiliError) counting.add(catalog, { [error.code]: entries.length });
      throw error;
    }
  },
});

function outcomesOf({ accepted, duplicates, withoutConsent, rejections }: FeedbackResult): Outcomes {
  const outcomes: Record<string, number> = { accepted, duplicates, withoutConsent };
  for (const { error } of rejections) outcomes[error.code] = (outcomes[error.code] ?? 0) + 1;
  return outcomes;
}
