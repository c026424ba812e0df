import type { ModelRepository, ServingPointer } from '../db/models.ts';
import { type Deadline, whoeverLeaves } from '../deadline.ts';

/** Which version answers, known without asking the database each time. */
export type Serving = {
  /**
   * Null: no model serves yet.
   * @param deadline of the request that asks; left out: that which is followed
   */
  current(deadline?: Deadline | null): Promise<ServingPointer | null>;
  /** The next `current()` reads again. */
  forget(): void;
};

/** After this it is read again, beside the answers, which need not wait for it. */
const FRESH_MS = 250;
/** A promotion or rollback made by another process takes effect here within this time. */
const MAX_AGE_MS = 1000;

type Read = { pointer: Promise<ServingPointer | null>; at: number };

/** @param clock ms, which neither goes back nor stands still: the database's does where its server's was set back */
export function makeServing(
  models: Pick<ModelRepository, 'serving'>,
  clock: () => number = () => performance.now(),
): Serving {
  let last: Read | null = null;
  let next: Read | null = null;
  const read = (at: number, deadline: Deadline | null): Read => {
    const reading: Read = { pointer: whoeverLeaves(() => models.serving(), deadline), at };
    next = reading;
    const settled = (isRead: boolean) => {
      if (next !== reading) return; // forgotten meanwhile
      next = null;
      if (isRead) last = reading; // an outage is not remembered
    };
    reading.pointer.then(
      () => settled(true),
      () => settled(false),
    );
    return reading;
  };
  return {
    current(deadline = null) {
      const at = clock();
      const age = last ? at - last.at : Number.POSITIVE_INFINITY;
      if (last && age < FRESH_MS) return last.pointer;
      const reading = next ?? read(at, deadline);
      return last && age < MAX_AGE_MS ? last.pointer : reading.pointer;
    },
    forget() {
      last = null;
      next = null;
    },
  };
}
