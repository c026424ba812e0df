import type { Propensity, SeenPair } from './relevance.ts';

/**
 * Prior of the exponent: mean and standard deviation of a normal. At the low end of what is plausible: a
 * correction that is too weak keeps what serves, one that is too strong prefers chance to it (bench/clicks.ts).
 */
const PRIOR = { mean: 0.3, deviation: 0.25 };
const GREATEST = 2;
const STEPS = 50;

/** One pair at the positions where it was seen: `logs` of the positions, impressions and clicks there. */
type Harvest = { logs: number[]; impressions: number[]; clicks: number[]; total: number };

/**
 * Exponent of theta_k = k^-eta, the posterior mode under a normal prior.
 *
 * Only what the same pair of anchor and item got at different positions is heard (intervention harvesting, Agarwal et al. 2019):
 * given the clicks of a pair, how they lie over its positions k with n_k impressions is multinomial with chances proportional
 * to n_k k^-eta, whatever the pair is worth. So a ranker that puts good items first is not taken for shoppers who look at the
 * first places only. Where every pair stays in its place there is nothing to hear, and the prior is the answer.
 * The log posterior is concave: Newton's method, at most 50 steps.
 * @returns eta in [0, 2]
 */
export const fitPropensityExponent = (pairs: Iterable<SeenPair>): number => fitPropensity(pairs).eta;

/** The same with its uncertainty: the standard deviation of the normal posterior around the mode (Laplace). */
export function fitPropensity(pairs: Iterable<SeenPair>): { eta: number; deviation: number } {
  const harvests = harvest(pairs);
  let eta = PRIOR.mean;
  let { deviation } = PRIOR;
  for (let step = 0; step < STEPS; step++) {
    let slope = (PRIOR.mean - eta) / PRIOR.deviation ** 2;
    let curvature = 1 / PRIOR.deviation ** 2;
    for (const one of harvests) {
      const { mean, variance } = momentsOf(one, eta);
      slope += one.total * mean - one.clicks.reduce((sum, clicks, i) => sum + clicks * one.logs[i]!, 0);
      curvature += one.total * variance;
    }
    const next = Math.min(GREATEST, Math.max(0, eta + slope / curvature));
    deviation = 1 / Math.sqrt(curvature);
    if (Math.abs(next - eta) < 1e-9) return { eta: next, deviation };
    eta = next;
  }
  return { eta, deviation };
}

/** The power law with the exponent of `fitPropensityExponent`. */
export function estimatePropensities(pairs: Iterable<SeenPair>): Propensity {
  const eta = fitPropensityExponent(pairs);
  return (position) => position ** -eta;
}

/** Pairs with clicks that were seen at two positions or more. */
function harvest(pairs: Iterable<SeenPair>): Harvest[] {
  const found = new Map<string, Harvest>();
  for (const { anchor, item, position, impressions, clicks } of pairs) {
    if (impressions <= 0) continue; // a lost beacon
    const key = `${anchor} ${item}`;
    const own = found.get(key) ?? { logs: [], impressions: [], clicks: [], total: 0 };
    found.set(key, own);
    own.logs.push(Math.log(position));
    own.impressions.push(impressions);
    own.clicks.push(clicks);
    own.total += clicks;
  }
  return [...found.values()].filter(({ logs, total }) => logs.length > 1 && total > 0);
}

/** Mean and variance of log position under the chances n_k k^-eta. */
function momentsOf({ logs, impressions }: Harvest, eta: number): { mean: number; variance: number } {
  const weights = logs.map((log, i) => impressions[i]! * Math.exp(-eta * log));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = weights.reduce((sum, weight, i) => sum + weight * logs[i]!, 0) / total;
  const variance = weights.reduce((sum, weight, i) => sum + weight * (logs[i]! - mean) ** 2, 0) / total;
  return { mean, variance };
}
