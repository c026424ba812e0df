import { encodeModel, servedLength } from '../../src/learning/artefact.ts';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import { presetNamed } from '../../src/learning/network/presets.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { WeightedTriplet } from '../../src/learning/relevance.ts';
import type { Block, Picture, ServedModel } from '../../src/learning/served-model.ts';
import { openEngine } from '../engines/open-engine.ts';
import { sha256 } from '../sha256.ts';
import {
  type Extract,
  fitBlock,
  HAND_MADE,
  handMade,
  mapItems,
  NETWORK,
  sampleViews,
  type UnmixedBlock,
  type Views,
} from './blocks.ts';
import { type LearnedFromClicks, learnFromClicks } from './clicks.ts';
import { fitShares, structureTriplets } from './mixture.ts';
import { extractByNetwork } from './network-feature.ts';
import { makePictureStore } from './picture-store.ts';
import type { TrainingEvent, TrainingItem, TrainingRequest, TrainingResult } from './protocol.ts';
import { SETTINGS, trainNetwork } from './train-network.ts';
import { makeTripletSource } from './triplet-source.ts';

/** Shares of the blocks before any triplet has spoken (validated on the development set). */
const PRIOR = { hog: 0.55, pixels: 0.3, colour: 0.15 };
const NETWORK_PRIOR = 0.4;
/** Progress after the hand-made features, and after the network's steps. */
const GOLDEN_DONE = 0.1;
const NO_CLICKS = { triplets: [], chosen: 0 };
const NETWORK_DONE = 0.95;

/** A fitted block and the unit vectors of all learning products under it, by item index. */
type Fitted = { block: UnmixedBlock; vectors: Map<number, Float32Array> };

type Fit = {
  request: TrainingRequest;
  signal: AbortSignal;
  emit: (event: TrainingEvent) => void;
  items: readonly TrainingItem[];
  /** Indices of items that may teach: 'train' and 'val'. */
  learners: readonly number[];
  pictureOf: (item: number) => Picture;
  views: Views;
  structure: readonly WeightedTriplet[];
};

/**
 * Fits one model version. GOLDEN: hand-made features, whitened and mixed by max-margin (the paper's golden features),
 * which rank from the first minute. NETWORK: also the ranking network, trained on triplets from golden relevance and
 * from clicks, whitened like the others and fused with them.
 * @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted.
 */
export async function fitModel(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: Fit['emit'],
): Promise<TrainingResult> {
  const fit = prepare(request, signal, emit);
  const golden = await fitGolden(fit);
  const clicks = learnFromClicks(request.feedback, fit.items, golden.relevance);
  const shares = fitShares(vectorsOf(golden.fitted), fit.structure, clicks, golden.prior);
  if (request.kind === 'GOLDEN') {
    return finished({ blocks: mixed(golden.fitted, shares), network: null }, { clickTriplets: clicks.triplets.length });
  }
  return fitNetwork(fit, golden, clicks);
}

function prepare(request: TrainingRequest, signal: AbortSignal, emit: Fit['emit']): Fit {
  const { items } = request;
  const random = makeRandom(request.seed);
  const load = makePictureStore();
  const pictureOf = (i: number): Picture => load((items[i] as TrainingItem).pictures[0] as string);
  const learners = items.flatMap(({ split }, i) => (split === 'test' ? [] : [i]));
  return {
    ...{ request, signal, emit, items, learners, pictureOf },
    views: sampleViews(items, load, random),
    structure: structureTriplets(items, learners, random),
  };
}

type Golden = { fitted: Fitted[]; prior: number[]; relevance: (i: number, j: number) => number };

async function fitGolden(fit: Fit): Promise<Golden> {
  const features = Object.keys(HAND_MADE) as (keyof typeof HAND_MADE)[];
  const fitted: Fitted[] = [];
  for (const feature of features) {
    fit.signal.throwIfAborted();
    const done = (GOLDEN_DONE * fitted.length) / features.length;
    fit.emit({ type: 'progress', done, etaSeconds: null, message: `Fitting ${feature} features`, engine: null });
    fitted.push(await fitFeature(fit, feature, handMade(feature), HAND_MADE[feature]));
  }
  const prior = features.map((feature) => PRIOR[feature]);
  const shares = fitShares(vectorsOf(fitted), fit.structure, NO_CLICKS, prior);
  return { fitted, prior, relevance: goldenRelevance(fitted, shares) };
}

