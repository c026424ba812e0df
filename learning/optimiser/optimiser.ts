import { isStatistic } from '../network/shapes.ts';
import type { Tensor, Weights } from '../network/spec.ts';

/**
 * Nesterov's accelerated gradient as momentum (paper, section 4; Sutskever et al. 2013):
 *
 *   v <- mu v - eta (grad(W + mu v) + 2 lambda (W + mu v));   W <- W + v
 *
 * What is kept, trained and served are the look-ahead weights X = W + mu v, since gradients are taken there; the same
 * rule then reads X <- X + (1 + mu) v_new - mu v_old. They meet W as the rate goes to 0. Decay is for kernels: biases,
 * scales and shifts are left alone, and running statistics are no weights at all (`trackStatistics`).
 */
export type Nesterov = {
  /**
   * One update in place.
   * @param weights X
   * @param velocity v: zeros at the start
   * @param gradients at X, without decay
   * @param rate eta
   */
  step(weights: Weights, velocity: Weights, gradients: Weights, rate: number): void;
};

/**
 * @param options.momentum mu in [0, 1)
 * @param options.weightDecay lambda of lambda ||W||^2, >= 0; the paper: 0.001
 */
export function makeNesterov({ momentum, weightDecay }: { momentum: number; weightDecay: number }): Nesterov {
  return {
    step: (weights, velocity, gradients, rate) => {
      for (const [name, { data: x }] of Object.entries(weights)) {
        if (isStatistic(name)) continue;
        const v = valuesOf(velocity, name, x.length);
        const g = valuesOf(gradients, name, x.length);
        const decay = name.endsWith('.kernel') ? 2 * weightDecay : 0;
        for (let i = 0; i < x.length; i++) {
          const old = v[i]!;
          const fresh = momentum * old - rate * (g[i]! + decay * x[i]!);
          v[i] = fresh;
          x[i] = x[i]! + (1 + momentum) * fresh - momentum * old;
        }
      }
    },
  };
}

/** Share of the past in a running statistic, once there is enough of it. */
const memory = 0.95;

/**
 * Moves the running means and variances of batch normalisation towards those of a batch, in place.
 * @param step steps done before: early ones weigh alike
 */
export function trackStatistics(weights: Weights, statistics: Weights, step: number): void {
  const past = Math.min(memory, 1 - 1 / (step + 1));
  for (const [name, { data: batch }] of Object.entries(statistics)) {
    const running = valuesOf(weights, name, batch.length);
    for (let i = 0; i < batch.length; i++) running[i] = past * running[i]! + (1 - past) * batch[i]!;
  }
}

/** Zeros of the same names and shapes. */
export const zerosLike = (weights: Weights): Weights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]): [string, Tensor] => [
      name,
      { shape, data: new Float32Array(data.length) },
    ]),
  );

/**
 * Scales all gradients together, in place, so that their common norm is at most `limit`.
 * @returns the norm before; not finite when a gradient is not, and then nothing is scaled
 */
export function clipGradients(gradients: Weights, limit: number): number {
  const tensors = Object.values(gradients);
  const norm = Math.sqrt(tensors.reduce((sum, { data }) => sum + sumOfSquares(data), 0));
  if (!(norm > limit) || norm === Number.POSITIVE_INFINITY) return norm;
  const scale = limit / norm;
  for (const { data } of tensors) for (let i = 0; i < data.length; i++) data[i] = data[i]! * scale;
  return norm;
}

/** Sum in float64, as four: in one, each addition waits for that before it, which takes three times as long. */
function sumOfSquares(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
    c += values[i + 2]! * values[i + 2]!;
    d += values[i + 3]! * values[i + 3]!;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * values[i]!;
  return a + b + c + d;
}

/** Share of the peak where the warm-up starts: a rate of 0 would waste the first step. */
const coldShare = 0.1;

/**
 * Rate at a point of the training: from a tenth of the peak straight up to it during the warm-up, then half a cosine down
 * to 0.
 * @param progress in [0, 1]: share of the steps done
 * @param schedule.warmUp in [0, 1): share of the steps
 */
export function learningRate(progress: number, { peak, warmUp }: { peak: number; warmUp: number }): number {
  if (progress < warmUp) return peak * (coldShare + (1 - coldShare) * (progress / warmUp));
  return (peak / 2) * (1 + Math.cos((Math.PI * (progress - warmUp)) / (1 - warmUp)));
}

function valuesOf(weights: Weights, name: string, length: number): Float32Array {
  const data = weights[name]?.data;
  if (data?.length !== length) throw new Error(`${name} has ${data?.length ?? 'no'} values instead of ${length}`);
  return data;
}
