import { describe, expect, test } from 'vitest';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import type { NetworkSpec } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SimiliError } from '../../src/errors.ts';
import type { Engine, LossGradients } from '../../workers/engines/engine.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { type Candidate, type Choice, candidatesFor, openEngine } from '../../workers/engines/open-engine.ts';
import { type Probe, probe } from '../../workers/engines/probe.ts';
import { checkEngine, PROBE_LOSS, probeInputs, probeLoss, probeSpec } from '../../workers/engines/probe-step.ts';
import { exactWeights, trainExactly } from '../support/oracle-network.ts';

/** Every engine is tried in a process of its own. */
const slow = { timeout: 120_000 };

const spec: NetworkSpec = {
  name: 'pixels',
  inputSize: 4,
  branches: [{ paths: [{ name: 'bare', subsample: 2, layers: [] }] }],
  embedding: 2,
};
const weights = initialWeights(spec, makeRandom(1));
const options = { batch: 3, threads: 1 };
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

test(
  'a machine is given the best engine that it has: a GPU or else onnx, and is told of that one only',
  slow,
  async () => {
    const { engine, reason } = await open('auto');
    if (!engine.onGpu) expect(engine.name).toBe('onnx');
    expect(reason).toBe(`${engine.name} on ${engine.device}`);
    await engine.dispose();
  },
);

test('tensorflow is opened when asked for, on the best that there is', slow, async () => {
  const { engine } = await open('tensorflow');
  expect(engine.name).toBe('tensorflow');
  await engine.dispose();
});

test('an engine asked for by name is opened without a probe', async () => {
  const { engine, reason } = await open('onnx');
  expect(reason).toBe('onnx on cpu (1 thread)');
  await engine.dispose();
  for (const choice of ['onnx', 'onnx-cuda', 'onnx-webgpu', 'tensorflow-webgpu'] as const) {
    expect(candidatesFor(choice).map(({ name, probe: tried }) => [name, tried])).toEqual([[choice, undefined]]);
  }
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
  expect(reason).toBe('onnx on here');
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

describe('a probe', () => {
  const works = { works: true, device: 'webgpu: some adapter', speed: null } as const;
  const probing = (found: Probe, gpuOnly = false) => {
    const fake = fakeCandidate('here', found.works && found.onGpu);
    return { ...fake, candidate: { ...fake.candidate, gpuOnly, probe: async () => found } satisfies Candidate };
  };
  const last = fakeCandidate('cpu', false);

  test('that fails keeps its engine from being loaded', async () => {
    const crashing = probing({ works: false, why: 'ends its process (SIGSEGV)' });
    const { reason } = await open('auto', anywhere, [crashing.candidate, last.candidate]);
    expect(reason).toBe('onnx on cpu');
    expect(crashing.seen.loaded).toBe(0);
  });

  test('of a software adapter keeps an engine out that is for GPUs only', async () => {
    const software = probing({ ...works, onGpu: false }, true);
    const { reason } = await open('auto', anywhere, [software.candidate, last.candidate]);
    expect(reason).toBe('onnx on cpu');
    expect(software.seen.loaded).toBe(0);
    const gpu = probing({ ...works, onGpu: true }, true);
    expect((await open('auto', { requireGpu: true }, [gpu.candidate, last.candidate])).engine).toBe(gpu.engine);
  });

  test('takes a step on a real engine once in a process', slow, async () => {
    const first = probe('onnx');
    expect(probe('onnx')).toBe(first);
    expect(await first).toEqual({ works: true, device: 'cpu (1 thread)', onGpu: false, speed: null });
  });

  test('knows its loss, which plain loops in float64 find too', () => {
    const { weights: own, pictures } = probeInputs();
    expect(trainExactly(probeSpec, exactWeights(own), { pictures }, probeLoss).loss).toBeCloseTo(PROBE_LOSS, 5);
  });

  test('refuses an engine whose loss, or whose gradient, is wrong', async () => {
    const lying = (change: (found: LossGradients) => LossGradients) =>
      checkEngine(async (...args) => {
        const engine = await openOnnxEngine(...args);
        return {
          name: engine.name,
          device: engine.device,
          onGpu: engine.onGpu,
          setWeights: (own) => engine.setWeights(own),
          embed: (...pictures) => engine.embed(...pictures),
          gradients: async (...batch) => change(await engine.gradients(...batch)),
          dispose: () => engine.dispose(),
        } satisfies Engine;
      });
    await expect(lying((found) => found)).resolves.toEqual({ device: 'cpu (1 thread)', onGpu: false });
    await expect(lying((found) => ({ ...found, loss: Number.NaN }))).rejects.toThrow('computes wrongly, a loss is NaN');
    const turned = (found: LossGradients) => {
      const [name, { shape, data }] = Object.entries(found.gradients)[0]!;
      return { ...found, gradients: { ...found.gradients, [name]: { shape, data: data.map((value) => -value) } } };
    };
    await expect(lying(turned)).rejects.toThrow('computes wrongly, the loss after a step');
  });
});
