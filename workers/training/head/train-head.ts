import type { BatchPlan, BatchSource } from '../../../src/learning/batch.ts';
import { pictureCount } from '../../../src/learning/batches/catalog.ts';
import { storedBatches } from '../../../src/learning/batches/stored-batches.ts';
import { scaleToUnit } from '../../../src/learning/features/unit.ts';
import type { Weights } from '../../../src/learning/network/spec.ts';
import { zerosLike } from '../../../src/learning/optimiser.ts';
import type { Block } from '../../../src/learning/served-model.ts';
import { itemsIn } from '../../../src/learning/split.ts';
import { type HeadEngine, type HeadSpec, headWeights, openHeadEngine, unitRows } from '../../engines/onnx/head.ts';
import { rankingSource } from '../batches.ts';
import { chosenTogether } from '../clicks.ts';
import type { Fit } from '../fit.ts';
import type { Look } from '../held-out.ts';
import { itemAt } from '../item-at.ts';
import type { TrainingState } from '../state.ts';
import { type NetworkTraining, trainNetwork } from '../train-network.ts';
import type { FrozenParts } from './frozen-parts.ts';
import { MOST_PICTURES, type Teachers } from './teachers.ts';

/** One way to train a head; validation chooses. */
export type Candidate = {
  /** Of the proxies' loss, and whether categories give targets; 0: they say nothing. */
  readonly categories: number;
  /** lambda of lambda ||offset||^2. */
  readonly decay: number;
};

export type TrainedHead = {
  readonly candidate: Candidate;
  readonly spec: HeadSpec;
  readonly weights: Weights;
  readonly state: Pick<TrainingState, 'step' | 'loss'>;
  readonly keptStep: number;
  readonly counts: Readonly<Record<string, number>>;
};

/** Steps of one training: more bring it no further from a start as good as this one. */
const STEPS = 300;
/** Items of one category that come together in a batch. */
const KIN = 6;
const PROXY_TEMPERATURE = 0.1;
/** Directions of a block that a head keeps of those that there are, by feature: the rest was worth nothing (docs/quality.md). */
const KEPT: Readonly<Record<string, number>> = { hog: 128, pixels: 64, colour: 32 };

export const stepsOf = ({ request }: Pick<Fit, 'request'>): number => request.steps ?? STEPS;

export type HeadTraining = {
  readonly fit: Fit;
  /** The frozen ones that have a share. */
  readonly blocks: readonly Block[];
  readonly parts: FrozenParts;
  readonly teachers: Teachers;
  /** Under the vectors that the weights make; null: nothing is held out. */
  readonly look: ((spec: HeadSpec, weights: Weights) => Look) | null;
  readonly emit: NetworkTraining['emit'];
};

/** @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted. */
export async function trainHead(training: HeadTraining, candidate: Candidate): Promise<TrainedHead> {
  const { fit, parts, teachers, look, emit } = training;
  const { request, recipe, signal } = fit;
  const spec = specOf(training, candidate);
  const source = sourceOf(training, candidate, spec.rows);
  const weights = startOf(spec, teachers, parts);
  const state: TrainingState = {
    ...{ phase: 'rank', step: 0, totalSteps: stepsOf(fit), loss: 0, activeShare: 0 },
    ...{ weights, velocity: zerosLike(weights), source: null, best: null },
  };
  const engine = await openHeadEngine(spec, request.threads);
  try {
    const keptStep = await trainNetwork({
      ...{ state, source, signal, emit, members: membersOf(engine, training) },
      recipe: { ...recipe, weightDecay: candidate.decay },
      ...{ seconds: request.seconds, checkpointSeconds: Number.POSITIVE_INFINITY },
      look: look && (async (now) => look(spec, now)),
      itemOf: (picture) => itemAt(request.set.starts, picture),
    });
    return { candidate, spec, weights: state.weights, state, keptStep, counts: source.counts() };
  } finally {
    await engine.dispose();
  }
}

function specOf({ fit: { recipe }, blocks, parts, teachers }: HeadTraining, { categories }: Candidate): HeadSpec {
  const { set, classes } = teachers;
  const pictures = itemsIn(set, 'train').reduce(
    (sum, item) => sum + Math.min(MOST_PICTURES, pictureCount(set, item)),
    0,
  );
  const isTriplets = recipe.objective.kind === 'tripletHinge';
  return {
    blocks: blocks.map(({ feature, weight }, b) => {
      const length = parts.lengths[b]!;
      return { length, dimensions: Math.min(length, KEPT[feature] ?? length), weight };
    }),
    rows: isTriplets ? recipe.rows : Math.min(recipe.rows, pictures),
    loss: recipe.objective.kind,
    proxies: categories > 0 ? { classes, weight: categories, temperature: PROXY_TEMPERATURE } : null,
  };
}

