import {
  type Exponent,
  errorOf,
  fitHarvests,
  type Harvest,
  harvest,
  inRange,
  likelihoodOf,
  PRIOR,
  STEPS,
} from './propensity.ts';
import type { Propensity } from './relevance.ts';
import type { SeenPair } from './seen-pairs.ts';

/** The exponent of a placement (undefined: `default`); of one of which nothing was seen, what is known of any. */
export type Examination = (placement?: string) => Exponent;

/**
 * Exponents of theta_k = k^-eta_p of placements p: how far shoppers look differs between a row below the fold and a column beside a cart.
 *
 * Of a placement is heard what `fitPropensity` hears of a shop: l_p(eta), with slope g_p and information I_p. Exponents of placements are taken for
 * normal around one of the shop, and that one for normal around the prior's:
 *
 *   eta_p ~ N(mu, tau^2),   mu ~ N(.3, .25^2)
 *
 * tau^2 is asked of the data (empirical Bayes, by moments; DerSimonian and Laird 1986). At the exponent of all placements together z_p = eta + g_p / I_p
 * would be the estimate of each alone, of variance 1 / I_p; over the K placements that tell anything
 *
 *   Q     = sum I_p (z_p - z)^2 = sum g_p^2 / I_p - (sum g_p)^2 / sum I_p     (score test that all have the same exponent: chi^2, K - 1)
 *   tau^2 = max(0, Q - (K - 1) - sqrt(2 (K - 1))) / (sum I_p - sum I_p^2 / sum I_p)
 *
 * where one standard error under that hypothesis is taken off. If tau is 0, as for one placement, every exponent is that of `fitPropensity`. Else it
 * is the joint mode of the posterior, by Newton's method: with b_p = 1 / (1 + tau^2 I_p),
 *
 *   mu    = (.3 / .25^2 + sum b_p (I_p eta_p + g_p)) / (1 / .25^2 + sum b_p I_p)
 *   eta_p = b_p mu + tau^2 b_p (I_p eta_p + g_p)
 *
 * until nothing changes, at most 50 steps. So a placement with little to tell has that of the shop, and a shop with little to tell the prior's. Variances
 * are those of the inverse curvature there: Var(mu) = 1 / (1 / .25^2 + sum b_p I_p), Var(eta_p) = tau^2 b_p + b_p^2 Var(mu); tau is taken for known.
 * Standard errors are the same without the width of the shop's prior, tau^2 b_p + b_p^2 (Var(mu) - Var(mu)^2 / .25^2): that placements differ is heard.
 */
export const fitExamination = (pairs: Iterable<SeenPair>): Examination => examinationOf(harvest(pairs));

/** `fitExamination` of pairs that are gathered already, by placement. */
export function examinationOf(placements: ReadonlyMap<string | undefined, readonly Harvest[]>): Examination {
  const harvests = [...placements.values()];
  const shared = fitHarvests(harvests.flat());
  const spread = spreadOf(harvests.map((own) => sumsAt(own, shared.eta)));
  if (spread === 0) return () => shared;
  const { overall, own } = jointMode(harvests, shared.eta, spread);
  const known = new Map([...placements.keys()].map((placement, i) => [placement, own[i]!]));
  const unknown = {
    eta: overall.eta,
    deviation: Math.sqrt(spread + overall.deviation ** 2),
    error: Math.sqrt(spread + overall.error ** 2),
  };
  return (placement) => known.get(placement) ?? unknown;
}

/**
 * The power law with the exponents of `fitExamination`.
 * @param errors how many standard errors beside them: the ends of an interval
 */
export const powerLaw =
  (examination: Examination, errors = 0): Propensity =>
  (position, placement) => {
    const { eta, error } = examination(placement);
    return position ** -inRange(eta + errors * error);
  };

/** Slope and information of a placement's log likelihood. */
type Sums = { slope: number; information: number };

function sumsAt(harvests: readonly Harvest[], eta: number): Sums {
  const sums = { slope: 0, information: 0 };
  for (const one of harvests) {
    const { slope, information } = likelihoodOf(one, eta);
    sums.slope += slope;
    sums.information += information;
  }
  return sums;
}

/** tau^2 >= 0. */
function spreadOf(placements: readonly Sums[]): number {
  const telling = placements.filter(({ information }) => information > 0);
  let [slopes, information, squares, heterogeneity] = [0, 0, 0, 0];
  for (const own of telling) {
    slopes += own.slope;
    information += own.information;
    squares += own.information ** 2;
    heterogeneity += own.slope ** 2 / own.information;
  }
  const scale = information - squares / information;
  if (!(telling.length > 1 && scale > 0)) return 0;
  const freedom = telling.length - 1;
  const excess = heterogeneity - slopes ** 2 / information - freedom - Math.sqrt(2 * freedom);
  return Math.max(0, excess) / scale;
}

function jointMode(
  placements: readonly (readonly Harvest[])[],
  start: number,
  spread: number,
): { overall: Exponent; own: Exponent[] } {
  const precision = 1 / PRIOR.deviation ** 2;
  let overall: Exponent = { eta: start, deviation: PRIOR.deviation, error: 0 };
  let own: Exponent[] = placements.map(() => overall);
  for (let step = 0; step < STEPS; step++) {
    const before = own;
    let [pull, weight] = [precision * PRIOR.mean, precision];
    const parts = placements.map((harvests, i) => {
      const { eta } = before[i]!;
      const { slope, information } = sumsAt(harvests, eta);
      const shrinkage = 1 / (1 + spread * information);
      pull += shrinkage * (information * eta + slope);
      weight += shrinkage * information;
      return { shrinkage, told: information * eta + slope };
    });
    const mu = inRange(pull / weight);
    const deviation = 1 / Math.sqrt(weight);
    overall = { eta: mu, deviation, error: errorOf(deviation) };
    own = parts.map(({ shrinkage, told }) => ({
      eta: inRange(shrinkage * mu + spread * shrinkage * told),
      deviation: Math.sqrt(spread * shrinkage + (shrinkage * overall.deviation) ** 2),
      error: Math.sqrt(spread * shrinkage + (shrinkage * overall.error) ** 2),
    }));
    if (own.every(({ eta }, i) => Math.abs(eta - before[i]!.eta) < 1e-9)) break;
  }
  return { overall, own };
}
