import { z } from 'zod';
import { makeRandom } from '../numbers/random.ts';
import { seedFrom } from '../numbers/seed.ts';

/** Numbers 0 to count - 1 in random order, over and over: in every pass each comes once. */
export type Passes = {
  next(): number;
  /** Passes begun. */
  passes(): number;
  state(): PassesState;
  restore(state: PassesState): void;
};

const uint32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
export const passesState = z.object({ seed: uint32, pass: z.int().min(0), at: z.int().min(0) });
export type PassesState = z.infer<typeof passesState>;

/**
 * The order of a pass follows from the seed and its number, so that the state is three numbers however many there are.
 * Costs 4 bytes a number, and a number's share of a shuffle.
 * @param count >= 1
 */
export function makePasses(count: number, seed: number): Passes {
  if (!(count >= 1)) throw new Error('There is nothing to pass through');
  let state: PassesState = { seed: seed >>> 0, pass: 0, at: 0 };
  let order = shuffled(count, state);
  return {
    next: () => {
      if (state.at === count) {
        state = { ...state, pass: state.pass + 1, at: 0 };
        order = shuffled(count, state);
      }
      return order[state.at++]!;
    },
    passes: () => state.pass + 1,
    state: () => ({ ...state }),
    restore: (saved) => {
      if (saved.at > count) throw new Error('This pass is longer than the catalog');
      state = { ...saved };
      order = shuffled(count, state);
    },
  };
}

/** Fisher and Yates. */
function shuffled(count: number, { seed, pass }: PassesState): Int32Array {
  const random = makeRandom(seedFrom(seed, pass));
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = random.int(last + 1);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}
