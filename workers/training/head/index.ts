import { picturesOf } from '@simili/learning/batches/catalog';
import { itemsIn } from '@simili/learning/metrics/split';
import type { Block, HiddenLayer } from '@simili/learning/models/served-model';
import { hiddenOf } from '../../engines/onnx/head/spec.ts';
import { type Fit, GOLDEN_DONE, NETWORK_DONE } from '../fit.ts';
import { gainOf, lookOf } from './choice.ts';
import { frozenParts, weighed } from './frozen-parts.ts';
import { type Answers, type HeldOutQuestions, heldOutQuestions } from './held-out-questions.ts';
import { headVectors, mapOf } from './maps.ts';
import { findTeachers, type Teachers } from './teachers.ts';
import { type Candidate, type HeadTraining, stepsOf, type TrainedHead, trainHead } from './train-head.ts';

export type HeadFit = {
  /** Null: the frozen ones are better, or there was nothing to learn from. */
  readonly blocks: readonly Block[] | null;
  readonly hidden?: HiddenLayer;
  /** For the model's record: which head it is, or why there is none. Steps are those of all trainings, one after the other. */
  readonly summary: Record<string, unknown>;
};

/** Share of the progress in which the frozen blocks look at pictures. */
const LOOKED = 0.4;
/** How near to its start a head is held: the recipe's own decay, and ten times that. */
const DECAYS = [1, 10];
/**
 * Units of the hidden layer that is tried beside the linear maps, at the weaker decay alone: a stronger one leaves nothing of it
 * (docs/quality.md).
 */
const HIDDEN = 512;
/**
 * Products beside which shoppers surely preferred something, from which on choices alone teach a head: a matrix that a handful taught was liked on
 * validation products now and then, and was further from what shoppers want than none (docs/simulate.md).
 */
const FEWEST_CHOSEN = 100;
const HEAD_ENGINE = 'onnx, cpu';

/**
 * Trains a ranking head on the frozen blocks, several ways, and keeps that which held-out products like best; none where
 * nothing teaches or none is better than what is there.
 * @throws as `trainHead`
 */
export async function fitHead(fit: Fit, frozen: readonly Block[]): Promise<HeadFit> {
  const teachers = findTeachers(fit.set, fit.clicks, fit.seed);
  const candidates = candidatesFor(fit, teachers);
  if (candidates.length === 0)
    return without(
      `Not trained: no product has two pictures or a category, and shoppers' choices beside ${FEWEST_CHOSEN} products are needed`,
    );
  const blocks = frozen.filter(({ weight }) => weight > 0);
  const questions = heldOutQuestions(fit);
  if (!isAsked(questions))
    return without(
      'Not trained: no product that validates has another picture, or company in its category, to tell heads apart',
    );
  const training = await prepared(fit, blocks, teachers, questions);
  const trained: TrainedHead[] = [];
  for (const [i, candidate] of candidates.entries())
    trained.push(await trainHead(withEvents(training, i, candidates.length), candidate));
  const { best, gains } = chosen(training, trained, questions);
  const steps = trained.length * stepsOf(fit);
  if (!best) return without(`Not kept: none of ${trained.length} heads was better on held-out products`, steps);
  const keptStep = trained.indexOf(best) * stepsOf(fit) + best.keptStep;
  const hidden = hiddenOf(best.spec, best.weights);
  const summary = { ...summaryOf(best, teachers), steps, keptStep, gains };
  return { blocks: servedBlocks(blocks, best), ...(hidden && { hidden }), summary };
}

const isAsked = ({ trust }: HeldOutQuestions): boolean => Object.values(trust).some((weight) => weight > 0);

const without = (why: string, steps = 0): HeadFit => ({
  blocks: null,
  summary: { engine: HEAD_ENGINE, steps, keptStep: 0, head: why },
});

/** Heads to try: by teachers, by decay, and with hidden units or without. */
export function candidatesFor({ recipe }: Pick<Fit, 'recipe'>, teachers: Teachers): Candidate[] {
  const { identities, chosen: choices, classes } = teachers;
  const weights = [
    ...(identities > 0 || choices >= FEWEST_CHOSEN ? [0] : []),
    ...(classes > 0 && recipe.categories ? [recipe.categories.weight] : []),
  ];
  return weights.flatMap((categories) => [
    ...DECAYS.map((times) => ({ categories, decay: recipe.weightDecay * times, hidden: 0 })),
    { categories, decay: recipe.weightDecay, hidden: HIDDEN },
  ]);
}

