import { type SeenPair, SeenPairs } from './seen-pairs.ts';

/** r(i, j) >= 0 of two items by index; higher = more similar. */
export type Relevance = (i: number, j: number) => number;

/**
 * Relevance by the golden feature (paper, section 6.1; the exponential is ours): exp(-D / sigma) within a category, 0
 * across categories; 1 of an item to itself.
 * @param categories category per item; -1 = none, related to nothing but itself
 * @param distance D(i, j) >= 0, the mix of squared distances
 * @param sigma > 0, on the scale of D
 */
export function goldenRelevance(categories: Int32Array, distance: Relevance, sigma: number): Relevance {
  if (!(sigma > 0)) throw new Error(`sigma ${sigma} is not positive`);
  return (i, j) => {
    if (i === j) return 1;
    const category = categories[i]!;
    if (category < 0 || category !== categories[j]) return 0;
    return Math.exp(-distance(i, j) / sigma);
  };
}

/** theta(position): chance in (0, 1] that a shopper looks at a position of a placement, relative to its first: theta(1) = 1. */
export type Propensity = (position: number, placement?: string) => number;

/** How often an item is chosen anywhere, 1 where it is as usual: pi > 0, and the variance of log pi. */
export type BaseRate = { readonly rate: number; readonly variance: number };
/** Base rate where items are chosen as often as each other, or nobody knows. */
export const USUAL: BaseRate = { rate: 1, variance: 0 };

export type ClickRelevanceOptions = {
  /** Relevance before any click, on the scale that the result shall have, e.g. `goldenRelevance`. */
  readonly prior: Relevance;
  /** M: how many examined impressions the prior is worth, > 0. */
  readonly strength: number;
  /** Largest weight of one impression, >= 1: bounds the variance that low positions bring. */
  readonly clip: number;
  /** Results are cut to [0, maximum]. */
  readonly maximum: number;
  readonly propensity: Propensity;
  /** pi of an item beside an anchor (base-rate.ts). Left out: items are chosen as often as each other. */
  readonly base?: (anchor: number, item: number) => BaseRate;
};

export type ClickRelevance = {
  readonly anchor: number;
  readonly item: number;
  /** In [0, maximum], on the scale of the prior. */
  readonly relevance: number;
  readonly standardError: number;
  /** Examined impressions of equal weight that carry as much information as those seen. */
  readonly effectiveImpressions: number;
  /** Votes for it: impressions with a positive action. Fractions where a visitor or a list counts for less than one. */
  readonly actions: number;
};

/**
 * Relevance from feedback, one result per (anchor, item) pair in `pairs`, by anchor and item; each is made when it is asked for.
 *
 * An impression at position k weighs w_k = min(clip, 1 / theta_k), theta of its placement. Action value per examined impression, self-normalised:
 * x = sum w value / sum w theta impressions, which clipping leaves unbiased. N = (sum w theta impressions)^2 / sum w^2
 * theta impressions (Kish 1965). x is scaled so that its mean over everything seen is the mean of the prior r0: clicks
 * then say which pairs do better or worse than their kind, and one minimum gap fits both sources. An item of base rate pi gets pi
 * times the value of another that is as relevant, so N impressions of it are N pi of a usual one. Finally the gamma-Poisson
 * posterior: r = (N x + M r0) / (N pi + M), of variance r u / (N pi + M) + (r N pi / (N pi + M))^2 Var(log pi), u the scaled value
 * of one action, and r there never less than one action makes, so that what nobody clicked is not taken for certain.
 * Feedback whose values sum to 0 or less orders nothing: the result is the prior.
 */
export function clickRelevance(pairs: Iterable<SeenPair>, options: ClickRelevanceOptions): Iterable<ClickRelevance> {
  const { prior, strength, maximum, base = () => USUAL } = options;
  if (!(strength > 0)) throw new Error(`strength ${strength} is not positive`);
  const seen = SeenPairs.from(pairs);
  const votes = votesOf(seen, options);
  const { scale, action } = calibrate(seen, votes, base, prior);
  const one = (pair: number): ClickRelevance => {
    const [anchor, item] = [seen.anchorOf(pair), seen.itemOf(pair)];
    const [examined, squares, actions] = [votes.examined[pair]!, votes.squares[pair]!, votes.actions[pair]!];
    const { rate, variance } = base(anchor, item);
    const n = scale > 0 && squares > 0 ? examined ** 2 / squares : 0;
    const own = actions > 0 ? Math.max(action, votes.raw[pair]! / actions) : action;
    const observed = n > 0 ? (scale * votes.value[pair]!) / examined : 0;
    const usual = n * rate;
    const posterior = (n * observed + strength * prior(anchor, item)) / (usual + strength);
    const relevance = Math.min(maximum, Math.max(0, posterior));
    // With no scale there are no actions to count in; the prior's own size stands in for one.
    const unit = scale > 0 ? scale * own : 1;
    const least = unit / (usual + strength);
    const ofRate = ((posterior * usual) / (usual + strength)) ** 2 * variance;
    const standardError = Math.sqrt(Math.max(posterior, least) * least + ofRate);
    return { anchor, item, relevance, standardError, effectiveImpressions: n, actions };
  };
  return {
    *[Symbol.iterator]() {
      for (let pair = 0; pair < seen.pairs; pair++) yield one(pair);
    },
  };
}

