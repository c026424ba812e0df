import { createHash } from 'node:crypto';
import { GOLDEN } from '@simili/learning/features/golden';
import { itemsIn } from '@simili/learning/metrics/split';
import { penultimate } from '@simili/learning/network/presets';
import type { NetworkSpec } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import { type Recipe, recipeFor } from '@simili/learning/recipes/recipe';
import { type Fitted, sampleViews, type Views } from './blocks.ts';
import { type LearnedFromClicks, learnFromClicks } from './clicks.ts';
import { type EncodedFeatures, openEncodedFeatures } from './encoded-features.ts';
import { fitEncoderBlocks } from './encoder-block.ts';
import { evenly } from './frozen-model.ts';
import { fitGolden, type Golden, mixedDistance } from './golden.ts';
import { type HandMadeFeatures, openHandMade } from './hand-made.ts';
import type { Distance } from './mixture.ts';
import { makePictureStore } from './picture-store.ts';
import type { TrainingEvent, TrainingRequest } from './protocol.ts';
import { specFor } from './spec.ts';
import { type TaughtOrWhy, whatCategoriesTeach } from './taught.ts';

/** What every part of a fit works with. */
export type Fit = {
  readonly request: TrainingRequest;
  readonly signal: AbortSignal;
  readonly emit: (event: TrainingEvent) => void;
  /** The network to be trained. */
  readonly spec: NetworkSpec;
  readonly recipe: Recipe;
  readonly load: (picture: number, side: number) => Picture;
  /** Views of training products, by side. */
  readonly views: (side: number) => Views;
  readonly golden: Golden;
  /** Features of any picture of the set. */
  readonly handMade: HandMadeFeatures;
  /** Null: no encoder looked at these pictures. */
  readonly encoder: { readonly features: EncodedFeatures; readonly fitted: readonly Fitted[] } | null;
  readonly clicks: LearnedFromClicks;
  /** What categories teach a network (a head has its own validation). */
  readonly categories: TaughtOrWhy;
};

/** Progress after the hand-made features, and after the network's steps. */
export const GOLDEN_DONE = 0.1;
export const NETWORK_DONE = 0.95;

/** The hand-made features and what clicks say: all that comes before a network. The same for the same request. */
export async function beginFit(request: TrainingRequest, signal: AbortSignal, emit: Fit['emit']): Promise<Fit> {
  const { set } = request;
  const random = makeRandom(request.seed);
  const load = makePictureStore(set);
  const loadCommon = (picture: number): Picture => load(picture, PICTURE_SIZE);
  const views = sampleViews(set, load, random);
  const handMade = openHandMade(set, loadCommon);
  const golden = await fitGolden({
    set,
    ratings: request.ratings,
    random,
    handMade,
    views: views(PICTURE_SIZE),
    learners: itemsIn(set, 'train', 'val'),
    onFeature: (name, done) => {
      signal.throwIfAborted();
      const message = `Fitting ${name} features`;
      emit({ type: 'progress', done: GOLDEN_DONE * done, etaSeconds: null, message, engine: null });
    },
  });
  const features = set.encoded ? openEncodedFeatures(set.encoded) : null;
  const encoder = features && { features, fitted: fitEncoderBlocks(set, features, golden.identity, random) };
  const recipe = recipeFor(request.recipe, { encoder: set.encoded !== undefined, backbone: request.backbone !== null });
  const spec = specFor(request.preset, request.backbone);
  const byHand = mixedDistance(golden.fitted, golden.shares);
  const looked = encoder?.fitted ?? [];
  const byEye = mixedDistance(looked, evenly(looked.length, 1));
  const seen: Distance = (a, b) => byHand(a, b) + byEye(a, b);
  const readsCategories = request.kind === 'NETWORK' && recipe.trains === 'network';
  const categories = whatCategoriesTeach(set, readsCategories ? recipe.categories : null, seen);
  return {
    request,
    signal,
    emit,
    load,
    views,
    golden,
    handMade,
    encoder,
    recipe,
    spec: recipe.pretrain === 1 ? penultimate(spec) : withProxies(spec, categories),
    categories,
    clicks: learnFromClicks(request.feedback, set, golden.relevance),
  };
}

const withProxies = (spec: NetworkSpec, { taught }: TaughtOrWhy): NetworkSpec =>
  taught ? { ...spec, proxies: taught.classes } : spec;

/**
 * What a checkpoint's random state and weights count on: the same products, pictures, feedback, seed, length and network.
 * Not the number of processes: another machine may go on with what it has.
 */
export function fingerprintOf({ set, feedback, ratings, backbone, ...rest }: TrainingRequest): string {
  const { preset, recipe, seed, seconds, steps, sampling } = rest;
  const hash = createHash('sha256');
  for (const column of [set.starts, set.hashes, set.categories, set.splits]) hash.update(column);
  if (backbone) hash.update(backbone);
  if (rest.serving) hash.update(createHash('sha256').update(rest.serving).digest());
  if (set.encoded) hash.update(set.encoded.encoder.id);
  if (set.golden !== undefined) hash.update(GOLDEN.id);
  hash.update(JSON.stringify({ feedback, ratings, preset, recipe, seed, seconds, steps, sampling }));
  return hash.digest('hex');
}
