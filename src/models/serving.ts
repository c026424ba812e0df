import type { ModelRepository, ServingPointer } from '../db/models.ts';

/** Which version answers, read from the database at most every `maxAgeMs`. */
export type Serving = {
  /** null: no model serves yet. */
  current(): Promise<ServingPointer | null>;
  /** The next `current()` reads again. */
  forget(): void;
};

/** A promotion or rollback made by another process takes effect here within this time. */
const MAX_AGE_MS = 250;

export function makeServing(models: Pick<ModelRepository, 'serving'>, now: () => Date, maxAgeMs = MAX_AGE_MS): Serving {
  let last: { read: Promise<ServingPointer | null>; at: number } | null = null;
  return {
    current() {
      const at = now().getTime();
      if (last && at - last.at < maxAgeMs) return last.read;
      const reading = { read: models.serving(), at };
      last = reading;
      reading.read.catch(() => {
        if (last === reading) last = null; // an outage is not remembered
      });
      return reading.read;
    },
    forget() {
      last = null;
    },
  };
}
