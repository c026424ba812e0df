import type { Loss } from '@simili/learning/losses/loss';
import { initialWeights } from '@simili/learning/network/initial-weights';
import { presetNamed } from '@simili/learning/network/presets';
import { makeRandom } from '@simili/learning/numbers/random';
import type { OpenEngine } from './engine.ts';

/** Images per second of the preset `tiny`. */
export type Speed = { train: number; embed: number };

/** Pictures in a batch of a slow engine and of the others; half of the seconds are for training, half for embedding. */
const FEW = 3;
const MANY = 48;
const SECONDS = 2;
const PATIENCE = 5;

/** A few steps of training, then of embedding, the first of each not counted. A rough figure in a few seconds. */
export async function measureSpeed(open: OpenEngine, threads: number): Promise<Speed> {
  const slow = await speedAt(open, threads, FEW);
  return slow.train < FEW / SECONDS || slow.embed < FEW / SECONDS ? slow : speedAt(open, threads, MANY);
}

async function speedAt(open: OpenEngine, threads: number, n: number): Promise<Speed> {
  const spec = presetNamed('tiny');
  const random = makeRandom(1);
  const pictures = Float32Array.from({ length: n * spec.inputSize ** 2 * 3 }, () => random.next());
  const loss: Loss = { kind: 'tripletHinge', gaps: new Float32Array(n / 3).fill(1) };
  const engine = await open(spec, initialWeights(spec, random), { batch: n, threads });
  try {
    return {
      train: n * (await perSecond(() => engine.gradients({ pictures }, loss))),
      embed: n * (await perSecond(() => engine.embed(pictures, n))),
    };
  } finally {
    await engine.dispose();
  }
}

/** The first call builds graphs and compiles shaders: it does not count, unless there is no time for another. */
async function perSecond(step: () => Promise<unknown>): Promise<number> {
  const first = await secondsOf(step);
  if (first > PATIENCE) return 1 / first;
  let steps = 0;
  let spent = 0;
  while (spent < SECONDS / 2) {
    spent += await secondsOf(step);
    steps++;
  }
  return steps / spent;
}

async function secondsOf(step: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await step();
  return (performance.now() - since) / 1000;
}
