import { projectToSimplex } from './mix.ts';

/** A choice set of one anchor, measured: votes c >= 0 and exposure e > 0 of each item, and D_b of each under every block, [items, blocks]. */
export type MeasuredChoices = {
  readonly chosen: Float64Array;
  readonly exposure: Float64Array;
  readonly distances: Float64Array;
};

export type ChoiceSharesOptions = {
  /** [blocks], >= 0, sum 1: shares as they are without any choice. */
  readonly prior: readonly number[];
  /** s > 0: how far, in standard deviations of a normal prior, the shares of one shop are from those that its catalog gives. */
  readonly deviation: number;
};

/** Parts of the way from the prior to one block. */
const WAYS = [0.1, 0.3, 1];
const MOST_STEPS = 300;
/** Nats, of the log posterior. */
const ENOUGH = 1e-6;
/** Greatest kappa: beyond it the nearest product of a list gets every choice. */
const SHARPEST = 200;

/**
 * Shares of the blocks by what shoppers choose: the conditional logit (McFadden 1974) with exposure as its offset. Beside anchor q
 * item i has choices like a Poisson number with mean a_q e_i exp(-kappa D_w(q, i)), D_w = sum of w_b D_b, so a choice of q's is one of i with
 *
 *   P(i | q) = e_i exp(-kappa D_w(q, i)) / sum_j e_j exp(-kappa D_w(q, j))
 *
 * whatever a_q is. The shares are the mode of the posterior under a normal prior of deviation s around what the catalog gives,
 *
 *   max over w >= 0, sum w = 1  of  max over kappa >= 0 of sum_q sum_i c_i log P(i | q)  -  |w - prior|^2 / 2 s^2
 *
 * A handful of numbers for the whole shop, so every single choice counts and few are enough; where distances say nothing of what is chosen
 * kappa is 0, and the prior is the answer. Projected gradient ascent; kappa by Newton's method, the likelihood being concave along a ray. Where
 * kappa is 0 there is no slope: beside lists that another version made, what the catalog finds alike may well say nothing. So the ascent begins
 * at the best of some points between the prior and each block alone.
 * @returns [blocks], >= 0, sum 1
 */
export function fitChoiceShares(sets: readonly MeasuredChoices[], { prior, deviation }: ChoiceSharesOptions): number[] {
  if (!(deviation > 0)) throw new Error(`deviation ${deviation} is not positive`);
  const start = projectToSimplex(Float64Array.from(prior));
  if (sets.length === 0) return [...start];
  const strength = 1 / deviation ** 2;
  const at = (shares: Float64Array) => {
    const fit = sharpened(sets, shares);
    const away = shares.map((value, b) => value - start[b]!);
    const penalty = (strength / 2) * away.reduce((sum, value) => sum + value ** 2, 0);
    return {
      shares,
      posterior: fit.value - penalty,
      gradient: fit.gradient.map((value, b) => fit.kappa * value - strength * away[b]!),
    };
  };
  let now = startsOf(start)
    .map(at)
    .reduce((best, next) => (next.posterior > best.posterior ? next : best));
  let step = 1 / strength;
  for (let i = 0; i < MOST_STEPS; i++) {
    const next = at(projectToSimplex(now.shares.map((value, b) => value + step * now.gradient[b]!)));
    const gain = next.posterior - now.posterior;
    if (gain < 0) {
      step /= 4;
      if (step * strength < 1e-9) break;
      continue;
    }
    now = next;
    step *= 1.5;
    if (gain < ENOUGH) break;
  }
  return [...now.shares];
}

/** The prior, and points on the way from there to each block alone. */
const startsOf = (prior: Float64Array): Float64Array[] => [
  prior,
  ...WAYS.flatMap((way) =>
    [...prior.keys()].map((own) => prior.map((value, b) => value + way * ((b === own ? 1 : 0) - value))),
  ),
];

/** The best kappa for these shares, the log likelihood there, and its gradient in beta = kappa w. */
function sharpened(sets: readonly MeasuredChoices[], shares: Float64Array) {
  let [low, high] = [0, SHARPEST];
  let kappa = 0;
  for (let i = 0; i < 60; i++) {
    const { slope, curvature } = alongRay(sets, shares, kappa);
    if (slope <= 0 && kappa === 0) break;
    if (slope > 0) low = kappa;
    else high = kappa;
    const newton = curvature < 0 ? kappa - slope / curvature : high;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - kappa) < 1e-7 * (1 + kappa)) break;
    kappa = next;
  }
  return { kappa, ...likelihood(sets, shares, kappa) };
}

/** First and second derivative of the log likelihood in kappa. */
function alongRay(sets: readonly MeasuredChoices[], shares: Float64Array, kappa: number) {
  let [slope, curvature] = [0, 0];
  for (const set of sets) {
    const mixed = mixedOf(set, shares);
    const { chances, votes } = chancesOf(set, mixed, kappa);
    let [mean, square, chosen] = [0, 0, 0];
    for (const [i, chance] of chances.entries()) {
      mean += chance * mixed[i]!;
      square += chance * mixed[i]! ** 2;
      chosen += set.chosen[i]! * mixed[i]!;
    }
    slope += votes * mean - chosen;
    curvature -= votes * (square - mean ** 2);
  }
  return { slope, curvature };
}

function likelihood(sets: readonly MeasuredChoices[], shares: Float64Array, kappa: number) {
  const gradient = new Float64Array(shares.length);
  let value = 0;
  for (const set of sets) {
    const { chances, logs, votes } = chancesOf(set, mixedOf(set, shares), kappa);
    for (const [i, chance] of chances.entries()) {
      const chosen = set.chosen[i]!;
      value += chosen * logs[i]!;
      for (let b = 0; b < shares.length; b++)
        gradient[b] = gradient[b]! + (votes * chance - chosen) * set.distances[i * shares.length + b]!;
    }
  }
  return { value, gradient };
}

/** P(i | q) and their logarithms, and the sum of c. */
function chancesOf({ chosen, exposure }: MeasuredChoices, mixed: Float64Array, kappa: number) {
  const scores = mixed.map((value, i) => Math.log(exposure[i]!) - kappa * value);
  const top = scores.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const total = top + Math.log(scores.reduce((sum, value) => sum + Math.exp(value - top), 0));
  const logs = scores.map((value) => value - total);
  return { logs, chances: logs.map(Math.exp), votes: chosen.reduce((sum, value) => sum + value, 0) };
}

/** D_w: [items] */
const mixedOf = ({ chosen, distances }: MeasuredChoices, shares: Float64Array): Float64Array =>
  chosen.map((_, i) => shares.reduce((sum, share, b) => sum + share * distances[i * shares.length + b]!, 0));
