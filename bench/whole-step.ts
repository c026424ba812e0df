import { drawMasks } from '../learning/batches/augment.ts';
import { initialWeights } from '../learning/network/initial-weights.ts';
import { describeNetwork, dropoutLayers } from '../learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../learning/network/spec.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import { clipGradients, makeNesterov, trackStatistics, zerosLike } from '../learning/optimiser/optimiser.ts';
import { recipeNamed } from '../learning/recipes/recipe.ts';
import type { OpenEngine } from '../workers/engines/engine.ts';

/** A step that engines and peers train with: one batch that stays the same, and the recipe `catalog`. */
export type StepExample = {
  spec: NetworkSpec;
  weights: Weights;
  /** N */
  rows: number;
  /** [N, S, S, 3] */
  pictures: Float32Array;
  /** [N, N] of InfoNCE. */
  targets: Float32Array;
  /** [N, length] of each dropout layer. */
  masks: Record<string, Float32Array>;
  temperature: number;
  rate: number;
  momentum: number;
  weightDecay: number;
  clip: number;
};

const VIEWS = 4;

/**
 * Noise of another colour and contrast in each picture, four views of each product.
 * @param rows pictures of the batch, a multiple of 4; what the recipe has unless given
 */
export function stepExample(spec: NetworkSpec, rows: number = recipeNamed('catalog').rows): StepExample {
  const { momentum, weightDecay, clip, objective } = recipeNamed('catalog');
  const random = makeRandom(1);
  const length = spec.inputSize ** 2 * 3;
  const pictures = new Float32Array(rows * length);
  for (let i = 0; i < rows; i++) {
    const [contrast, ...colour] = Array.from({ length: 4 }, () => random.next()) as [number, ...number[]];
    for (let j = 0; j < length; j++)
      pictures[i * length + j] = contrast * random.next() + (1 - contrast) * colour[j % 3]!;
  }
  const targets = Float32Array.from({ length: rows * rows }, (_, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    return i !== j && Math.floor(i / VIEWS) === Math.floor(j / VIEWS) ? 1 / (VIEWS - 1) : 0;
  });
  const temperature = objective.kind === 'infoNce' ? objective.temperature : 0.1;
  const weights = initialWeights(spec, random);
  const masks = drawMasks({ seed: 1 }, dropoutLayers(describeNetwork(spec)), rows);
  return { spec, weights, rows, pictures, targets, masks, temperature, rate: 0.05, momentum, weightDecay, clip };
}

/** Steps on an example as a job takes them: weights in, gradients out, clipped, Nesterov, running statistics. */
export type StepTrainer = {
  readonly device: string;
  /** Changed by every step. */
  readonly weights: Weights;
  /** @returns the loss before the step, and the engine's part of the time. */
  step(): Promise<{ loss: number; engineMs: number }>;
  embed(pictures: Float32Array, n: number): Promise<Float32Array>;
  close(): Promise<void>;
};

/** @throws SimiliError ENGINE_UNAVAILABLE */
export async function openStepTrainer(open: OpenEngine, example: StepExample, threads: number): Promise<StepTrainer> {
  const { spec, rows, pictures, masks, targets, temperature, rate, clip } = example;
  const weights: Weights = structuredClone(example.weights);
  const velocity = zerosLike(weights);
  const optimiser = makeNesterov(example);
  const engine = await open(spec, weights, { batch: rows, threads });
  let steps = 0;
  return {
    device: engine.device,
    weights,
    async step() {
      const since = performance.now();
      await engine.setWeights(weights);
      const found = await engine.gradients({ pictures, masks }, { kind: 'infoNce', temperature, targets });
      const engineMs = performance.now() - since;
      clipGradients(found.gradients, clip);
      optimiser.step(weights, velocity, found.gradients, rate);
      trackStatistics(weights, found.statistics, steps++);
      return { loss: found.loss, engineMs };
    },
    embed: (some, n) => engine.embed(some, n),
    close: () => engine.dispose(),
  };
}
