import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import type { NetworkSpec, Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { SimiliError } from '../../src/errors.ts';
import { probe, tryOut } from '../../workers/engines/probe.ts';
import { loadGpuBackend, loadInstalledBackend } from '../../workers/engines/tensorflow/backend.ts';
import {
  openJavaScriptEngine,
  openTensorflowEngine,
  openTensorflowGpuEngine,
} from '../../workers/engines/tensorflow/index.ts';
import { costsOf } from '../../workers/engines/tensorflow/losses.ts';
import { describeEngine } from '../contract/engine.contract.ts';

/** Every kind of layer, and two paths under one norm, as small as it goes. */
const spec: NetworkSpec = {
  name: 'specimen',
  inputSize: 8,
  branches: [
    {
      paths: [
        {
          name: 'trunk',
          subsample: 1,
          layers: [
            { type: 'orientation', bins: 3, pool: 2 },
            { type: 'conv', name: 'conv', kernel: 3, stride: 1, filters: 4 },
            { type: 'maxPool', size: 2 },
            { type: 'relu' },
            { type: 'dense', name: 'dense', units: 5 },
          ],
        },
      ],
    },
    {
      paths: [2, 4].map((subsample) => ({
        name: `low${subsample}`,
        subsample,
        layers: [{ type: 'conv', name: 'conv', kernel: 3, stride: 2, filters: 2 }],
      })),
    },
  ],
  embedding: 3,
};
const picture = 8 * 8 * 3;
const options = { batch: 6, threads: 1 };
const loss = { kind: 'tripletHinge', gaps: Float32Array.of(0.5, 0.5) } as const;
const weights = initialWeights(spec, makeRandom(1));
const pictures = (n: number) => {
  const random = makeRandom(2);
  return Float32Array.from({ length: n * picture }, () => random.next());
};

test('TensorFlow.js is loaded when an engine is opened, not on import nor to find a GPU package missing', async () => {
  const isLoaded = () => '_tfengine' in globalThis;
  expect(isLoaded()).toBe(false);
  await expect(loadGpuBackend('no-such-package')).rejects.toThrow('is not installed');
  expect(isLoaded()).toBe(false);
  await (await openTensorflowEngine(spec, weights, options)).dispose();
  expect(isLoaded()).toBe(true);
});

// Slow: the arithmetic on a machine without native TensorFlow.
describeEngine('tensorflow in JavaScript', openJavaScriptEngine);

describe('the triplet hinge', () => {
  test('worked by hand: nothing when the negative is far, the spread plus the gap when it is the nearer', async () => {
    const tf = await import('@tensorflow/tfjs-core');
    const [right, up, left] = [
      [1, 0],
      [0, 1],
      [-1, 0],
    ] as [number[], number[], number[]];
    const hinges = tf.tidy(() => {
      const [q, p, n] = [
        [right, right, up],
        [right, left, right],
        [left, right, left],
      ].map((rows) => tf.tensor2d(rows));
      const embeddings = tf.concat2d([q!, p!, n!], 0);
      const gaps = Float32Array.of(0.3, 0.3, 0.6);
      return costsOf(
        tf,
        { kind: 'tripletHinge', gaps },
        { linear: embeddings, embeddings, proxies: null },
      ).costs.arraySync();
    });
    // squared distances to positive and negative: 0 and 4, 4 and 0, 2 and 2
    expect(hinges).toEqual([0, expect.closeTo(4.3, 5), expect.closeTo(0.6, 5)]);
  });

  test('costs the gap and pulls nowhere when positive and negative are one picture', async () => {
    const engine = await openJavaScriptEngine(spec, weights, options);
    const [queries, others] = [pictures(4).subarray(0, 2 * picture), pictures(4).subarray(2 * picture)];
    const result = await engine.gradients({ pictures: Float32Array.of(...queries, ...others, ...others) }, loss);
    await engine.dispose();
    expect(result).toMatchObject({
      loss: expect.closeTo(0.5, 6),
      activeShare: 1,
    });
    for (const { data } of Object.values(result.gradients)) {
      for (const value of data) expect(value).toBeCloseTo(0, 6);
    }
  });

  test('has the gradient that moving every weight and embedding again measures', async () => {
    const engine = await openJavaScriptEngine(spec, weights, options);
    const batch = pictures(6);
    const { loss: cost, gradients } = await engine.gradients({ pictures: batch }, loss);
    const costAt = async (at: Weights) => {
      await engine.setWeights(at);
      return meanHinge(await engine.embed(batch, 6), 0.5);
    };
    expect(cost).toBeCloseTo(await costAt(weights), 5);
    for (const [name, gradient] of Object.entries(gradients)) {
      // Along the gradient itself the slope is its length, well above the noise of float32.
      const length = Math.hypot(...gradient.data);
      const step = 1e-3 / length;
      const moved = (sign: number): Weights => ({
        ...weights,
        [name]: {
          ...gradient,
          data: gradient.data.map((g, i) => weights[name]!.data[i]! + sign * step * g),
        },
      });
      const slope = ((await costAt(moved(1))) - (await costAt(moved(-1)))) / 2e-3;
      expect(slope / length, name).toBeCloseTo(1, 2);
    }
    await engine.dispose();
  });
});

describe('memory', () => {
  test('no call leaves a tensor behind, new weights replace the old ones, and dispose frees everything', async () => {
    const { memory } = await import('@tensorflow/tfjs-core');
    const before = memory().numTensors;
    const engine = await openJavaScriptEngine(spec, weights, options);
    const open = memory().numTensors;
    expect(open - before).toBe(Object.keys(weights).length + 1); // and the orientation kernel
    await engine.gradients({ pictures: pictures(6) }, loss);
    await engine.embed(pictures(65), 65);
    await engine.setWeights(weights);
    await expect(engine.embed(pictures(2), 3)).rejects.toThrow('are not the 3 pictures of 8x8x3');
    await expect(engine.gradients({ pictures: pictures(3) }, loss)).rejects.toThrow('are not the 6 pictures of 8x8x3');
    await expect(engine.setWeights({})).rejects.toThrow('needs a weight trunk.conv.kernel');
    expect(memory().numTensors).toBe(open);
    await engine.dispose();
    await expect(openJavaScriptEngine(spec, {}, options)).rejects.toThrow('trunk.conv.kernel');
    expect(memory().numTensors).toBe(before);
  });

  test('the engine keeps its own copy of the weights and hands out arrays that it does not keep', async () => {
    const own = initialWeights(spec, makeRandom(1));
    const engine = await openJavaScriptEngine(spec, own, options);
    const first = await engine.embed(pictures(1), 1);
    const expected = [...first];
    for (const { data } of Object.values(own)) data.fill(0);
    first.fill(0);
    expect([...(await engine.embed(pictures(1), 1))]).toEqual(expected);
    await engine.dispose();
  });

  test('pictures past one forward pass come out in order, each as if alone', async () => {
    const engine = await openJavaScriptEngine(spec, weights, options);
    const many = await engine.embed(pictures(130), 130);
    const alone = await engine.embed(pictures(130).slice(129 * picture), 1);
    await engine.dispose();
    expect([...many.subarray(129 * 3)]).toEqual([...alone].map((value) => expect.closeTo(value, 5)));
  });
});

describe('backends', () => {
  /** Packages that fail in the ways native ones do. */
  const sick = { throws: '', loads: '', crashes: '', lies: '', gpuless: '' };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simili-tensorflow-'));
    const write = async (name: keyof typeof sick, code: string) => {
      sick[name] = join(folder, `${name}.cjs`);
      await writeFile(sick[name], code);
    };
    await write('loads', 'module.exports = {};');
    await write('throws', 'throw new Error("libcudart.so.11.0: cannot open shared object file\\n  and a stack");');
    await write('crashes', 'process.abort();');
    await write(
      'lies',
      nativeLike(`tf.registerKernel({ kernelName: 'Conv2D', backendName: 'tensorflow',
      kernelFunc: () => tf.zeros([1, 3, 3, 1]) });`),
    );
    await write('gpuless', nativeLike(''));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A file with an engine that runs on a package: what a probe may be sent to try. */
  const engineOn = async (name: string, path: string) => {
    const file = join(folder, `${name}.mts`);
    const module = (url: string) => JSON.stringify(new URL(url, import.meta.url).href);
    const code = `import { loadNativeBackend } from ${module('../../workers/engines/tensorflow/backend.ts')};
      import { TensorflowEngine } from ${module('../../workers/engines/tensorflow/tensorflow-engine.ts')};
      export const open = async (...args) =>
        TensorflowEngine.open(await loadNativeBackend(${JSON.stringify(path)}), ...args);`;
    await writeFile(file, code);
    return file;
  };

  test('a package that is missing, broken, empty, crashing or wrong costs one line', async () => {
    const packages = { missing: 'no-such-package', ...sick };
    const found = [];
    for (const [name, path] of Object.entries(packages)) found.push(await tryOut(await engineOn(`on-${name}`, path)));
    expect(found).toEqual([
      { works: false, why: expect.stringContaining('no-such-package is not installed') },
      { works: false, why: expect.stringMatching(/does not load$/) },
      { works: false, why: expect.stringMatching(/does not load$/) },
      { works: false, why: 'ends its process (SIGABRT)' },
      { works: false, why: expect.stringContaining('computes wrongly') },
      { works: true, onGpu: false, device: expect.stringMatching(/^cpu/), speed: null },
    ]);
  });

  test('of native packages the last one tried tells why there is none', async () => {
    await expect(loadInstalledBackend([sick.throws, 'no-such-package'])).rejects.toThrow('no-such-package');
    await expect(loadInstalledBackend(['no-such-package', sick.throws])).rejects.toThrow('libcudart.so.11.0');
  });

  test('the GPU engine opens exactly when its probe says that there is a GPU', async () => {
    const found = await probe('tensorflow-gpu');
    const opened = openTensorflowGpuEngine(spec, weights, options).then(
      (engine) => engine.dispose().then(() => engine.device),
      (error: SimiliError) => error.code,
    );
    expect(await opened).toBe(found.works ? 'cuda (tfjs-node-gpu)' : 'ENGINE_UNAVAILABLE');
  });

  test('asking for a GPU that is not there fails with the reason, never with a CPU in disguise', async () => {
    const refusal = (why: string) => ({ code: 'ENGINE_UNAVAILABLE', message: expect.stringContaining(why) });
    await expect(loadGpuBackend('no-such-package')).rejects.toMatchObject(refusal('no-such-package is not installed'));
    await expect(loadGpuBackend(sick.gpuless)).rejects.toMatchObject(refusal('sees no GPU that it can use'));
  });
});

const tensorflowFile = (part: string) => createRequire(import.meta.url).resolve(`@tensorflow/tfjs-${part}`);

/** A package that registers, as native ones do, a backend named tensorflow: here the JavaScript one, without a GPU. */
const nativeLike = (more: string) => `
  const tf = require(${JSON.stringify(tensorflowFile('core'))});
  require(${JSON.stringify(tensorflowFile('backend-cpu'))});
  tf.registerBackend('tensorflow', tf.findBackendFactory('cpu'));
  tf.copyRegisteredKernels('cpu', 'tensorflow');
  ${more}`;

/** The definition again in plain numbers: embeddings [3B, 3] as queries, positives, negatives. */
function meanHinge(embeddings: Float32Array, gap: number): number {
  const triplets = embeddings.length / 9;
  const row = (i: number) => [...embeddings.subarray(3 * i, 3 * i + 3)];
  const distance = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  let sum = 0;
  for (let i = 0; i < triplets; i++) {
    const [q, p, n] = [row(i), row(triplets + i), row(2 * triplets + i)];
    sum += Math.max(0, gap + distance(q, p) - distance(q, n));
  }
  return sum / triplets;
}
