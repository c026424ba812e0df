import type { Random } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import { type FeatureName, type Features, featureNames, meanAndDeviation } from './features.ts';

/** How much each feature counts; >= 0, not all 0. */
export type Weights = Readonly<Record<FeatureName, number>>;

/** Taste of all simulated shoppers of a run, which nobody tells the server. */
export type Taste = {
  /** Standard units, higher = liked more next to `anchor`: minus the weighted sum of z-scored distances. */
  utility(anchor: string, item: string): number;
  /** Share of the catalog (without the anchor; 1000 random products of a large one) that is liked less: 0 to 1. */
  standing(anchor: string, item: string): number;
};

const PAIRS = 4000;
const MOST_COMPARED = 1000;

/** `colour`, `shape`, or weights like `colour=0.8,shape=0.2`. @throws SimiliError INVALID_ARGUMENT. */
export function parseWeights(text: string): Weights {
  const weights = Object.fromEntries(featureNames.map((name) => [name, 0])) as Record<FeatureName, number>;
  for (const part of text.split(',')) {
    const [name = '', value = '1', ...rest] = part.split('=').map((side) => side.trim());
    const weight = value === '' || rest.length > 0 ? Number.NaN : Number(value);
    if (!isFeature(name) || !(weight >= 0 && Number.isFinite(weight))) refuse(text);
    weights[name] = weight;
  }
  if (!featureNames.some((name) => weights[name] > 0)) refuse(text);
  return weights;
}

/**
 * Weights of each season: from those of the first by equal steps to the same ones, the features being the other way round.
 * @throws SimiliError INVALID_ARGUMENT: that would change nothing.
 */
export function weightsOfSeasons(first: Weights, seasons: number): Weights[] {
  const last = Object.fromEntries(featureNames.map((name, i) => [name, first[featureNames.at(-1 - i)!]])) as Weights;
  if (seasons > 1 && featureNames.every((name) => first[name] === last[name])) {
    const why = 'needs a --taste that weighs features differently, or it stays as it is';
    throw new SimiliError('INVALID_ARGUMENT', { argument: '--seasons', why });
  }
  return Array.from({ length: seasons }, (_, season) => {
    const share = season / Math.max(1, seasons - 1);
    const mixed = (name: FeatureName) => (1 - share) * first[name] + share * last[name];
    return Object.fromEntries(featureNames.map((name) => [name, mixed(name)])) as Weights;
  });
}

const isFeature = (name: string): name is FeatureName => (featureNames as readonly string[]).includes(name);

function refuse(text: string): never {
  const why = `must be ${featureNames.join(', ')} or weights like colour=0.8,shape=0.2, not ${JSON.stringify(text)}`;
  throw new SimiliError('INVALID_ARGUMENT', { argument: '--taste', why });
}

/** @param features of at least two products. @param random draws what scales and standings are taken from. */
export function makeTaste(features: ReadonlyMap<string, Features>, weights: Weights, random: Random): Taste {
  const ids = [...features.keys()];
  const used = featureNames.filter((name) => weights[name] > 0);
  const scales = new Map(used.map((name) => [name, scaleOf(name, ids, features, random)]));
  const utility = (anchor: string, item: string): number => {
    let sum = 0;
    for (const [name, { mean, deviation }] of scales) {
      sum -= (weights[name] * (distance(features, name, anchor, item) - mean)) / deviation;
    }
    return sum;
  };
  const compared =
    ids.length <= MOST_COMPARED ? ids : Array.from({ length: MOST_COMPARED }, () => ids[random.int(ids.length)]!);
  const ladders = new Map<string, Float64Array>();
  const ladderOf = (anchor: string): Float64Array => {
    const known = ladders.get(anchor);
    if (known) return known;
    const others = compared.filter((id) => id !== anchor);
    const ladder = Float64Array.from(others, (id) => utility(anchor, id)).sort();
    ladders.set(anchor, ladder);
    return ladder;
  };
  return {
    utility,
    standing(anchor, item) {
      const ladder = ladderOf(anchor);
      return countBelow(ladder, utility(anchor, item)) / ladder.length;
    },
  };
}

/** Mean and deviation of one feature's distance over random pairs: they bring all features to one scale. */
function scaleOf(name: FeatureName, ids: readonly string[], features: ReadonlyMap<string, Features>, random: Random) {
  const distances = Float64Array.from({ length: PAIRS }, () => {
    const first = random.int(ids.length);
    const second = (first + 1 + random.int(ids.length - 1)) % ids.length;
    return distance(features, name, ids[first]!, ids[second]!);
  });
  const [mean, deviation] = meanAndDeviation(distances);
  return { mean, deviation: deviation || 1 };
}

function distance(features: ReadonlyMap<string, Features>, name: FeatureName, one: string, other: string): number {
  const [a, b] = [features.get(one)![name], features.get(other)![name]];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** How many of the ascending values are < value. */
function countBelow(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
