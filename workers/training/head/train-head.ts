import type { BatchPlan, BatchSource } from '@simili/learning/batches/batch';
import { pictureCount } from '@simili/learning/batches/catalog';
import { storedBatches } from '@simili/learning/batches/stored-batches';
import { scaleToUnit } from '@simili/learning/features/unit';
import { itemsIn } from '@simili/learning/metrics/split';
import type { Block } from '@simili/learning/models/served-model';
import type { Weights } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import { type HeadEngine, openHeadEngine } from '../../engines/onnx/head/index.ts';
import { dimensionsOf, type HeadSpec, headWeights, unitRows } from '../../engines/onnx/head/spec.ts';
import { itemAt } from '../data/item-at.ts';
import type { Fit } from '../fit.ts';
import { rankingSource } from '../network/batches.ts';
import type { Look } from '../network/held-out.ts';
import { freshState, type TrainingState } from '../network/state.ts';
import { type NetworkTraining, trainNetwork } from '../network/train-network.ts';
import { chosenTogether } from '../triplets/clicks.ts';
import type { FrozenParts } from './frozen-parts.ts';
import { headVectors } from './maps.ts';
import { MOST_PICTURES, type Teachers } from './teachers.ts';
import { servingHidden, servingMaps } from './warm-start.ts';

/** One way to train a head; validation chooses. */
export type Candidate = {
  /** Weight of the proxies' loss, and whether categories give targets; 0: they say nothing. */
  readonly categories: number;
  /** lambda of lambda ||offset||^2. */
  readonly decay: number;
  /** Units of the hidden layer; 0: linear maps alone. */
  readonly hidden: number;
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
/**
 * Share of the peak rate where a head goes on from the one that serves: the whole of it throws away what that knows, and what takes a
 * fresh one 300 steps then takes 60 (test/integration/head.test.ts has such a shop).
 */
const WARM_RATE = 0.1;

export const stepsOf = ({ steps }: Pick<Fit, 'steps'>): number => steps ?? STEPS;

export type HeadTraining = {
  readonly fit: Fit;
  /** The frozen ones that have a share. */
  readonly blocks: readonly Block[];
  readonly parts: FrozenParts;
  readonly teachers: Teachers;
  /** Under the vectors that the weights make. */
  readonly look: (spec: HeadSpec, weights: Weights) => Look;
  readonly emit: NetworkTraining['emit'];
};

/** @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted. */
export async function trainHead(training: HeadTraining, candidate: Candidate): Promise<TrainedHead> {
  const { fit, look, emit } = training;
  const { set, computing, seconds, recipe, signal } = fit;
  const spec = specOf(training, candidate);
  const source = sourceOf(training, candidate, spec.rows);
  const { weights, isWarm } = startOf(spec, training);
  const state = freshState('rank', weights, stepsOf(fit));
  const engine = await openHeadEngine(spec, computing.threads);
  try {
    const keptStep = await trainNetwork({
      state,
      source,
      signal,
      emit,
      members: membersOf(engine, training),
      recipe: { ...recipe, weightDecay: candidate.decay, peakRate: recipe.peakRate * (isWarm ? WARM_RATE : 1) },
      seconds,
      keep: null, // some seconds: a restarted job begins again
      look: async (now) => look(spec, now),
      itemOf: (picture) => itemAt(set.starts, picture),
    });
    return { candidate, spec, weights: state.weights, state, keptStep, counts: source.counts() };
  } finally {
    await engine.dispose();
  }
}

function specOf({ fit: { recipe }, blocks, parts, teachers }: HeadTraining, candidate: Candidate): HeadSpec {
  const { categories, hidden } = candidate;
  const { set, classes } = teachers;
  const pictures = itemsIn(set, 'train').reduce(
    (sum, item) => sum + Math.min(MOST_PICTURES, pictureCount(set, item)),
    0,
  );
  const isTriplets = recipe.objective.kind === 'tripletHinge';
  return {
    blocks: blocks.map(({ weight }, b) => {
      const length = parts.lengths[b]!;
      return { length, dimensions: length, weight };
    }),
    hidden,
    rows: isTriplets ? recipe.rows : Math.min(recipe.rows, pictures),
    loss: recipe.objective.kind,
    proxies:
      categories > 0 && recipe.categories
        ? { classes, weight: categories, temperature: recipe.categories.temperature }
        : null,
  };
}

/** Losses that do not take every picture as it is have the batches that a network has. */
function sourceOf({ fit, teachers: { set } }: HeadTraining, { categories }: Candidate, rows: number): BatchSource {
  const { objective } = fit.recipe;
  if (objective.kind !== 'infoNce') return rankingSource({ ...fit, set });
  return storedBatches({
    catalog: set,
    rows,
    views: MOST_PICTURES,
    temperature: objective.temperature,
    seed: fit.seed,
    kin: categories > 0 ? (fit.recipe.categories?.kin ?? 1) : 1,
    related: chosenTogether(fit.clicks),
  });
}

/** No offset and nothing said by hidden units, or as in the head which serves; each proxy in the middle of its category. */
function startOf(
  spec: HeadSpec,
  { fit, blocks, teachers, parts }: HeadTraining,
): { weights: Weights; isWarm: boolean } {
  const serving = servingMaps(
    fit.serving,
    blocks,
    spec.blocks.map(({ dimensions }) => dimensions),
    spec.hidden,
  );
  const offsets = spec.blocks.map(({ length, dimensions }, b) => {
    const unit = unitRows(dimensions, length);
    const data = serving[b]?.map((value, i) => value - unit[i]!) ?? new Float32Array(dimensions * length);
    return [headWeights.offset(b), { shape: [dimensions, length], data }] as const;
  });
  const weights: Weights = { ...Object.fromEntries(offsets), ...(spec.hidden > 0 && hiddenStart(spec, fit)) };
  const isWarm = serving.some((map) => map !== null);
  if (!spec.proxies) return { weights, isWarm };
  const vectorOf = headVectors(spec, weights);
  const dimensions = dimensionsOf(spec);
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
  return { weights, isWarm };
}

/** Units that each read a direction of its own, or what those of the version that serves have learned. */
function hiddenStart(spec: HeadSpec, fit: Pick<Fit, 'serving' | 'seed'>): Weights {
  const [units, length] = [spec.hidden, dimensionsOf(spec)];
  const serving = servingHidden(fit.serving, units, length);
  const random = makeRandom(fit.seed);
  // x has unit length, so rows of standard normal numbers give values of about 1.
  const inner = serving?.inner.slice() ?? Float32Array.from({ length: units * length }, () => random.gaussian());
  const outer = serving?.outer.map((value) => value * Math.sqrt(units)) ?? new Float32Array(length * units);
  return {
    [headWeights.inner]: { shape: [units, length], data: inner },
    [headWeights.shift]: { shape: [units], data: serving?.shift.slice() ?? new Float32Array(units) },
    [headWeights.outer]: { shape: [length, units], data: outer },
  };
}

/** One member, in this process; its batches are rows of numbers that are in memory. */
function membersOf(
  engine: HeadEngine,
  { fit: { set }, parts, teachers: { labels } }: HeadTraining,
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
      const rowLabels = pictures.map((picture) => labels[itemAt(set.starts, picture)]!);
      return engine.gradients({ features, loss, labels: rowLabels }, weights);
    },
  };
}
