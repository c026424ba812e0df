import type { InferenceSession } from 'onnxruntime-node';
import { SimiliError } from '../../../src/errors.ts';
import { checkWeights } from '../../../src/learning/network/check-weights.ts';
import { weightShapes } from '../../../src/learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../../src/learning/network/spec.ts';
import type { Engine, EngineOptions, Loss, LossGradients, OpenEngine } from '../engine.ts';
import { embeddingModel, port, trainingModel } from './network.ts';

type Runtime = typeof import('onnxruntime-node');

/** Pictures in one forward pass: bounds the memory of its intermediate values. */
const CHUNK = 64;

/** ONNX Runtime on the CPU. The same call gives the same bits. */
export const openOnnxEngine: OpenEngine = async (spec, weights, options) => {
  const runtime = await loadRuntime();
  return new OnnxEngine(runtime, spec, weights, options);
};

async function loadRuntime(): Promise<Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new SimiliError('ENGINE_UNAVAILABLE', {
      engine: 'onnx',
      why: `onnxruntime-node does not load: ${error}`,
    });
  }
}

/**
 * Each graph is built when it is first used: a process that only embeds never holds a training graph. Calls may not
 * overlap `setWeights`, which frees the graph that embeds.
 */
class OnnxEngine implements Engine {
  readonly name = 'onnx';
  readonly onGpu = false;
  readonly device: string;
  #weights: Weights;
  /** Has the weights inside, so that the runtime packs them once. */
  #embedding: Promise<InferenceSession> | undefined;
  /** Reads the weights with every step. */
  #training: Promise<InferenceSession> | undefined;
  #disposed = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly spec: NetworkSpec,
    weights: Weights,
    private readonly options: EngineOptions,
  ) {
    this.device = `cpu (${options.threads} ${options.threads === 1 ? 'thread' : 'threads'})`;
    this.#weights = copyOf(spec, weights);
  }

  async setWeights(weights: Weights): Promise<void> {
    this.#checkOpen();
    this.#weights = copyOf(this.spec, weights);
    const stale = this.#embedding;
    this.#embedding = undefined;
    await (await stale)?.release();
  }

  async embed(pictures: Float32Array, n: number): Promise<Float32Array> {
    this.#checkOpen();
    this.#checkPictures(pictures, n);
    this.#embedding ??= this.#openSession(embeddingModel(this.spec, this.#weights));
    const session = await this.#embedding;
    const { inputSize, embedding } = this.spec;
    const embeddings = new Float32Array(n * embedding);
    for (let done = 0; done < n; done += CHUNK) {
      const count = Math.min(CHUNK, n - done);
      const chunk = pictures.subarray(done * inputSize * inputSize * 3, (done + count) * inputSize * inputSize * 3);
      const results = await session.run({ [port.pictures]: this.#pictureTensor(chunk, count) });
      embeddings.set(valuesOf(results, port.embeddings), done * embedding);
    }
    return embeddings;
  }

  async gradients(pictures: Float32Array, loss: Loss): Promise<LossGradients> {
    this.#checkOpen();
    const n = 3 * this.options.triplets;
    this.#checkPictures(pictures, n);
    this.#training ??= this.#openSession(trainingModel(this.spec, this.options.triplets));
    const session = await this.#training;
    const { Tensor } = this.runtime;
    const feeds = Object.entries(this.#weights).map(
      ([name, { shape, data }]) => [name, new Tensor(data, shape)] as const,
    );
    const results = await session.run({
      ...Object.fromEntries(feeds),
      [port.pictures]: this.#pictureTensor(pictures, n),
      [port.gap]: new Tensor(Float32Array.of(loss.gap), []),
    });
    const gradients: Weights = {};
    for (const [name, shape] of Object.entries(weightShapes(this.spec))) {
      gradients[name] = { shape, data: valuesOf(results, port.gradientOf(name)) };
    }
    const scalar = (name: string) => valuesOf(results, name)[0] ?? Number.NaN;
    return { loss: scalar(port.loss), activeShare: scalar(port.activeShare), gradients };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const sessions = await Promise.all([this.#embedding, this.#training]);
    await Promise.all(sessions.map((session) => session?.release()));
  }

  #openSession(model: Uint8Array): Promise<InferenceSession> {
    return this.runtime.InferenceSession.create(model, {
      intraOpNumThreads: this.options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
  }

  #pictureTensor = (pictures: Float32Array, n: number) =>
    new this.runtime.Tensor(pictures, [n, this.spec.inputSize, this.spec.inputSize, 3]);

  #checkPictures(pictures: Float32Array, n: number): void {
    const { inputSize } = this.spec;
    if (n >= 1 && pictures.length === n * inputSize * inputSize * 3) return;
    throw new RangeError(`${pictures.length} values are not ${n} pictures of ${inputSize}x${inputSize}x3`);
  }

  #checkOpen(): void {
    if (this.#disposed) throw new Error('This engine was disposed');
  }
}

function copyOf(spec: NetworkSpec, weights: Weights): Weights {
  checkWeights(spec, weights);
  const copies = Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]);
  return Object.fromEntries(copies);
}

function valuesOf(results: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const values = results[name]?.data;
  if (!(values instanceof Float32Array)) throw new Error(`The graph gave no ${name}`);
  return values;
}
