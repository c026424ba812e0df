import { fitChoiceShares } from '@simili/learning/fusion/choice-shares';
import { fitMixWeights } from '@simili/learning/fusion/mix';
import type { Block } from '@simili/learning/models/served-model';
import { makeRandom } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { ChoiceSet } from '@simili/learning/relevance/choice-sets';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import { type Evidence, kindsOfEvidence, trustIn } from './evidence.ts';

/** D(a, b) of two pictures. */
export type Distance = (a: number, b: number) => number;
/** A block whose share in the mixture is not decided yet. */
export type UnmixedBlock = Omit<Block, 'weight'>;
/** A fitted block and the distance of two pictures of the training set under it. */
export type Fitted = { readonly block: UnmixedBlock; readonly distance: Distance };
/** Blocks, and their shares before any triplet has spoken: [blocks], >= 0, sum 1. */
export type Mixture = { readonly fitted: readonly Fitted[]; readonly prior: readonly number[] };

/**
 * Share of the encoder before any triplet has spoken: twice that of the golden features (docs/quality.md); of its parts each has
 * as much.
 */
const ENCODER_PRIOR = 2 / 3;
/** Share of the network before any triplet has spoken. */
const NETWORK_PRIOR = 0.4;
/** Margin of a triplet, in squared distance. */
const GAP = 0.2;
/** Strength of the prior, in triplets of all the catalog's weight (which is 1). */
const PRIOR_STRENGTH = 0.05;
/** How far the shares by which shoppers choose are from those that the catalog gives, in standard deviations. */
const SHARES_OF_SHOPS = 0.03;
/** Anchors whose choices are asked: for a handful of numbers more say nothing new. */
const MOST_SETS = 5000;
/** Every fit asks the same. */
const SEED = 4673;

/** The golden features and, where there is one, the parts of the encoder: all that is there without training. */
export const withEncoder = (golden: Mixture, parts: readonly Fitted[]): Mixture => beside(golden, parts, ENCODER_PRIOR);

export const withNetwork = (frozen: Mixture, network: Fitted): Mixture => beside(frozen, [network], NETWORK_PRIOR);

/** A mixture with more blocks, which have `share` of the prior, each as much. */
function beside({ fitted, prior }: Mixture, added: readonly Fitted[], share: number): Mixture {
  if (added.length === 0) return { fitted, prior };
  const others = prior.map((own) => own * (1 - share));
  return { fitted: [...fitted, ...added], prior: [...others, ...evenly(added.length, share)] };
}

/** [count], each the same, sum `total`. */
export const evenly = (count: number, total: number): number[] => new Array<number>(count).fill(total / count);

/** D = sum of share * D_block: distances of the served vector. */
export const mixedDistance =
  (fitted: readonly Fitted[], shares: readonly number[]): Distance =>
  (a, b) =>
    fitted.reduce((sum, { distance }, block) => (shares[block]! > 0 ? sum + shares[block]! * distance(a, b) : sum), 0);

export const mixed = (fitted: readonly Fitted[], shares: readonly number[]): Block[] =>
  fitted.map(({ block }, b) => ({ ...block, weight: shares[b]! }));

/** The blocks of a mixture under the shares that the evidence gives them. */
export const fusedBlocks = (mixture: Mixture, evidence: Evidence): Block[] =>
  mixed(mixture.fitted, fitShares(mixture, evidence));

type Measuring = { readonly fitted: readonly Pick<Fitted, 'distance'>[]; readonly prior: readonly number[] };

/**
 * Shares of the blocks: what the catalog and raters say is where they are expected, and what shoppers choose moves them from there.
 * @returns [blocks], >= 0, sum 1.
 */
export function fitShares(mixture: Measuring, evidence: Evidence): readonly number[] {
  const prior = sharesOfTriplets(mixture, evidence);
  const sets = setsAsked(evidence);
  if (sets.length === 0) return prior;
  const measured = sets.map((set) => ({ ...set, distances: distancesOf(set, mixture.fitted) }));
  return fitChoiceShares(measured, { prior, deviation: SHARES_OF_SHOPS });
}

/** Choice sets by which shares are fitted, and no others. */
export const setsAsked = ({ sets }: Pick<Evidence, 'sets'>): readonly ChoiceSet[] =>
  shuffled([...sets], makeRandom(SEED)).slice(0, MOST_SETS);

/** [items, blocks] */
function distancesOf({ anchor, items }: ChoiceSet, fitted: Measuring['fitted']): Float64Array {
  const out = new Float64Array(items.length * fitted.length);
  for (const [i, item] of items.entries())
    for (const [b, { distance }] of fitted.entries()) out[i * fitted.length + b] = distance(anchor, item);
  return out;
}

/**
 * Shares by max-margin on triplets (the paper's golden feature: a linear mix learned from ratings), held near the prior
 * while triplets are few.
 */
function sharesOfTriplets({ fitted, prior }: Measuring, evidence: Evidence): readonly number[] {
  const trust = trustIn(evidence);
  const triplets = kindsOfEvidence.flatMap((kind) => scaled(evidence[kind], trust[kind]));
  if (triplets.length === 0) return prior;
  const margins = new Float32Array(triplets.length * fitted.length);
  triplets.forEach(({ q, p, n }, t) => {
    fitted.forEach(({ distance }, b) => {
      margins[t * fitted.length + b] = distance(q, n) - distance(q, p);
    });
  });
  const tripletWeights = Float64Array.from(triplets, ({ weight }) => weight);
  return [...fitMixWeights(margins, { gap: GAP, l2: 1e-3, tripletWeights, prior, priorStrength: PRIOR_STRENGTH })];
}

/** Weights scaled to add up to `total`. */
function scaled(triplets: readonly WeightedTriplet[], total: number): WeightedTriplet[] {
  const sum = triplets.reduce((acc, { weight }) => acc + weight, 0);
  return total > 0 && sum > 0
    ? triplets.map((triplet) => ({ ...triplet, weight: (triplet.weight * total) / sum }))
    : [];
}
