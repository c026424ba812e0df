import { itemsIn } from '@simili/learning/metrics/split';
import { decodeModel, encodeModel, servedLength } from '@simili/learning/models/artefact';
import type { ServedModel } from '@simili/learning/models/served-model';
import { penultimate } from '@simili/learning/network/presets';
import { pictureSizeFor, withoutProxies } from '@simili/learning/network/shapes';
import { makeRandom } from '@simili/learning/numbers/random';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { recipeFor, whyInstead } from '@simili/learning/recipes/recipe';
import { SeenPairs } from '@simili/learning/relevance/seen-pairs';
import type { Engine } from '../engines/engine.ts';
import { openEncodedFeatures } from './data/encoded-features.ts';
import { openHandMade } from './data/hand-made.ts';
import { makePictureStore } from './data/picture-store.ts';
import { sampleViews } from './data/views.ts';
import { distanceAmong, fitBlock, NETWORK } from './features/blocks.ts';
import { fitEncoderBlocks } from './features/encoder-block.ts';
import { fitGolden } from './features/golden.ts';
import { fitAnew, type KnownMaps } from './features/known-maps.ts';
import { whatCategoriesTeach } from './features/taught.ts';
import { type Fit, GOLDEN_DONE, NETWORK_DONE } from './fit.ts';
import { type Evidence, heldOut } from './fusion/evidence.ts';
import {
  type Distance,
  evenly,
  type Fitted,
  fusedBlocks,
  mixedDistance,
  setsAsked,
  withEncoder,
  withNetwork,
} from './fusion/mixture.ts';
import { fitHead } from './head/index.ts';
import { type TrainedNetwork, trainedNetwork } from './network/index.ts';
import { keepingOf } from './network/keeping.ts';
import type { Members } from './network/members/index.ts';
import { extractByNetwork } from './network/network-feature.ts';
import { sidesFor, specFor } from './network/spec.ts';
import type { TrainingRequest, TrainingResult } from './protocol.ts';
import { learnFromClicks } from './triplets/clicks.ts';
import { setsByPictures } from './triplets/of-catalog.ts';

/**
 * The story of a training, from the catalog to a model version. GOLDEN: hand-made features, whitened and mixed by max-margin
 * (the paper's golden features), which rank from the first minute, beside an encoder where there is one. NETWORK, by its
 * recipe: a ranking head on all of them, or also a ranking network, whitened like the others and fused with them.
 * @param known maps of the frozen blocks; left out: all are fitted
 * @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted.
 */
export async function train(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: Fit['emit'],
  known?: KnownMaps,
): Promise<TrainingResult> {
  const fit = await beginFit(request, signal, emit, known);
  if (request.kind === 'GOLDEN') return finished(frozenModel(fit), { clickTriplets: fit.clicks.triplets.length });
  if (fit.recipe.trains === 'head') return underHead(fit);
  const instead = whyInstead(request.recipe, fit.recipe);
  return trainedNetwork(fit, keepingOf(request), (trained, members) =>
    fusedWithNetwork(fit, trained, members, instead),
  );
}

/** All that comes before a head or a network. Draws from `random` come in one order, for ever: it decides every model. */
export async function beginFit(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: Fit['emit'],
  known?: KnownMaps,
): Promise<Fit> {
  // Data: pictures by their index in the set, and views of training products that show what may change.
  const { set, seed, seconds, steps, sampling, backbone, preset } = request;
  const random = makeRandom(seed);
  const load = makePictureStore(set);
  const views = sampleViews(set, load, random);
  const mapOf = known?.(request) ?? fitAnew;

  // Golden features (paper, section 6.1): each whitened, then mixed by the catalog's triplets and those of raters.
  const handMade = openHandMade(set, (picture) => load(picture, PICTURE_SIZE));
  const golden = fitGolden({
    set,
    ratings: request.ratings,
    random,
    handMade,
    views: () => views(PICTURE_SIZE),
    mapOf,
    learners: itemsIn(set, 'train', 'val'),
    onFeature: (name, done) => {
      signal.throwIfAborted();
      const message = `Fitting ${name} features`;
      emit({ type: 'progress', done: GOLDEN_DONE * done, etaSeconds: null, message, engine: null });
    },
  });

  // The encoder, where one looked at these pictures: a whitened block of each of its parts.
  const encoded = set.encoded ? openEncodedFeatures(set.encoded) : null;
  const encoder = encoded ? fitEncoderBlocks(set, encoded, golden.identity, random, mapOf) : [];
  const frozen = withEncoder(golden, encoder);

  // What people say: choices of shoppers, corrected for position, and answers of raters.
  const clicks = learnFromClicks(new SeenPairs(request.feedback), set, golden.relevance);
  const { structure, identity, rated } = golden;
  const sets = setsByPictures(clicks.sets, set);
  const evidence = { structure, identity, people: rated, choices: rated.length, sets };

  // How a head or a network is to be trained, and from where.
  const recipe = recipeFor(request.recipe, { encoder: encoded !== null, backbone: backbone !== null });
  const readsCategories = request.kind === 'NETWORK' && recipe.trains === 'network';
  const byHand = mixedDistance(golden.fitted, golden.shares);
  const byEye = mixedDistance(encoder, evenly(encoder.length, 1));
  const seen: Distance = (a, b) => byHand(a, b) + byEye(a, b);
  const categories = whatCategoriesTeach(set, readsCategories ? recipe.categories : null, seen);
  const network = specFor(preset, backbone);
  const ranking = categories.taught ? { ...network, proxies: categories.taught.classes } : network;
  const spec = recipe.pretrain === 1 ? penultimate(network) : ranking;
  const serving = request.serving ? decodeModel(request.serving) : null;
  const { engine, requireGpu, threads, gpus, processes } = request;
  return {
    set,
    seed,
    seconds,
    steps,
    ...(sampling && { sampling }),
    backbone,
    computing: { engine, requireGpu, threads, gpus, processes },
    signal,
    emit,
    load,
    views,
    handMade,
    golden,
    encoded,
    frozen,
    clicks,
    evidence,
    recipe,
    spec,
    categories,
    serving,
  };
}

