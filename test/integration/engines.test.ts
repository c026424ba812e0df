import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { presetNamed } from '../../learning/network/presets.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { OpenEngine } from '../../workers/engines/engine.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { openJavaScriptEngine } from '../../workers/engines/tensorflow/index.ts';
import { describeEngine } from '../contract/engine.contract.ts';
import { narrow } from '../support/narrow.ts';
import { relativeError } from '../support/oracle-network.ts';

// The pure JavaScript engine and, where a machine has one, native TensorFlow: tensorflow.test.ts. WebGPU: test/webgpu.
describeEngine('onnx', openOnnxEngine);

/**
 * `tiny` without its batch normalisation. Over a few pictures of noise that divides by next to nothing: the last bit of a
 * float32 then decides which of two pixels a pool takes, and gradients jump. The contract holds the layer by itself.
 */
const tiny = narrow(presetNamed('tiny'));
const spec = {
  ...tiny,
  branches: tiny.branches.map(({ paths }) => ({
    paths: paths.map((path) => ({ ...path, layers: path.layers.filter(({ type }) => type !== 'batchNorm') })),
  })),
};
const weights = initialWeights(spec, makeRandom(1));
const random = makeRandom(2);
const pictures = (n: number) => Float32Array.from({ length: n * 32 * 32 * 3 }, () => random.next());
const hinge = (...gaps: number[]) => ({ kind: 'tripletHinge', gaps: Float32Array.from(gaps) }) as const;

test('both engines find the same gradients of the tiny network', async () => {
  const batch = { pictures: pictures(3) };
  const found = async (open: OpenEngine) => {
    const engine = await open(spec, weights, { batch: 3, threads: 1 });
    const gradients = await engine.gradients(batch, hinge(0.5));
    await engine.dispose();
    return gradients;
  };
  const [onnx, javaScript] = [await found(openOnnxEngine), await found(openJavaScriptEngine)];
  expect(onnx.activeShare).toBe(1);
  expect(onnx.loss).toBeCloseTo(javaScript.loss, 5);
  for (const [name, { data }] of Object.entries(onnx.gradients)) {
    expect(relativeError(data, javaScript.gradients[name]!.data), name).toBeLessThan(1e-5);
  }
});

test('onnx gives the same bits for the same call', async () => {
  const batch = { pictures: pictures(12) };
  const loss = hinge(0.5, 0.5, 0.5, 0.5);
  const engine = await openOnnxEngine(spec, weights, { batch: 12, threads: 1 });
  const found = async () => {
    const { gradients, ...rest } = await engine.gradients(batch, loss);
    const tensors = [...Object.values(gradients).map(({ data }) => data), await engine.embed(batch.pictures, 12)];
    return { ...rest, hashes: tensors.map((data) => createHash('sha256').update(data).digest('hex')) };
  };
  expect(await found()).toEqual(await found());
  await engine.dispose();
});
