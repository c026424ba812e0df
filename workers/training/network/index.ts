import { isDeepStrictEqual } from 'node:util';
import type { BatchSource } from '@simili/learning/batches/batch';
import type { ServedModel } from '@simili/learning/models/served-model';
import { initialWeights } from '@simili/learning/network/initial-weights';
import { singleScale } from '@simili/learning/network/presets';
import { withoutProxies } from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import { itemAt } from '../data/item-at.ts';
import { type Fit, GOLDEN_DONE, NETWORK_DONE } from '../fit.ts';
import { labelsSource, rankingSource } from './batches.ts';
import { heldOutLook, type Look } from './held-out.ts';
import type { Keeping } from './keeping.ts';
import { type Members, openMembers } from './members/index.ts';
import { decodeState, encodeState, freshState, type TrainingState } from './state.ts';
import { trainNetwork } from './train-network.ts';

export type TrainedNetwork = {
  weights: Weights;
  steps: number;
  /** The step whose weights these are: the last, or where that overfitted an earlier one. */
  keptStep: number;
  loss: number;
  counts: Readonly<Record<string, number>>;
};
type Phase = TrainingState['phase'];
/** The first branch at the end of its phase. */
type Pretrained = { readonly state: TrainingState; readonly keptStep: number };

/**
 * Trains the network of a fit: where the recipe says so first its first branch by a softmax on category labels, then all
 * of it by the ranking loss (paper, section 4), or nothing more. Goes on from the checkpoint where it is of the same request.
 * @param keeping null: nobody goes on from where it is stopped
 * @param use gets the trained network while its engine is still there.
 */
export async function trainedNetwork<T>(
  fit: Fit,
  keeping: Keeping | null,
  use: (trained: TrainedNetwork, members: Members) => Promise<T>,
): Promise<T> {
  const saved = keeping?.checkpoint ? decodeState(keeping.checkpoint, keeping.fingerprint) : null;
  const pretrained = saved?.phase === 'rank' ? null : await pretrain(fit, saved, keeping);
  if (fit.recipe.pretrain === 1) return withMembers(fit, (members) => use(classifier(fit, pretrained), members));
  const state = saved?.phase === 'rank' ? saved : startOfRanking(fit, pretrained?.state.weights ?? null);
  return withMembers(fit, async (members) => {
    const source = rankingSource(fit);
    const keptStep = await runPhase(fit, members, { state, source, keeping });
    const { weights, step, loss } = state;
    return use({ weights, steps: step, keptStep, loss, counts: source.counts() }, members);
  });
}

/** The pretrained branch with nothing behind it. @throws SimiliError CATALOG_UNLABELLED where nothing was pretrained. */
function classifier(fit: Fit, pretrained: Pretrained | null): TrainedNetwork {
  if (!pretrained) throw new SimiliError('CATALOG_UNLABELLED', { recipe: fit.recipe.name });
  const { state, keptStep } = pretrained;
  const { weights } = startOfRanking(fit, state.weights);
  const { shape } = weights['embedding.kernel']!;
  const identity = new Float32Array(fit.spec.embedding ** 2);
  for (let i = 0; i < fit.spec.embedding; i++) identity[i * fit.spec.embedding + i] = 1;
  weights['embedding.kernel'] = { shape, data: identity };
  return { weights, steps: state.step, keptStep, loss: state.loss, counts: {} };
}

/** @returns the first branch at its end; null where the recipe wants none, or there are no two categories to tell apart. */
export async function pretrain(
  fit: Fit,
  saved: TrainingState | null,
  keeping: Keeping | null,
): Promise<Pretrained | null> {
  const labels = fit.recipe.pretrain > 0 ? labelsSource(fit) : null;
  if (!labels) return null;
  const { proxies: _none, ...branch } = singleScale(fit.spec);
  const spec = { ...branch, embedding: labels.classes };
  const classifying = { ...fit, spec };
  const state = saved ?? freshState('pretrain', initialWeights(spec, randomOf(fit)), phaseSteps(fit, 'pretrain'));
  return withMembers(classifying, async (members) => {
    const keptStep = await runPhase(classifying, members, { state, source: labels.source, keeping });
    return { state, keptStep };
  });
}

/**
 * The weights of the network that serves, where there is one of this shape and no pretraining comes first; else fresh ones,
 * the first branch as it was pretrained: its classifier stays behind.
 */