/** The frozen blocks, each with the share that the evidence gives it: the first version of a catalog. */
const frozenModel = ({ frozen, evidence }: Fit): ServedModel => ({
  blocks: fusedBlocks(frozen, evidence),
  network: null,
});

/** The frozen blocks under the head's maps, and its hidden units; as they are where no head is worth it. */
async function underHead(fit: Fit): Promise<TrainingResult> {
  const frozen = frozenModel(fit);
  const { blocks, hidden, summary } = await fitHead(fit, frozen.blocks);
  const facts = { recipe: fit.recipe.name, clickTriplets: fit.clicks.triplets.length };
  return finished(blocks ? { ...frozen, blocks, ...(hidden && { hidden }) } : frozen, { ...facts, ...summary });
}

/**
 * Late fusion: the network becomes one more block. How far to trust it is decided by triplets of products that it was not
 * trained on.
 * @param instead why another recipe than the one asked for was followed; null: it was not
 */
export async function fusedWithNetwork(
  fit: Fit,
  trained: TrainedNetwork,
  { engine, reason, count }: Pick<Members, 'engine' | 'reason' | 'count'>,
  instead: string | null,
): Promise<TrainingResult> {
  const message = 'Fusing the network with the golden features';
  fit.emit({ type: 'progress', done: NETWORK_DONE, etaSeconds: null, message, engine: reason });
  await engine.setWeights(trained.weights);
  const { set, recipe, spec, backbone, categories } = fit;
  const evidence = heldOut(set, fit.evidence);
  const blocks = fusedBlocks(withNetwork(fit.frozen, await networkBlock(fit, engine, evidence)), evidence);
  return finished(
    { blocks, network: { ...withoutProxies(spec, trained.weights), backbone } },
    {
      preset: spec.name,
      recipe: recipe.name,
      engine: reason,
      sides: sidesFor(spec),
      ...(instead && { instead }),
      categories: categories.taught?.classes ?? categories.why,
      steps: trained.steps,
      keptStep: trained.keptStep,
      loss: trained.loss,
      pictures: trained.steps * recipe.rows * count,
      sampler: trained.counts,
      clickTriplets: fit.clicks.triplets.length,
    },
  );
}

async function networkBlock({ spec, views, load }: Fit, engine: Engine, evidence: Evidence): Promise<Fitted> {
  const extract = extractByNetwork(engine, spec);
  const side = pictureSizeFor(spec.inputSize);
  const block = await fitBlock('network', extract, views(side), NETWORK);
  const { structure, identity, people } = evidence;
  const pictures = [
    ...[...structure, ...identity, ...people].flatMap(({ q, p, n }) => [q, p, n]),
    ...setsAsked(evidence).flatMap(({ anchor, items }) => [anchor, ...items]),
  ];
  return { block, distance: await distanceAmong(block, extract, pictures, (picture) => load(picture, side)) };
}

function finished(model: ServedModel, summary: Record<string, unknown>): TrainingResult {
  const shares = Object.fromEntries(model.blocks.map(({ feature, weight }) => [feature, weight]));
  // In the order of the vector: who knows a vector can tell its parts (src/models/explain.ts).
  const blocks = model.blocks.map(({ feature, weight, mean, projection }) => {
    return { feature, share: weight, length: projection.length / mean.length };
  });
  return { artefact: encodeModel(model), dimensions: servedLength(model), summary: { shares, blocks, ...summary } };
}