/** Sums over the positions and placements of each pair: `value` weighted, `raw` not; `examined` sum w theta n, `squares` sum w^2 theta n. */
type Votes = Readonly<Record<'value' | 'raw' | 'actions' | 'examined' | 'squares', Float64Array>>;

function votesOf(seen: SeenPairs, { clip, propensity }: ClickRelevanceOptions): Votes {
  const column = () => new Float64Array(seen.pairs);
  const votes = { value: column(), raw: column(), actions: column(), examined: column(), squares: column() };
  const { positions, impressions, clicks, values } = seen.columns;
  for (let pair = 0; pair < seen.pairs; pair++)
    for (let row = seen.starts[pair]!; row < seen.starts[pair + 1]!; row++) {
      const theta = propensity(positions[row]!, seen.placementOf(row));
      const weight = Math.min(clip, 1 / theta);
      votes.value[pair]! += weight * values[row]!;
      votes.raw[pair]! += values[row]!;
      votes.actions[pair]! += clicks[row]!;
      votes.examined[pair]! += weight * theta * impressions[row]!;
      votes.squares[pair]! += weight ** 2 * theta * impressions[row]!;
    }
  return votes;
}

/** `scale`: prior per action value, 0 when nothing was valued, 1 when the prior is 0 everywhere; `action`: mean value of an impression with actions. */
function calibrate(
  seen: SeenPairs,
  votes: Votes,
  base: (anchor: number, item: number) => BaseRate,
  prior: Relevance,
): { scale: number; action: number } {
  const [value, raw, actions] = [total(votes.value), total(votes.raw), total(votes.actions)];
  if (!(value > 0 && raw > 0 && actions > 0)) return { scale: 0, action: 0 };
  let expected = 0;
  for (let pair = 0; pair < seen.pairs; pair++) {
    const [anchor, item] = [seen.anchorOf(pair), seen.itemOf(pair)];
    expected += votes.examined[pair]! * base(anchor, item).rate * prior(anchor, item);
  }
  return { scale: expected > 0 ? expected / value : 1, action: raw / actions };
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

/** A triplet by indices; `weight` > 0 says how often it should be drawn. */
export type WeightedTriplet = {
  readonly q: number;
  readonly p: number;
  readonly n: number;
  readonly weight: number;
};

/**
 * Triplets that feedback supports: (q, p, n) with r(q,p) - z se  -  (r(q,n) + z se) >= minimumGap, which is eq. 8 of the
 * paper with room for noise. Weight: r(q,p) - r(q,n). Those with the most room come first; by anchor.
 * A positive is in no more triplets than it has votes (in one if it has less than two): what is said grows with those who chose, not with what
 * they passed over, and a visitor makes no more triplets than he has votes.
 * @param relevances by anchor, as `clickRelevance` gives them
 * @param options.z width of the bounds in standard errors, >= 0
 * @param options.minimumGap T_r >= 0
 * @param options.perAnchor most triplets of one anchor; those that a positive has too many of give their places to no others, which are less sure
 * @param options.minimumActions votes that a positive needs: what was never chosen, or only by a visitor whose votes were
 *   scaled down to next to nothing, is no positive however little the others were liked
 * @param options.minimumImpressions pairs with fewer effective impressions are left out: their relevance is the prior's
 */
export function clickTriplets(
  relevances: Iterable<ClickRelevance>,
  options: {
    readonly z: number;
    readonly minimumGap: number;
    readonly perAnchor: number;
    readonly minimumActions: number;
    readonly minimumImpressions: number;
  },
): WeightedTriplet[] {
  const triplets: WeightedTriplet[] = [];
  let own: ClickRelevance[] = [];
  const finish = () => {
    if (own.length > 0) for (const triplet of tripletsOf(own[0]!.anchor, own, options)) triplets.push(triplet);
  };
  for (const pair of relevances) {
    if (pair.effectiveImpressions < options.minimumImpressions) continue;
    if (own.length > 0 && own[0]!.anchor !== pair.anchor) {
      finish();
      own = [];
    }
    own.push(pair);
  }
  finish();
  return triplets;
}

function tripletsOf(
  q: number,
  seen: readonly ClickRelevance[],
  {
    z,
    minimumGap,
    perAnchor,
    minimumActions,
  }: { z: number; minimumGap: number; perAnchor: number; minimumActions: number },
): WeightedTriplet[] {
  const found: (WeightedTriplet & { room: number })[] = [];
  for (const positive of seen) {
    if (positive.actions < minimumActions) continue;
    const lower = positive.relevance - z * positive.standardError;
    for (const negative of seen) {
      const room = lower - negative.relevance - z * negative.standardError;
      const weight = positive.relevance - negative.relevance;
      if (room < minimumGap || weight <= 0) continue;
      found.push({ q, p: positive.item, n: negative.item, weight, room });
    }
  }
  found.sort((a, b) => b.room - a.room || a.p - b.p || a.n - b.n);
  return found
    .slice(0, perAnchor)
    .filter(withinVotes(seen))
    .map(({ room: _, ...triplet }) => triplet);
}

/** As many triplets of a positive as it has votes, at least one: those that are asked for first. */
function withinVotes(seen: readonly ClickRelevance[]): (triplet: WeightedTriplet) => boolean {
  const left = new Map(seen.map(({ item, actions }) => [item, Math.max(1, Math.floor(actions))]));
  return ({ p }) => {
    const votes = left.get(p)!;
    left.set(p, votes - 1);
    return votes > 0;
  };
}
