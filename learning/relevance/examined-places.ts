import { solveLowerTransposed } from '../numbers/linear-algebra.ts';
import { cholesky, solveLower } from '../numbers/matrix-loops.ts';
import { examinationOf } from './examination.ts';
import { type Exponent, type Harvest, harvest, isTelling } from './propensity.ts';
import type { SeenPair } from './seen-pairs.ts';

/** How much less a place is looked at than the first one, by two estimates. */
export type ExaminedPlace = {
  /** From 2. */
  readonly place: number;
  /** k^-eta, by the placement's exponent: the estimate by which feedback is read. */
  readonly law: number;
  /** Theta_k without any law, and its 95 % interval. */
  readonly free: number;
  readonly low: number;
  readonly high: number;
};
export type ExaminedPlacement = {
  readonly placement: string;
  readonly exponent: number;
  /** Standard error of the exponent. */
  readonly error: number;
  /** Places whose interval does not hold the law. */
  readonly apart: number;
  readonly places: readonly ExaminedPlace[];
};

/** Places that are told of, 2 to 12, which a first page has; those of other places are heard where a pair was there as well. */
const LAST = 12;
/**
 * Places that are heard: a pair's clicks at any of its places are multinomial, whatever it got at others. Each is an unknown more, and they cost by their
 * cube; a stranger may page through a list to its end.
 */
const FARTHEST = 50;
/** Standard deviation of the prior of log theta_k around the law: a place of which nothing is heard has the law, give or take a factor of 50. */
const WIDTH = 2;
const STEPS = 50;

/**
 * A second opinion on how far shoppers look: theta_k of each place k on its own, beside the power law that feedback is read by.
 *
 * Of the same pairs as `fitPropensity`, seen at several places of one placement, and by the same likelihood (given its clicks a pair's are multinomial with
 * chances proportional to n_k theta_k), with x_k = log theta_k free, x_1 = 0. For rare clicks this is the maximum that regression-EM of the position-based
 * model converges to (Wang et al. 2018, Position Bias Estimation for Unbiased Learning to Rank in Personal Search) where each pair has a relevance
 * of its own. Pairs that stay in their place are not asked: they tell nothing, and EM ends wherever it began. Prior: x_k ~ N(-eta log k, 2^2).
 * The log posterior is concave: Newton's method with halved steps. Intervals are Laplace's: 1.96 standard deviations of x_k.
 * @returns one for each placement in which a pair moved among these places, by name
 */
export function examinedPlaces(feedback: Iterable<SeenPair>): ExaminedPlacement[] {
  const placements = harvest(feedback);
  const examination = examinationOf(placements);
  return [...placements]
    .map(([placement, harvests]) => ({ placement, heard: harvests.map(withinReach).filter(isTelling) }))
    .filter(({ heard }) => heard.length > 0)
    .map(({ placement, heard }) => placementOf(placement ?? 'default', heard, examination(placement)))
    .sort((a, b) => (a.placement < b.placement ? -1 : 1));
}

/** A pair at the places that are heard. */
function withinReach({ logs, impressions, clicks }: Harvest): Harvest {
  const rows = [...logs.keys()].filter((row) => placeOf(logs[row]!) <= FARTHEST);
  const at = (column: readonly number[]) => rows.map((row) => column[row]!);
  const heard = at(clicks);
  return {
    logs: at(logs),
    impressions: at(impressions),
    clicks: heard,
    total: heard.reduce((sum, own) => sum + own, 0),
  };
}

const placeOf = (log: number): number => Math.round(Math.exp(log));

function placementOf(placement: string, harvests: readonly Harvest[], { eta, error }: Exponent): ExaminedPlacement {
  const known = [...new Set(harvests.flatMap(({ logs }) => logs))].filter((log) => log > 0).sort((a, b) => a - b);
  const law = Float64Array.from(known, (log) => -eta * log);
  const { mode, deviations } = posterior(harvests, known, law);
  const places = known.flatMap((log, i): ExaminedPlace[] => {
    const place = placeOf(log);
    const at = (deviation: number) => Math.exp(mode[i]! + deviation * deviations[i]!);
    return place > LAST ? [] : [{ place, law: Math.exp(law[i]!), free: at(0), low: at(-1.96), high: at(1.96) }];
  });
  const apart = places.filter((one) => one.law < one.low || one.law > one.high).length;
  return { placement, exponent: eta, error, apart, places };
}

/** A pair's places as indexes into x, -1 for the first place. */
type Row = { at: Int32Array; of: Harvest };

function posterior(harvests: readonly Harvest[], known: readonly number[], law: Float64Array) {
  const indexOf = new Map(known.map((log, i) => [log, i]));
  const rows = harvests.map((of): Row => ({ at: Int32Array.from(of.logs, (log) => indexOf.get(log) ?? -1), of }));
  let mode = law.slice();
  let now = derivatives(rows, mode, law);
  for (let step = 0; step < STEPS; step++) {
    const towards = solved(now.lower, now.slope);
    let [share, next, then] = [1, mode, now];
    do {
      next = mode.map((x, i) => x + share * towards[i]!);
      then = derivatives(rows, next, law);
      share /= 2;
    } while (then.value < now.value && share > 1e-6);
    const moved = Math.max(...next.map((x, i) => Math.abs(x - mode[i]!)));
    [mode, now] = [next, then];
    if (moved < 1e-9) break;
  }
  return { mode, deviations: deviationsOf(now.lower, mode.length) };
}

/** Log posterior up to a constant, its slope, and the Cholesky factor of its negative Hessian. */
function derivatives(rows: readonly Row[], x: Float64Array, law: Float64Array) {
  const d = x.length;
  let value = 0;
  const slope = new Float64Array(d);
  const information = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const off = x[i]! - law[i]!;
    value -= off ** 2 / (2 * WIDTH ** 2);
    slope[i] = -off / WIDTH ** 2;
    information[i * d + i] = 1 / WIDTH ** 2;
  }
  for (const row of rows) value += addPair(row, x, slope, information);
  return { value, slope, lower: cholesky(information, d) };
}

/** Adds a pair's part to slope and information. @returns its log likelihood */
function addPair({ at, of }: Row, x: Float64Array, slope: Float64Array, information: Float64Array): number {
  const d = x.length;
  const logs = Array.from(at, (i) => (i < 0 ? 0 : x[i]!));
  const chances = logs.map((log, row) => of.impressions[row]! * Math.exp(log));
  const sum = chances.reduce((all, chance) => all + chance, 0);
  let value = -of.total * Math.log(sum);
  for (const [row, i] of at.entries()) {
    value += of.clicks[row]! * logs[row]!;
    if (i < 0) continue;
    const share = chances[row]! / sum;
    slope[i]! += of.clicks[row]! - of.total * share;
    information[i * d + i]! += of.total * share;
    for (const [other, j] of at.entries())
      if (j >= 0) information[i * d + j]! -= (of.total * share * chances[other]!) / sum;
  }
  return value;
}

/** x of L L^T x = b. */
const solved = (lower: Float64Array, b: Float64Array): Float64Array =>
  solveLowerTransposed(lower, solveLower(lower, b, b.length));

/** Roots of the diagonal of (L L^T)^-1. */
function deviationsOf(lower: Float64Array, d: number): Float64Array {
  return Float64Array.from({ length: d }, (_, i) => {
    const unit = new Float64Array(d);
    unit[i] = 1;
    return Math.sqrt(solved(lower, unit)[i]!);
  });
}