/** The part that all trainings of one fit share. */
export async function prepared(
  fit: Fit,
  blocks: readonly Block[],
  teachers: Teachers,
  questions: HeldOutQuestions,
): Promise<HeadTraining> {
  const message = 'Gathering what is known of pictures';
  const pictures = [...questions.pictures, ...picturesOf(teachers.set, itemsIn(teachers.set, 'train'))];
  const parts = await frozenParts(fit, blocks, pictures, (share) =>
    fit.emit({ type: 'progress', done: at(LOOKED * share), etaSeconds: null, message, engine: null }),
  );
  const look: HeadTraining['look'] = (spec, weights) => {
    const vectorOf = headVectors(spec, weights);
    return lookOf(
      questions.ask((picture) => vectorOf(parts.of(picture))),
      questions.trust,
    )!;
  };
  return { fit, blocks, parts, teachers, look, emit: { loss: () => {}, progress: () => {} } };
}

/** A share of the head as one of the whole progress. */
const at = (share: number): number => GOLDEN_DONE + (NETWORK_DONE - GOLDEN_DONE) * share;

/** Steps are counted through all trainings. */
function withEvents(training: HeadTraining, i: number, of: number): HeadTraining {
  const { fit } = training;
  const message = `Training the head (${i + 1} of ${of})`;
  return {
    ...training,
    emit: {
      loss: ({ step, ...point }) => fit.emit({ type: 'loss', step: step + i * stepsOf(fit), ...point }),
      progress: (share, etaSeconds) => {
        const done = at(LOOKED + ((1 - LOOKED) * (i + share)) / of);
        fit.emit({ type: 'progress', done, etaSeconds: etaSeconds * (of - i), message, engine: HEAD_ENGINE });
      },
    },
  };
}

/**
 * The head that gains most over what is there. One that heard of categories must also be better, beyond doubt, than each that
 * did not: so categories that are noise have no weight. And one with hidden units than the linear ones that heard the same.
 */
function chosen({ parts, blocks }: HeadTraining, trained: readonly TrainedHead[], { ask, trust }: HeldOutQuestions) {
  const frozen = ask((picture) => weighed(parts, blocks, picture));
  const answers = trained.map(({ spec, weights }): Answers => {
    const vectorOf = headVectors(spec, weights);
    return ask((picture) => vectorOf(parts.of(picture)));
  });
  const gains = answers.map((own, i) => {
    const rivals = answers.filter((_other, j) => isSimpler(trained[j]!.candidate, trained[i]!.candidate));
    return rivals.every((rival) => gainOf(own, rival, trust) > 0) ? gainOf(own, frozen, trust) : 0;
  });
  const most = Math.max(...gains);
  return { gains, best: most > 0 ? trained[gains.indexOf(most)]! : null };
}

const isSimpler = (one: Candidate, other: Candidate): boolean =>
  (one.categories === 0 && other.categories > 0) ||
  (one.hidden === 0 && other.hidden > 0 && one.categories === other.categories);

/** A head and the block that it reads are one linear map. */
export function servedBlocks(
  blocks: readonly Block[],
  { spec, weights }: Pick<TrainedHead, 'spec' | 'weights'>,
): Block[] {
  return blocks.map((block, b) => ({ ...block, projection: product(mapOf(spec, weights, b), block) }));
}

/** [D, m] [m, d] -> [D, d] */
function product(map: Float32Array, { mean, projection }: Block): Float32Array {
  const d = mean.length;
  const m = projection.length / d;
  const out = new Float32Array((map.length / m) * d);
  for (let row = 0; row < map.length / m; row++) {
    const own = out.subarray(row * d, (row + 1) * d);
    for (let i = 0; i < m; i++) {
      const factor = map[row * m + i]!;
      for (let c = 0; c < d; c++) own[c] = own[c]! + factor * projection[i * d + c]!;
    }
  }
  return out;
}

const summaryOf = ({ candidate, state, counts }: TrainedHead, teachers: Teachers) => ({
  engine: HEAD_ENGINE,
  loss: state.loss,
  sampler: counts,
  head: {
    categories: candidate.categories,
    decay: candidate.decay,
    hidden: candidate.hidden,
    teachers: { identities: teachers.identities, categories: teachers.classes, chosen: teachers.chosen },
  },
});
