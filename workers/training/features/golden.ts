import { catalogOfPictures } from '@simili/learning/batches/catalog';
import type { HandMade } from '@simili/learning/features/index';
import type { Random } from '@simili/learning/numbers/random';
import { goldenRelevance, type Relevance, type WeightedTriplet } from '@simili/learning/relevance/relevance';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import type { HandMadeFeatures } from '../data/hand-made.ts';
import type { Views } from '../data/views.ts';
import { type Fitted, fitShares, type Mixture, mixedDistance } from '../fusion/mixture.ts';
import type { TrainingSet } from '../protocol.ts';
import { byPictures, identityTriplets, structureTriplets } from '../triplets/of-catalog.ts';
import { distanceUnder, fitHandMade, HAND_MADE } from './blocks.ts';
import { fitAnew, type MapOf } from './known-maps.ts';

/** Shares of the blocks before any triplet has spoken (validated on the development set). */
const PRIOR: Record<HandMade, number> = { hog: 0.55, pixels: 0.3, colour: 0.15 };
/** sigma of exp(-D / sigma), D the mixed squared distance in [0, 4]. */
const SIGMA = 0.5;

/** The hand-made features of a catalog, whitened and mixed by max-margin: the paper's golden features (section 6.1). */
export type Golden = Mixture & {
  /** Triplets of pictures that the catalog gives. */
  readonly structure: readonly WeightedTriplet[];
  readonly identity: readonly WeightedTriplet[];
  /** And those that people have answered. */
  readonly rated: readonly WeightedTriplet[];
  /** [blocks], fitted to these triplets near the prior. */
  readonly shares: readonly number[];
  /** Relevance of two items by their first pictures, under these shares. */
  readonly relevance: Relevance;
  /** Relevance of two pictures by the categories of their items, under these shares. */
  readonly relevanceOfPictures: Relevance;
};

export type GoldenInput = {
  readonly set: TrainingSet;
  /** Items that may teach: 'train' and 'val'. */
  readonly learners: Int32Array;
  /** Triplets of their pictures, as people have answered. */
  readonly ratings: readonly Triplet[];
  readonly handMade: HandMadeFeatures;
  /** Asked for where a map is not known. */
  readonly views: () => Views;
  /** Maps by their features; left out: all are fitted. */
  readonly mapOf?: MapOf;
  readonly random: Random;
  /** Called before each feature. @throws to stop. */
  readonly onFeature: (name: string, done: number) => void;
};

export function fitGolden({
  set,
  learners,
  ratings,
  handMade,
  views,
  mapOf = fitAnew,
  random,
  onFeature,
}: GoldenInput): Golden {
  const features = Object.keys(HAND_MADE) as HandMade[];
  let seen: Views | null = null;
  const seenOnce = (): Views => {
    seen ??= views();
    return seen;
  };
  const fitted: Fitted[] = [];
  for (const feature of features) {
    onFeature(feature, fitted.length / features.length);
    const block = { feature, ...mapOf(feature, () => fitHandMade(feature, seenOnce())) };
    fitted.push({ block, distance: distanceUnder(block, (picture) => handMade(feature, picture)) });
  }
  const prior = features.map((feature) => PRIOR[feature]);
  const structure = byPictures(structureTriplets(set, learners, random), set);
  const identity = identityTriplets(set, learners, mixedDistance(fitted, prior), random);
  const rated = ratings.map((triplet) => ({ ...triplet, weight: 1 }));
  const evidence = { structure, identity, people: rated, choices: rated.length, sets: [] };
  const shares = fitShares({ fitted, prior }, evidence);
  const distance = mixedDistance(fitted, shares);
  const relevance = goldenRelevance(set.categories, (i, j) => distance(set.starts[i]!, set.starts[j]!), SIGMA);
  const relevanceOfPictures = goldenRelevance(catalogOfPictures(set).categories, distance, SIGMA);
  return { fitted, prior, structure, identity, rated, shares, relevance, relevanceOfPictures };
}
