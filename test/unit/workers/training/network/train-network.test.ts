import { expect, test } from 'vitest';
import type { BatchPlan } from '../../../../../learning/batches/batch.ts';
import { recipeNamed } from '../../../../../learning/recipes/recipe.ts';
import type { TrainingState } from '../../../../../workers/training/network/state.ts';
import { trainNetwork } from '../../../../../workers/training/network/train-network.ts';

const STEPS = 120;
const one = (value: number) => ({ 'w.kernel': { shape: [1], data: Float32Array.of(value) } });
const plan: BatchPlan = {
  pictures: new Int32Array(3),
  groups: new Int32Array(3),
  seed: 1,
  loss: { kind: 'tripletHinge', gaps: new Float32Array(1) },
};

/** One weight that falls at every step, and looks that say `precisions`. @returns the weight by step, and that at the end. */
async function train(precisions: readonly number[]) {
  const state: TrainingState = {
    phase: 'rank',
    step: 0,
    totalSteps: STEPS,
    loss: 0,
    activeShare: 0,
    source: null,
    best: null,
    weights: one(1),
    velocity: one(0),
  };
  const weight = () => state.weights['w.kernel']!.data[0]!;
  const at = new Map<number, number>();
  let looks = 0;
  const kept = await trainNetwork({
    state,
    recipe: recipeNamed('deepRanking'),
    seconds: 60,
    keep: null,
    members: {
      count: 1,
      prepare: () => {},
      gradients: async () => ({ loss: 1, activeShare: 1, gradients: one(1), statistics: {} }),
    },
    source: { next: () => plan, state: () => ({}), restore: () => {}, counts: () => ({}) },
    look: async () => {
      at.set(state.step, weight());
      return { precision: precisions[looks++]!, error: 0.01 };
    },
    itemOf: (picture) => picture,
    signal: new AbortController().signal,
    emit: { loss: () => {}, progress: () => {} },
  });
  return { steps: state.step, kept, looks, at, last: weight() };
}

test('a training whose precision falls in the middle goes on to its end, and keeps it', async () => {
  const wavering = [0.7, 0.75, 0.74, 0.73, 0.72, 0.71, 0.7, 0.69, 0.7, 0.72, 0.735, 0.74];
  const { steps, kept, looks, at, last } = await train(wavering);
  expect({ steps, kept, looks }).toEqual({ steps: STEPS, kept: STEPS, looks: wavering.length });
  expect(last).toBe(at.get(STEPS));
});

test('one that ends worse by more than looks waver goes back to its best', async () => {
  const { steps, kept, at, last } = await train([
    0.7, 0.75, 0.78, 0.77, 0.76, 0.76, 0.75, 0.75, 0.74, 0.74, 0.74, 0.74,
  ]);
  expect({ steps, kept }).toEqual({ steps: STEPS, kept: 30 });
  expect(last).toBe(at.get(30));
  expect(last).not.toBe(at.get(STEPS));
});

test('lambda goes with the sum of the hinges: beside their mean it is a part of it, and beside the mean of a pretraining whole', async () => {
  const recipe = { ...recipeNamed('deepRanking'), looks: 0 };
  const shrunk = async (phase: TrainingState['phase'], count: number) => {
    const state: TrainingState = {
      phase,
      step: 0,
      totalSteps: 1,
      loss: 0,
      activeShare: 0,
      source: null,
      best: null,
      weights: one(1),
      velocity: one(0),
    };
    await trainNetwork({
      state,
      recipe,
      seconds: 60,
      keep: null,
      look: null,
      itemOf: (picture) => picture,
      members: {
        count,
        prepare: () => {},
        gradients: async () => ({ loss: 1, activeShare: 1, gradients: one(0), statistics: {} }),
      },
      source: { next: () => plan, state: () => ({}), restore: () => {}, counts: () => ({}) },
      signal: new AbortController().signal,
      emit: { loss: () => {}, progress: () => {} },
    });
    const rate = 0.1 * recipe.peakRate * Math.sqrt(count); // of the first step
    return (1 - state.weights['w.kernel']!.data[0]!) / (rate * 1.9 * 2); // of one weight that is 1
  };
  expect((await shrunk('rank', 1)) / (0.001 / 64)).toBeCloseTo(1, 1);
  expect((await shrunk('rank', 2)) / (0.001 / 128)).toBeCloseTo(1, 1);
  expect((await shrunk('pretrain', 1)) / 0.001).toBeCloseTo(1, 1);
});

test('a training by time takes as many steps as fit into it, by what the first ones took after a slow start', async () => {
  const state: TrainingState = {
    phase: 'rank',
    step: 0,
    totalSteps: 0,
    loss: 0,
    activeShare: 0,
    source: null,
    best: null,
    weights: one(1),
    velocity: one(0),
  };
  let clock = 1_000_000;
  const lengths: number[] = [];
  await trainNetwork({
    state,
    recipe: recipeNamed('catalog'),
    seconds: 60,
    keep: { everySeconds: 600, save: ({ totalSteps }) => lengths.push(totalSteps) },
    now: () => clock,
    members: {
      count: 1,
      prepare: () => {},
      async gradients() {
        clock += clock === 1_000_000 ? 5000 : 500;
        return { loss: 1, activeShare: 1, gradients: one(1), statistics: {} };
      },
    },
    source: { next: () => plan, state: () => ({}), restore: () => {}, counts: () => ({}) },
    look: null,
    itemOf: (picture) => picture,
    signal: new AbortController().signal,
    emit: { loss: () => {}, progress: () => {} },
  });
  // 5 s for the first, then half a second each.
  expect(state.step).toBe(1 + (60 - 5) / 0.5);
  expect(clock).toBe(1_060_000);
  expect(lengths).toEqual([state.step]); // kept once, as soon as it is known
});
