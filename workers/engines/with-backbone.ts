import { backbonePathOf } from '@simili/learning/network/shapes';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { InferenceSession } from 'onnxruntime-common';
import { SimiliError } from 'simili/internal/errors';
import { type BackboneFile, inspectBackbone } from './backbone.ts';
import type { Engine, Features } from './engine.ts';
import { loadRuntime, type Runtime } from './onnx/runtime.ts';

/** Pictures in one pass through a backbone that takes any number. */
const CHUNK = 32;

/**
 * An engine for a spec with a backbone: runs the ONNX file with ONNX Runtime on the CPU in front of `engine`, which reads
 * its outputs as features. The backbone is frozen: no gradient goes into it. Disposes the engine with itself.
 * @throws Error when `bytes` is not the file of the spec; SimiliError IMPORT_UNREADABLE, ENGINE_UNAVAILABLE.
 */
export async function withBackbone(
  engine: Engine,
  bytes: Uint8Array,
  spec: NetworkSpec,
  { threads }: { threads: number },
): Promise<Engine> {
  const path = backbonePathOf(spec);
  if (!path) throw new Error(`Network ${spec.name} has no backbone`);
  const file = inspectBackbone(bytes);
  if (file.backbone.checksum !== path.backbone.checksum) {
    throw new Error(`Network ${spec.name} has another backbone: ${path.backbone.checksum}`);
  }
  if (file.inputSize !== spec.inputSize) {
    throw new Error(`The backbone reads ${file.inputSize} pixels, network ${spec.name} ${spec.inputSize}`);
  }
  const runtime = await loadRuntime();
  const session = await openSession(runtime, bytes, threads);
  const featuresOf = async (pictures: Float32Array, n: number): Promise<Features> => ({
    [path.name]: await runBackbone({ runtime, session, file: { ...file, backbone: path.backbone } }, pictures, n),
  });
  let disposed = false;
  return {
    name: engine.name,
    device: `${engine.device}, its backbone on cpu`,
    onGpu: engine.onGpu,
    setWeights: (weights) => engine.setWeights(weights),
    embed: async (pictures, n) => engine.embed(pictures, n, await featuresOf(pictures, n)),
    async gradients(batch, loss) {
      const n = batch.pictures.length / spec.inputSize ** 2 / 3;
      return engine.gradients({ ...batch, features: await featuresOf(batch.pictures, n) }, loss);
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await session.release();
      await engine.dispose();
    },
  };
}

async function openSession(runtime: Runtime, bytes: Uint8Array, threads: number): Promise<InferenceSession> {
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  try {
    return await runtime.InferenceSession.create(bytes, options);
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: 'the backbone', why: (error as Error).message });
  }
}

type Running = { runtime: Runtime; session: InferenceSession; file: BackboneFile };

/** @returns [n, length] */
async function runBackbone({ runtime, session, file }: Running, pictures: Float32Array, n: number) {
  const { inputSize, backbone, input, output, batch } = file;
  const values = inputSize * inputSize * 3;
  if (!(Number.isInteger(n) && n >= 1 && pictures.length === n * values)) {
    throw new RangeError(`${pictures.length} values are not ${n} pictures of ${inputSize}x${inputSize}x3`);
  }
  const features = new Float32Array(n * backbone.length);
  for (let done = 0; done < n; done += batch ?? CHUNK) {
    const count = Math.min(batch ?? CHUNK, n - done);
    // What a fixed batch has too many stays 0 and is not read.
    const data = new Float32Array((batch ?? count) * values);
    normalise(pictures.subarray(done * values, (done + count) * values), data, file);
    const dims = backbone.layout === 'NCHW' ? [3, inputSize, inputSize] : [inputSize, inputSize, 3];
    const results = await session.run({ [input.name]: new runtime.Tensor(data, [batch ?? count, ...dims]) });
    const found = results[output.name]?.data;
    const wanted = (batch ?? count) * backbone.length * file.pixels;
    if (!(found instanceof Float32Array && found.length === wanted)) {
      throw new Error(
        `The backbone gave ${found?.length ?? 'no'} values of ${output.name} where ${wanted} are expected`,
      );
    }
    average(found, features.subarray(done * backbone.length, (done + count) * backbone.length), file);
  }
  if (!features.every(Number.isFinite))
    throw new SimiliError('IMPORT_UNREADABLE', { source: 'the backbone', why: 'it gives values that are no numbers' });
  return features;
}

/** Ink NHWC -> (rgb - mean) / deviation in the layout of the file. */
function normalise(ink: Float32Array, out: Float32Array, { inputSize, backbone }: BackboneFile): void {
  const { mean, deviation, layout } = backbone;
  const pixels = inputSize * inputSize;
  for (const c of [0, 1, 2] as const) {
    for (let i = 0, at = 0; at < ink.length; i++, at += 3) {
      const to = layout === 'NHWC' ? at + c : (Math.floor(i / pixels) * 3 + c) * pixels + (i % pixels);
      out[to] = (1 - ink[at + c]! - mean[c]) / deviation[c];
    }
  }
}

/** Mean over the pixels of each channel; a vector stays as it is. */
function average(
  values: Float32Array,
  out: Float32Array,
  { pixels, backbone: { length, layout } }: BackboneFile,
): void {
  const [perPixel, perChannel] = layout === 'NCHW' ? [1, pixels] : [length, 1];
  for (let i = 0; i < out.length; i++) {
    const start = Math.floor(i / length) * length * pixels + (i % length) * perChannel;
    let sum = 0;
    for (let p = 0; p < pixels; p++) sum += values[start + p * perPixel]!;
    out[i] = sum / pixels;
  }
}