async function fitFeature(
  { views, learners, pictureOf }: Fit,
  feature: Block['feature'],
  extract: Extract,
  options: { keep: number; shrinkage: number },
): Promise<Fitted> {
  const block = await fitBlock(feature, extract, views, options);
  return { block, vectors: await mapItems(block, extract, learners, pictureOf) };
}

async function fitNetwork(fit: Fit, golden: Golden, clicks: LearnedFromClicks): Promise<TrainingResult> {
  const { request, signal, emit } = fit;
  const spec = presetNamed('tiny');
  const { engine, reason } = await openEngine(
    request.engine,
    { requireGpu: request.requireGpu },
    spec,
    initialWeights(spec, makeRandom(request.seed)),
    { triplets: SETTINGS.triplets, threads: request.threads },
  );
  try {
    const say = (done: number, etaSeconds: number | null, message: string) =>
      emit({ type: 'progress', done, etaSeconds, message, engine: reason });
    say(GOLDEN_DONE, null, 'Sampling triplets');
    const trained = await trainNetwork({
      ...{ spec, engine, signal, settings: SETTINGS, pictureOf: fit.pictureOf },
      ...{
        seed: request.seed,
        seconds: request.seconds,
        checkpointSeconds: request.checkpointSeconds,
        checkpoint: request.checkpoint,
        fingerprint: fingerprintOf(request),
      },
      tripletSource: makeTripletSource(fit.items, golden.relevance, clicks),
      emit: {
        loss: (point) => emit({ type: 'loss', ...point }),
        progress: (done, eta) => say(GOLDEN_DONE + (NETWORK_DONE - GOLDEN_DONE) * done, eta, 'Training the network'),
        checkpoint: (step, state) => emit({ type: 'checkpoint', step, state }),
      },
    });
    say(NETWORK_DONE, null, 'Fusing the network with the golden features');
    const network = await fitFeature(fit, 'network', extractByNetwork(engine, spec), NETWORK);
    const fitted = [...golden.fitted, network];
    const prior = [...golden.prior.map((share) => share * (1 - NETWORK_PRIOR)), NETWORK_PRIOR];
    // Only triplets the network has not trained on can say how far to trust it.
    const held = heldOut(fit);
    const heldClicks = { ...clicks, triplets: clicks.triplets.filter(held) };
    const shares = fitShares(vectorsOf(fitted), fit.structure.filter(held), heldClicks, prior);
    return finished(
      { blocks: mixed(fitted, shares), network: { spec, weights: trained.weights } },
      {
        steps: trained.steps,
        loss: trained.loss,
        triplets: trained.steps * SETTINGS.triplets,
        clickTriplets: clicks.triplets.length,
        engine: reason,
      },
    );
  } finally {
    await engine.dispose();
  }
}

/** What a checkpoint's random state and weights count on: the same products and pictures, feedback, seed and length. */
function fingerprintOf({ items, feedback, seed, seconds }: TrainingRequest): string {
  return sha256(JSON.stringify({ items, feedback, seed, seconds }));
}

/** Triplets whose anchor is a validation product: the network never had it as an anchor. */
const heldOut =
  ({ items }: Fit) =>
  ({ q }: WeightedTriplet): boolean =>
    items[q]?.split === 'val';

/** r_ij = exp(-D/sigma), D the mixed squared distance in [0, 4]: the paper's golden relevance within a category. */
function goldenRelevance(fitted: readonly Fitted[], shares: readonly number[]): (i: number, j: number) => number {
  return (i, j) => {
    let distance = 0;
    fitted.forEach(({ vectors }, b) => {
      distance += (shares[b] as number) * (2 - 2 * dot(vectors.get(i) as Float32Array, vectors.get(j) as Float32Array));
    });
    return Math.exp(-distance / SIGMA);
  };
}
const SIGMA = 0.5;

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const vectorsOf = (fitted: readonly Fitted[]) => fitted.map(({ vectors }) => vectors);

const mixed = (fitted: readonly Fitted[], shares: readonly number[]): Block[] =>
  fitted.map(({ block }, b) => ({ ...block, weight: shares[b] as number }));

function finished(model: ServedModel, summary: Record<string, unknown>): TrainingResult {
  const shares = Object.fromEntries(model.blocks.map(({ feature, weight }) => [feature, weight]));
  return { artefact: encodeModel(model), dimensions: servedLength(model), summary: { shares, ...summary } };
}
