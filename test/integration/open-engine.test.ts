import { expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import type { NetworkSpec } from '../../src/learning/network/spec.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Engine } from '../../workers/engines/engine.ts';
import { type Candidate, type Choice, openEngine } from '../../workers/engines/open-engine.ts';

const spec: NetworkSpec = {
  name: 'pixels',
  inputSize: 4,
  branches: [{ paths: [{ name: 'bare', subsample: 2, layers: [] }] }],
  embedding: 2,
};
const weights = initialWeights(spec, makeRandom(1));
const options = { triplets: 1, threads: 1 };
const anywhere = { requireGpu: false };
const open = (choice: Choice, wishes = anywhere, candidates?: readonly Candidate[]) =>
  openEngine(choice, wishes, spec, weights, options, candidates);

/** An engine that does nothing but tell where it says it runs, and whether it was disposed. */
function fakeCandidate(name: string, onGpu: boolean) {
  const seen = { loaded: 0, disposed: 0 };
  const engine = { name: 'onnx', device: name, onGpu, dispose: async () => void seen.disposed++ } as unknown as Engine;
  const load = async () => {
    seen.loaded++;
    return async () => engine;
  };
  return { candidate: { name, load } satisfies Candidate, engine, seen };
}
const broken = (name: string): Candidate => ({
  name,
  load: async () => () => Promise.reject(new SimiliError('ENGINE_UNAVAILABLE', { engine: name, why: 'no driver' })),
});

// First in this file: nothing here has loaded TensorFlow.js yet.
test('onnx is opened when asked for, and TensorFlow.js is not even loaded', async () => {
  const { engine, reason } = await open('onnx');
  expect(engine.name).toBe('onnx');
  expect(reason).toBe('onnx on cpu (1 thread)');
  expect('_tfengine' in globalThis).toBe(false);
  expect(await engine.embed(new Float32Array(48).fill(0.5), 1)).toHaveLength(2);
  await engine.dispose();
});

test('a machine is given the best engine that it has: a GPU or else onnx, with the reason', async () => {
  const { engine, reason } = await open('auto');
  expect(engine.onGpu ? 'tensorflow' : 'onnx').toBe(engine.name);
  expect(reason).toContain(`${engine.name} on ${engine.device}`);
  if (!engine.onGpu) expect(reason).toContain('tensorflow on a GPU: ');
  await engine.dispose();
});

test('tensorflow is opened when asked for', async () => {
  const { engine } = await open('tensorflow');
  expect(engine.name).toBe('tensorflow');
  await engine.dispose();
});

test('a required GPU that onnx on the CPU is not ends in ENGINE_UNAVAILABLE with the reason', async () => {
  await expect(open('onnx', { requireGpu: true })).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    message: expect.stringContaining('onnx: runs on cpu (1 thread), and a GPU is required'),
  });
});

test('candidates are tried in order, the first that works is taken and later ones are never loaded', async () => {
  const first = fakeCandidate('here', false);
  const later = fakeCandidate('there', true);
  const { engine, reason } = await open('auto', anywhere, [broken('gone'), first.candidate, later.candidate]);
  expect(engine).toBe(first.engine);
  expect(reason).toBe('onnx on here (gone: no driver)');
  expect(later.seen.loaded).toBe(0);
});

test('where a GPU is required, engines without one are disposed and passed over, and every reason is told', async () => {
  const cpu = fakeCandidate('cpu', false);
  const gpu = fakeCandidate('cuda', true);
  expect((await open('auto', { requireGpu: true }, [cpu.candidate, gpu.candidate])).engine).toBe(gpu.engine);
  expect(cpu.seen.disposed).toBe(1);
  const refused = open('auto', { requireGpu: true }, [broken('gone'), cpu.candidate]);
  await expect(refused).rejects.toThrow(/gone: .*no driver; cpu: runs on cpu, and a GPU is required/);
});
