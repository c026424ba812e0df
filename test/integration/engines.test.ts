import { expect, test } from 'vitest';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import { presetNamed } from '../../src/learning/network/presets.ts';
import { makeRandom } from '../../src/learning/random.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { openTensorflowEngine } from '../../workers/engines/tensorflow/index.ts';
import { describeEngine } from '../contract/engine.contract.ts';
import { relativeError } from '../support/oracle-network.ts';

describeEngine('onnx', openOnnxEngine);
describeEngine('tensorflow', openTensorflowEngine);

const spec = presetNamed('tiny');
const weights = initialWeights(spec, makeRandom(1));
const random = makeRandom(2);
const pictures = (n: number) => Float32Array.from({ length: n * 32 * 32 * 3 }, () => random.next());
const loss = { kind: 'tripletHinge', gap: 0.5 } as const;

test('both engines find the same gradients of the tiny network', { timeout: 60_000 }, async () => {
  const batch = pictures(3);
  const [onnx, tensorflow] = await Promise.all(
    [openOnnxEngine, openTensorflowEngine].map(async (open) => {
      const engine = await open(spec, weights, { triplets: 1, threads: 1 });
      const found = await engine.gradients(batch, loss);
      await engine.dispose();
      return found;
    }),
  );
  expect(onnx!.activeShare).toBe(1);
  expect(onnx!.loss).toBeCloseTo(tensorflow!.loss, 5);
  for (const [name, { data }] of Object.entries(onnx!.gradients)) {
    expect(relativeError(data, tensorflow!.gradients[name]!.data), name).toBeLessThan(1e-5);
  }
});

test('onnx gives the same bits for the same call', async () => {
  const batch = pictures(12);
  const engine = await openOnnxEngine(spec, weights, { triplets: 4, threads: 1 });
  expect(await engine.gradients(batch, loss)).toEqual(await engine.gradients(batch, loss));
  expect(await engine.embed(batch, 12)).toEqual(await engine.embed(batch, 12));
  await engine.dispose();
});
