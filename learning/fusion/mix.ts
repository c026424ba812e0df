export type MixOptions = {
  /** Margin asked of every triplet, > 0, in squared distance between unit vectors. */
  readonly gap: number;
  /** Factor of ||w||^2, >= 0: pulls towards equal weights. */
  readonly l2: number;
  /** [T], >= 0; default 1 each. */
  readonly tripletWeights?: ArrayLike<number>;
  /** [B], >= 0, sum 1: what the weights are without triplets. */
  readonly prior: readonly number[];
  /** Pull to the prior, on the scale of the sum of `tripletWeights`, >= 0: it fades as that sum grows. Default 0. */
  readonly priorStrength?: number;
};

/**
 * Weights of the golden feature (paper, section 6.1: a linear mix, weights by max-margin learning; the formula is ours):
 *
 *   min over w >= 0, sum w = 1 of  mean_t h(w . m_t) + l2 ||w||^2 + priorStrength / W ||w - prior||^2
 *
 * W is the sum of the triplets' weights, which also weigh the mean. h is the hinge max(0, gap - x) smoothed over [0, gap]
 * (Rennie 2005): (gap - x)^2 / (2 gap) there, gap/2 - x below 0. So the problem is smooth and convex, and accelerated
 * projected gradient descent (Beck and Teboulle 2009) solves it, to 1e-7 in the objective where the margins of the
 * blocks are of like size.
 * @param margins [T, B] row-major: D_b(q, n) - D_b(q, p) of triplet t in block b
 * @returns [B], >= 0, sum 1; the prior when there are no triplets
 */
export function fitMixWeights(margins: Float32Array, options: MixOptions): Float64Array {
  const blocks = options.prior.length;
  const triplets = margins.length / blocks;
  if (!Number.isInteger(triplets)) throw new Error(`${margins.length} margins are not triplets of ${blocks} blocks`);
  if (!(options.gap > 0)) throw new Error(`gap ${options.gap} is not positive`);
  const tripletWeights = options.tripletWeights ?? new Uint8Array(triplets).fill(1);
  if (tripletWeights.length !== triplets) throw new Error(`${tripletWeights.length} weights for ${triplets} triplets`);
  const prior = Float64Array.from(options.prior);
  const total = sumOf(tripletWeights);
  if (!(total > 0)) return projectToSimplex(prior);
  const problem = { margins, prior, total, options };
  const step = 1 / curvature(problem);
  let weights = projectToSimplex(prior);
  let ahead = weights;
  let momentum = 1;
  for (let iteration = 0; iteration < 5000; iteration++) {
    const gradient = mixGradient(problem, ahead);
    const next = projectToSimplex(ahead.map((value, b) => value - step * gradient[b]!));
    // Momentum is dropped where it points uphill (O'Donoghue and Candes 2015).
    const uphill = next.reduce((sum, value, b) => sum + (ahead[b]! - value) * (value - weights[b]!), 0) > 0;
    const grown = uphill ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const push = uphill ? 0 : (momentum - 1) / grown;
    const moved = next.reduce((most, value, b) => Math.max(most, Math.abs(value - ahead[b]!)), 0);
    ahead = next.map((value, b) => value + push * (value - weights[b]!));
    weights = next;
    momentum = grown;
    if (moved < 1e-10) break;
  }
  return weights;
}

type Problem = { margins: Float32Array; prior: Float64Array; total: number; options: MixOptions };

function mixGradient({ margins, prior, total, options }: Problem, weights: Float64Array): Float64Array {
  const { gap, l2, tripletWeights, priorStrength = 0 } = options;
  const blocks = weights.length;
  const gradient = weights.map((w, b) => 2 * l2 * w + (2 * priorStrength * (w - prior[b]!)) / total);
  for (let t = 0, at = 0; at < margins.length; t++, at += blocks) {
    let margin = 0;
    for (let b = 0; b < blocks; b++) margin += weights[b]! * margins[at + b]!;
    const slope = Math.min(1, Math.max(0, (gap - margin) / gap)) * ((tripletWeights?.[t] ?? 1) / total);
    if (slope === 0) continue;
    for (let b = 0; b < blocks; b++) gradient[b] = gradient[b]! - slope * margins[at + b]!;
  }
  return gradient;
}

/** An upper bound of the second derivative in any direction. */
function curvature({ margins, prior, total, options }: Problem): number {
  const blocks = prior.length;
  let sum = 0;
  for (let i = 0; i < margins.length; i++) {
    sum += margins[i]! ** 2 * (options.tripletWeights?.[Math.floor(i / blocks)] ?? 1);
  }
  return sum / total / options.gap + 2 * options.l2 + (2 * (options.priorStrength ?? 0)) / total + 1e-12;
}

/** The nearest point with entries >= 0 that sum to 1 (Held, Wolfe and Crowder 1974). */
export function projectToSimplex(point: Float64Array): Float64Array {
  const falling = point.slice().sort().reverse();
  let sum = 0;
  let shift = 0;
  falling.forEach((value, i) => {
    sum += value;
    const candidate = (sum - 1) / (i + 1);
    if (value > candidate) shift = candidate;
  });
  return point.map((value) => Math.max(0, value - shift));
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
