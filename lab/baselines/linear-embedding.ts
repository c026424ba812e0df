import { squaredDistance } from '@simili/learning/numbers/distance';
import type { Random } from '@simili/learning/numbers/random';
import type { VectorTriplet } from './oasis.ts';

export type LinearEmbeddingOptions = {
  /** Length of the vectors, and of their embeddings. */
  readonly d: number;
  readonly length: number;
  /** Draws the next triplet of vectors [d]. */
  readonly draw: () => VectorTriplet;
  readonly steps: number;
  /** Triplets of a step. */
  readonly batch: number;
  /** g of the hinge, in (0, 4). */
  readonly gap: number;
  /** lambda of lambda |A|^2 (paper, section 3: 0.001). */
  readonly weightDecay: number;
  /** Falls to 0 along a cosine. */
  readonly rate: number;
  readonly random: Random;
};

const MOMENTUM = 0.9;

/**
 * f(x) = A x / |A x|, trained by the paper's triplet hinge (section 2) with Nesterov's momentum. A starts as a random
 * projection, under which distances are about what they were (Johnson and Lindenstrauss 1984).
 * @returns A [length, d] row-major
 */
export function fitLinearEmbedding(options: LinearEmbeddingOptions): Float64Array {
  const { d, length, draw, steps, batch, rate, random, weightDecay } = options;
  const a = Float64Array.from({ length: length * d }, () => random.gaussian() / Math.sqrt(length));
  const velocity = new Float64Array(a.length);
  for (let step = 0; step < steps; step++) {
    const triplets = Array.from({ length: batch }, draw);
    const { gradient } = hingeGradient(a, d, triplets, options.gap);
    const eta = (rate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    for (let i = 0; i < a.length; i++) {
      const g = gradient[i]! + 2 * weightDecay * a[i]!;
      velocity[i] = MOMENTUM * velocity[i]! - eta * g;
      // The gradient at the point ahead, as seen from here (Sutskever et al. 2013).
      a[i] = a[i]! + MOMENTUM * velocity[i]! - eta * g;
    }
  }
  return a;
}

/** Mean hinge of some triplets, and its gradient by A. */
export function hingeGradient(a: Float64Array, d: number, triplets: readonly VectorTriplet[], gap: number) {
  const length = a.length / d;
  const gradient = new Float64Array(a.length);
  let loss = 0;
  for (const triplet of triplets) {
    const [q, p, n] = [embed(a, triplet.q), embed(a, triplet.p), embed(a, triplet.n)];
    const own = gap + squaredDistance(q.unit, p.unit) - squaredDistance(q.unit, n.unit);
    if (own <= 0) continue;
    loss += own / triplets.length;
    const scale = 2 / triplets.length;
    addOuter(gradient, q, triplet.q, (i) => scale * (n.unit[i]! - p.unit[i]!), length);
    addOuter(gradient, p, triplet.p, (i) => scale * (p.unit[i]! - q.unit[i]!), length);
    addOuter(gradient, n, triplet.n, (i) => scale * (q.unit[i]! - n.unit[i]!), length);
  }
  return { loss, gradient };
}

type Embedded = { unit: Float64Array; norm: number };

/** @returns zeros, norm 1, of what A maps to nothing. */
function embed(a: Float64Array, x: Float32Array): Embedded {
  const d = x.length;
  const unit = new Float64Array(a.length / d);
  for (let row = 0, at = 0; row < unit.length; row++) {
    let sum = 0;
    for (let j = 0; j < d; j++, at++) sum += a[at]! * x[j]!;
    unit[row] = sum;
  }
  const norm = Math.sqrt(unit.reduce((sum, value) => sum + value * value, 0)) || 1;
  for (let i = 0; i < unit.length; i++) unit[i] = unit[i]! / norm;
  return { unit, norm };
}

/** Adds (G - f (f . G)) / |y| x^T: dl/dA of one vector, where dl/df = G. */
function addOuter(
  gradient: Float64Array,
  { unit, norm }: Embedded,
  x: Float32Array,
  g: (i: number) => number,
  length: number,
) {
  const d = x.length;
  let along = 0;
  for (let i = 0; i < length; i++) along += unit[i]! * g(i);
  for (let i = 0, at = 0; i < length; i++) {
    const value = (g(i) - unit[i]! * along) / norm;
    for (let j = 0; j < d; j++, at++) gradient[at] = gradient[at]! + value * x[j]!;
  }
}

/** Unit vector [length] of x [d]; zeros of what A maps to nothing. */
export const embedLinearly = (a: Float64Array, x: Float32Array): Float32Array => Float32Array.from(embed(a, x).unit);