/** Losses that do not take every picture as it is have the batches that a network has. */
function sourceOf({ fit, teachers: { set } }: HeadTraining, { categories }: Candidate, rows: number): BatchSource {
  const { objective } = fit.recipe;
  if (objective.kind !== 'infoNce') return rankingSource({ ...fit, request: { ...fit.request, set } });
  return storedBatches({
    ...{ catalog: set, rows, views: MOST_PICTURES, temperature: objective.temperature, seed: fit.request.seed },
    ...{ kin: categories > 0 ? KIN : 1, related: chosenTogether(fit.clicks) },
  });
}

/** No offset; each proxy in the middle of its category. */
function startOf(spec: HeadSpec, teachers: Teachers, parts: FrozenParts): Weights {
  const offsets = spec.blocks.map(({ length, dimensions }, b) => {
    return [
      headWeights.offset(b),
      { shape: [dimensions, length], data: new Float32Array(dimensions * length) },
    ] as const;
  });
  const weights: Weights = Object.fromEntries(offsets);
  if (!spec.proxies) return weights;
  const vectorOf = headVectors(spec, weights);
  const dimensions = spec.blocks.reduce((sum, block) => sum + block.dimensions, 0);
  const data = new Float32Array(teachers.classes * dimensions);
  for (const item of itemsIn(teachers.set, 'train')) {
    const label = teachers.labels[item]!;
    if (label < 0) continue;
    const vector = vectorOf(parts.of(teachers.set.starts[item]!));
    for (let i = 0; i < dimensions; i++) data[label * dimensions + i] = data[label * dimensions + i]! + vector[i]!;
  }
  for (let label = 0; label < teachers.classes; label++)
    data.set(scaleToUnit(data.slice(label * dimensions, (label + 1) * dimensions)), label * dimensions);
  weights[headWeights.proxies] = { shape: [teachers.classes, dimensions], data };
  return weights;
}

/** One member, in this process; its batches are rows of numbers that are in memory. */
function membersOf(
  engine: HeadEngine,
  { fit: { request }, parts, teachers: { labels } }: HeadTraining,
): NetworkTraining['members'] {
  const plans: BatchPlan[] = [];
  const width = parts.lengths.reduce((sum, length) => sum + length, 0);
  return {
    count: 1,
    prepare: (prepared) => {
      plans.push(...prepared);
    },
    gradients: (weights) => {
      const { pictures, loss } = plans.shift()!;
      const features = new Float32Array(pictures.length * width);
      for (const [row, picture] of pictures.entries()) features.set(parts.of(picture), row * width);
      const rowLabels = pictures.map((picture) => labels[itemAt(request.set.starts, picture)]!);
      return engine.gradients({ features, loss, labels: rowLabels }, weights);
    },
  };
}

/** The whole map of a block: E + offset, [D, m]. */
export function mapOf({ blocks }: HeadSpec, weights: Weights, b: number): Float32Array {
  const { dimensions, length } = blocks[b]!;
  const offset = weights[headWeights.offset(b)]!.data;
  return unitRows(dimensions, length).map((value, i) => value + offset[i]!);
}

/** z of all blocks -> the vector that is served. */
export function headVectors(spec: HeadSpec, weights: Weights): (z: Float32Array) => Float32Array {
  const maps = spec.blocks.map((_block, b) => mapOf(spec, weights, b));
  const width = spec.blocks.reduce((sum, { dimensions }) => sum + dimensions, 0);
  return (z) => {
    const out = new Float32Array(width);
    let [read, written] = [0, 0];
    for (const [b, { length, dimensions, weight }] of spec.blocks.entries()) {
      const map = maps[b]!;
      const part = new Float32Array(dimensions);
      for (let row = 0, at = 0; row < dimensions; row++) {
        let sum = 0;
        for (let i = 0; i < length; i++, at++) sum += map[at]! * z[read + i]!;
        part[row] = sum;
      }
      const root = Math.sqrt(weight);
      out.set(
        scaleToUnit(part).map((value) => value * root),
        written,
      );
      read += length;
      written += dimensions;
    }
    return scaleToUnit(out);
  };
}
