import { initialWeights } from '@simili/learning/network/initial-weights';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import type { Engine, OpenEngine } from './engine.ts';

/** A network of a few hundred weights with a convolution, a pool and dense layers. */
export const probeSpec: NetworkSpec = {
  name: 'probe',
  inputSize: 8,
  branches: [
    {
      paths: [
        {
          name: 'path',
          subsample: 1,
          layers: [
            { type: 'conv', name: 'conv', kernel: 3, stride: 1, filters: 4 },
            { type: 'maxPool', size: 2 },
            { type: 'relu' },
            { type: 'dense', name: 'dense', units: 6 },
          ],
        },
      ],
    },
  ],
  embedding: 4,
};
/** Two triplets. */
const batch = 6;
export const probeLoss = { kind: 'tripletHinge', gaps: Float32Array.of(0.75, 1) } as const;
/** By plain loops in float64; test/integration/open-engine.test.ts works it out again. */
export const PROBE_LOSS = 0.84511;

export function probeInputs(): { weights: Weights; pictures: Float32Array } {
  const random = makeRandom(2);
  return {
    weights: initialWeights(probeSpec, makeRandom(1)),
    pictures: Float32Array.from({ length: batch * 8 * 8 * 3 }, () => random.next()),
  };
}

/**
 * Opens an engine, takes one tiny step of training on it and looks whether the loss is the right one, before and after.
 * @throws Error that says what is wrong; whatever the engine throws.
 */
export async function checkEngine(open: OpenEngine): Promise<Pick<Engine, 'device' | 'onGpu'>> {
  const { weights, pictures } = probeInputs();
  const engine = await open(probeSpec, weights, { batch, threads: 1 });
  try {
    const { loss, gradients } = await engine.gradients({ pictures }, probeLoss);
    expectNear('a loss', loss, PROBE_LOSS, 1e-4);
    const slope = Object.values(gradients).reduce((sum, { data }) => sum + data.reduce((s, g) => s + g * g, 0), 0);
    const rate = STEP / Math.sqrt(slope);
    await engine.setWeights(stepped(weights, gradients, rate));
    const after = await engine.gradients({ pictures }, probeLoss);
    expectNear('the loss after a step', after.loss, loss - rate * slope, 0.1 * rate * slope);
    return { device: engine.device, onGpu: engine.onGpu };
  } finally {
    await engine.dispose();
  }
}

/** Length of the step: short enough that the loss falls as its gradient says, long enough to be seen in float32. */
const STEP = 1e-2;

const stepped = (weights: Weights, gradients: Weights, rate: number): Weights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((value, i) => value - rate * (gradients[name]?.data[i] ?? 0)) },
    ]),
  );

function expectNear(what: string, got: number, wanted: number, tolerance: number): void {
  if (Math.abs(got - wanted) <= tolerance) return; // Not >: NaN is never near.
  throw new Error(`computes wrongly, ${what} is ${got} and should be ${wanted}`);
}
