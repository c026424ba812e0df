import type { BatchSource } from '@simili/learning/batches/batch';
import { initialWeights } from '@simili/learning/network/initial-weights';
import { singleScale } from '@simili/learning/network/presets';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import { labelsSource, rankingSource } from './batches.ts';
import { type Fit, fingerprintOf, GOLDEN_DONE, NETWORK_DONE } from './fit.ts';
import { heldOutLook, type Look } from './held-out.ts';
import { itemAt } from './item-at.ts';
import { type Members, openMembers } from './members/index.ts';
import { decodeState, encodeState, freshState, type TrainingState } from './state.ts';
import { trainNetwork } from './train-network.ts';
import { servingWeights } from './warm-start.ts';

export type TrainedNetwork = {
  weights: Weights;
  steps: number;
  /** Whose weights these are: the last, or where that overfitted an earlier one. */
  keptStep: number;
  loss: number;
  counts: Readonly<Record<string, number>>;
};
type Phase = TrainingState['phase'];
/** The first branch at the end of its phase. */
type Pretrained = { readonly state: TrainingState; readonly keptStep: number };

/**
 * Trains the network of a fit: where the recipe says so first its first branch by a softmax on category labels, then all
 * of it by the ranking loss (paper, section 4), or nothing more. Goes on from the request's checkpoint where there is a sound one.
 * @param use gets the trained network while its engine is still there.
 */
export async function trainedNetwork<T>(
  fit: Fit,
  use: (trained: TrainedNetwork, members: Members) => Promise<T>,
): Promise<T> {
  const saved = fit.request.checkpoint && decodeState(fit.request.checkpoint, fingerprintOf(fit.request));
  const pretrained = saved?.phase === 'rank' ? null : await pretrain(fit, saved);
  if (fit.recipe.pretrain === 1)
    return withMembers(fit, fit.spec, (members) => use(classifier(fit, pretrained), members));
  const state = saved?.phase === 'rank' ? saved : startOfRanking(fit, pretrained?.state.weights ?? null);
  return withMembers(fit, fit.spec, async (members) => {
    const source = rankingSource(fit);
    const keptStep = await runPhase(fit, members, state, source);
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
export async function pretrain(fit: Fit, saved: TrainingState | null): Promise<Pretrained | null> {
  const labels = fit.recipe.pretrain > 0 ? labelsSource(fit) : null;
  if (!labels) return null;
  const { proxies: _none, ...branch } = singleScale(fit.spec);
  const spec = { ...branch, embedding: labels.classes };
  const classifying = { ...fit, spec };
  const state = saved ?? freshState('pretrain', initialWeights(spec, randomOf(fit)), phaseSteps(fit, 'pretrain'));
  return withMembers(fit, spec, async (members) => {
    const keptStep = await runPhase(classifying, members, state, labels.source);
    return { state, keptStep };
  });
}

/**
 * The weights of the network that serves, where there is one of this shape and no pretraining comes first; else fresh ones,
 * the first branch as it was pretrained: its classifier stays behind.
 */
export function startOfRanking(fit: Fit, pretrained: Weights | null): TrainingState {
  const weights = initialWeights(fit.spec, randomOf(fit));
  const serving = fit.recipe.pretrain > 0 ? null : servingWeights(fit.request, fit.spec);
  for (const [name, { shape, data }] of Object.entries(serving ?? {})) weights[name] = { shape, data: data.slice() };
  for (const [name, tensor] of Object.entries(pretrained ?? {})) {
    if (!name.startsWith('embedding.')) weights[name] = tensor;
  }
  return freshState('rank', weights, phaseSteps(fit, 'rank'));
}

const randomOf = ({ request }: Fit) => makeRandom(request.seed);

const shareOf = ({ recipe }: Fit, phase: Phase): number =>
  phase === 'pretrain' ? recipe.pretrain : 1 - recipe.pretrain;
const phaseSteps = (fit: Fit, phase: Phase): number =>
  fit.request.steps === null ? 0 : Math.max(1, Math.round(fit.request.steps * shareOf(fit, phase)));

/** @throws SimiliError ENGINE_UNAVAILABLE */
export function openFitMembers(fit: Fit, spec: NetworkSpec): Promise<Members> {
  const { request, recipe } = fit;
  return openMembers(request.processes, {
    engine: request.engine,
    requireGpu: request.requireGpu,
    threads: request.threads,
    gpus: request.gpus,
    spec,
    rows: recipe.rows,
    augmentation: recipe.augmentation,
    backbone: request.backbone,
    set: { hashes: request.set.hashes, pixels: request.set.pixels },
    weights: initialWeights(spec, randomOf(fit)),
  });
}

async function withMembers<T>(fit: Fit, spec: NetworkSpec, run: (members: Members) => Promise<T>): Promise<T> {
  const members = await openFitMembers(fit, spec);
  try {
    return await run(members);
  } finally {
    await members.close();
  }
}

/**
 * @param untilStep as `NetworkTraining`: a round of a training over several machines.
 * @returns the step whose weights were kept.
 */
export async function runPhase(
  fit: Fit,
  members: Members,
  state: TrainingState,
  source: BatchSource,
  untilStep?: number,
): Promise<number> {
  const { request, recipe, signal, emit } = fit;
  const fingerprint = fingerprintOf(request);
  const before = state.phase === 'pretrain' ? 0 : recipe.pretrain;
  const about = {
    preset: request.preset,
    recipe: request.recipe,
    seed: request.seed,
    engine: members.reason,
    items: request.set.categories.length,
    pictures: request.set.hashes.length / 32,
  };
  const message = state.phase === 'pretrain' ? 'Training on categories' : 'Training the network';
  return trainNetwork({
    state,
    members,
    source,
    recipe,
    signal,
    ...(untilStep === undefined ? {} : { untilStep }),
    seconds: request.seconds * shareOf(fit, state.phase),
    checkpointSeconds: request.checkpointSeconds,
    // A start needs no looks; where nothing comes after it what it says of classes is looked at.
    look: state.phase === 'rank' || recipe.pretrain === 1 ? lookWith(fit, members) : null,
    itemOf: (picture) => itemAt(request.set.starts, picture),
    emit: {
      loss: (point) => emit({ type: 'loss', ...point }),
      progress: (share, etaSeconds) => {
        const done = GOLDEN_DONE + (NETWORK_DONE - GOLDEN_DONE) * (before + shareOf(fit, state.phase) * share);
        emit({ type: 'progress', done, etaSeconds, message, engine: members.reason });
      },
      checkpoint: (saved) =>
        emit({ type: 'checkpoint', step: saved.step, state: encodeState(saved, fingerprint, about) }),
    },
  });
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
