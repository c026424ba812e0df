import { type SeenPair, SeenPairs } from './seen-pairs.ts';

/** Examination falls like k^-eta. */
export type Exponent = {
  readonly eta: number;
  /** Standard deviation of what is known of eta: of its posterior. */
  readonly deviation: number;
  /** Standard error: how far what was heard may have led eta astray; 0 where nothing was (`errorOf`). */
  readonly error: number;
};

/**
 * Prior of the exponent: mean and standard deviation of a normal. At the low end of what is plausible: a
 * correction that is too weak keeps what serves, one that is too strong prefers chance to it (bench/clicks.ts).
 */
export const PRIOR = { mean: 0.3, deviation: 0.25 };
export const STEPS = 50;
const GREATEST = 2;

/** One pair at the positions where it was seen in one placement: `logs` of the positions, impressions and clicks there. */
export type Harvest = { logs: number[]; impressions: number[]; clicks: number[]; total: number };

/**
 * Exponent of theta_k = k^-eta, the posterior mode under a normal prior, as if all placements had the same one.
 *
 * Only what the same pair of anchor and item got at different positions of one placement is heard (intervention harvesting, Agarwal et al. 2019):
 * given the clicks of a pair, how they lie over its positions k with n_k impressions is multinomial with chances proportional
 * to n_k k^-eta, whatever the pair is worth there. So a ranker that puts good items first is not taken for shoppers who look at the
 * first places only. Where every pair stays in its place there is nothing to hear, and the prior is the answer.
 * The log posterior is concave: Newton's method, at most 50 steps.
 * @returns eta in [0, 2], and the standard deviation of the normal posterior around the mode (Laplace)
 */
export const fitPropensity = (pairs: Iterable<SeenPair>): Exponent => fitHarvests([...harvest(pairs).values()].flat());

/** `fitPropensity` of pairs that are gathered already. */
export function fitHarvests(harvests: readonly Harvest[]): Exponent {
  let eta = PRIOR.mean;
  let { deviation } = PRIOR;
  for (let step = 0; step < STEPS; step++) {
    let slope = (PRIOR.mean - eta) / PRIOR.deviation ** 2;
    let curvature = 1 / PRIOR.deviation ** 2;
    for (const one of harvests) {
      const own = likelihoodOf(one, eta);
      slope += own.slope;
      curvature += own.information;
    }
    const next = inRange(eta + slope / curvature);
    deviation = 1 / Math.sqrt(curvature);
    const isFound = Math.abs(next - eta) < 1e-9;
    eta = next;
    if (isFound) break;
  }
  return { eta, deviation, error: errorOf(deviation) };
}

/**
 * Standard error of a shop's exponent: how far estimates of shops that are alike lie apart. A posterior mode of precision 1 / sd^2, of which the prior's
 * part is 1 / .25^2, is a mean of prior and data in which the data err by sd sqrt(1 - sd^2 / .25^2). 0 where nothing is heard: all such shops have the
 * prior's mean, at the low end of what is plausible.
 */
export const errorOf = (deviation: number): number =>
  deviation * Math.sqrt(Math.max(0, 1 - (deviation / PRIOR.deviation) ** 2));

/** An exponent as it may be, in [0, 2]. */
export const inRange = (eta: number): number => Math.min(GREATEST, Math.max(0, eta));

/** Whether a pair's clicks at its positions say how far shoppers look: it has some, and was seen at two positions or more. */
export const isTelling = ({ logs, total }: Harvest): boolean => logs.length > 1 && total > 0;

/** Telling pairs of a placement, by placement (undefined: `default`). */
export function harvest(pairs: Iterable<SeenPair>): Map<string | undefined, Harvest[]> {
  const seen = SeenPairs.from(pairs);
  const { positions, impressions, clicks, placements } = seen.columns;
  const found = new Map<number, Harvest[]>();
  for (let pair = 0; pair < seen.pairs; pair++) {
    const own = new Map<number, Harvest>();
    for (let row = seen.starts[pair]!; row < seen.starts[pair + 1]!; row++) {
      if (impressions[row]! <= 0) continue; // a lost beacon
      const placement = placements[row]!;
      const one = own.get(placement) ?? { logs: [], impressions: [], clicks: [], total: 0 };
      own.set(placement, one);
      one.logs.push(Math.log(positions[row]!));
      one.impressions.push(impressions[row]!);
      one.clicks.push(clicks[row]!);
      one.total += clicks[row]!;
    }
    for (const [placement, one] of own) {
      const telling = found.get(placement) ?? [];
      found.set(placement, telling);
      if (isTelling(one)) telling.push(one);
    }
  }
  return new Map([...found].map(([placement, telling]) => [seen.columns.placementNames[placement], telling]));
}

/** First derivative of a pair's log likelihood by eta, and minus the second. */
export function likelihoodOf(one: Harvest, eta: number): { slope: number; information: number } {
  const { mean, variance } = momentsOf(one, eta);
  const seen = one.clicks.reduce((sum, clicks, i) => sum + clicks * one.logs[i]!, 0);
  return { slope: one.total * mean - seen, information: one.total * variance };
}

/** Mean and variance of log position under the chances n_k k^-eta. */
function momentsOf({ logs, impressions }: Harvest, eta: number): { mean: number; variance: number } {
  const weights = logs.map((log, i) => impressions[i]! * Math.exp(-eta * log));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = weights.reduce((sum, weight, i) => sum + weight * logs[i]!, 0) / total;
  const variance = weights.reduce((sum, weight, i) => sum + weight * (logs[i]! - mean) ** 2, 0) / total;
  return { mean, variance };
}