export function startOfRanking(fit: Fit, pretrained: Weights | null): TrainingState {
  const weights = initialWeights(fit.spec, randomOf(fit));
  const serving = fit.recipe.pretrain > 0 ? null : servingWeights(fit);
  for (const [name, { shape, data }] of Object.entries(serving ?? {})) weights[name] = { shape, data: data.slice() };
  for (const [name, tensor] of Object.entries(pretrained ?? {})) {
    if (!name.startsWith('embedding.')) weights[name] = tensor;
  }
  return freshState('rank', weights, phaseSteps(fit, 'rank'));
}

/**
 * Weights of the network that serves, as the start of another training; null where none of this very shape does. Proxies are
 * not among them: categories may be others by now.
 */
function servingWeights({ serving, spec }: { serving: ServedModel | null; spec: NetworkSpec }): Weights | null {
  const network = serving?.network;
  return network && isDeepStrictEqual(network.spec, withoutProxies(spec, {}).spec) ? network.weights : null;
}

const randomOf = ({ seed }: Fit) => makeRandom(seed);

const shareOf = ({ recipe }: Fit, phase: Phase): number =>
  phase === 'pretrain' ? recipe.pretrain : 1 - recipe.pretrain;
const phaseSteps = (fit: Fit, phase: Phase): number =>
  fit.steps === null ? 0 : Math.max(1, Math.round(fit.steps * shareOf(fit, phase)));

/** @throws SimiliError ENGINE_UNAVAILABLE */
export function openFitMembers(fit: Fit): Promise<Members> {
  const { computing, recipe, spec, backbone } = fit;
  const { hashes, pixels } = fit.set;
  return openMembers(computing, {
    spec,
    rows: recipe.rows,
    augmentation: recipe.augmentation,
    backbone,
    set: { hashes, pixels },
    weights: initialWeights(spec, randomOf(fit)),
  });
}

async function withMembers<T>(fit: Fit, run: (members: Members) => Promise<T>): Promise<T> {
  const members = await openFitMembers(fit);
  try {
    return await run(members);
  } finally {
    await members.close();
  }
}

/**
 * @param run.keeping as of `trainedNetwork`
 * @param run.untilStep as `NetworkTraining`: a round of a training over several machines
 * @returns the step whose weights were kept.
 */
export async function runPhase(
  fit: Fit,
  members: Members,
  {
    state,
    source,
    keeping,
    untilStep,
  }: { state: TrainingState; source: BatchSource; keeping: Keeping | null; untilStep?: number },
): Promise<number> {
  const { set, recipe, signal, emit } = fit;
  const before = state.phase === 'pretrain' ? 0 : recipe.pretrain;
  const message = state.phase === 'pretrain' ? 'Training on categories' : 'Training the network';
  return trainNetwork({
    state,
    members,
    source,
    recipe,
    signal,
    ...(untilStep === undefined ? {} : { untilStep }),
    seconds: fit.seconds * shareOf(fit, state.phase),
    // A start needs no looks; where nothing comes after it what it says of classes is looked at.
    look: state.phase === 'rank' || recipe.pretrain === 1 ? lookWith(fit, members) : null,
    itemOf: (picture) => itemAt(set.starts, picture),
    keep: keeping && keeper(fit, keeping, members),
    emit: {
      loss: (point) => emit({ type: 'loss', ...point }),
      progress: (share, etaSeconds) => {
        const done = GOLDEN_DONE + (NETWORK_DONE - GOLDEN_DONE) * (before + shareOf(fit, state.phase) * share);
        emit({ type: 'progress', done, etaSeconds, message, engine: members.reason });
      },
    },
  });
}

/** Checkpoints as events. */
function keeper({ set, emit }: Fit, { checkpointSeconds, fingerprint, about }: Keeping, { reason }: Members) {
  const facts = { ...about, engine: reason, items: set.categories.length, pictures: set.hashes.length / 32 };
  return {
    everySeconds: checkpointSeconds,
    save: (state: TrainingState) =>
      emit({ type: 'checkpoint', step: state.step, state: encodeState(state, fingerprint, facts) }),
  };
}

/** A look at held-out products with the engine of this process. */
function lookWith(fit: Fit, { engine }: Members): ((weights: Weights) => Promise<Look>) | null {
  const look = heldOutLook(fit);
  return (
    look &&
    (async (weights) => {
      await engine.setWeights(weights);
      return look(engine);
    })
  );
}
