import type { Loss } from '@simili/learning/losses/loss';
import { checkWeights } from '@simili/learning/network/check-weights';
import {
  type DropoutLayer,
  describeNetwork,
  dropoutLayers,
  isStatistic,
  weightShapes,
} from '@simili/learning/network/shapes';
import type { NetworkSpec, Tensor, Weights } from '@simili/learning/network/spec';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import type { Engine, EngineOptions, Features, LossGradients, TrainingBatch } from '../engine.ts';
import { lossInputs } from './losses/index.ts';
import { embeddingModel, port, trainingModel } from './models.ts';
import type { Device, Runtime } from './runtime.ts';

/** Pictures in one forward pass: bounds the memory of its intermediate values. */
const CHUNK = 64;

/**
 * Each graph is built when it is first used: a process that only embeds never holds a training graph, and there is one of
 * these for each kind of loss. Calls may not overlap `setWeights`, which frees the graph that embeds.
 */
export class OnnxEngine implements Engine {
  readonly name = 'onnx';
  readonly device: string;
  readonly onGpu: boolean;
  readonly #shapes: Readonly<Record<string, readonly number[]>>;
  readonly #dropouts: readonly DropoutLayer[];
  /** Path -> length of its backbone's output. */
  readonly #backbones: ReadonlyMap<string, number>;
  #weights: Weights;
  /** Has the weights inside, so that the runtime packs them once. */
  #embedding: Promise<InferenceSession> | undefined;
  /** Reads the weights with every step. */
  readonly #training = new Map<Loss['kind'], Promise<InferenceSession>>();
  #disposed = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly on: Device,
    private readonly spec: NetworkSpec,
    weights: Weights,
    private readonly options: EngineOptions,
  ) {
    this.device = on.title;
    this.onGpu = on.onGpu;
    this.#shapes = weightShapes(spec);
    this.#dropouts = dropoutLayers(describeNetwork(spec));
    const paths = spec.branches.flatMap((branch) => branch.paths);
    this.#backbones = new Map(paths.flatMap(({ name, backbone }) => (backbone ? [[name, backbone.length]] : [])));
    this.#weights = copyOf(spec, weights);
  }

  async setWeights(weights: Weights): Promise<void> {
    this.#checkOpen();
    checkWeights(this.spec, weights);
    // Into the copies that are there: fresh memory is slow, and this is done at every step.
    for (const [name, { data }] of Object.entries(this.#weights)) data.set((weights[name] as Tensor).data);
    const stale = this.#embedding;
    this.#embedding = undefined;
    await (await stale)?.release();
  }

  /** @throws RangeError when the values are not those of n pictures. */
  async embed(pictures: Float32Array, n: number, features: Features = {}): Promise<Float32Array> {
    this.#checkOpen();
    const inputs = this.#inputs(pictures, n, features);
    this.#embedding ??= this.on.open(embeddingModel(this.spec, this.#weights), true);
    const session = await this.#embedding;
    const embeddings = new Float32Array(n * this.spec.embedding);
    for (let done = 0; done < n; done += CHUNK) {
      const end = Math.min(n, done + CHUNK);
      const results = await session.run(this.#feeds(session, rowsOf(inputs, done, end)));
      embeddings.set(valuesOf(results, port.embeddings), done * this.spec.embedding);
    }
    return embeddings;
  }

  /** @throws RangeError when the batch or the loss are not of the engine's size. */
  async gradients(batch: TrainingBatch, loss: Loss): Promise<LossGradients> {
    this.#checkOpen();
    const n = this.options.batch;
    const inputs = {
      ...this.#weights,
      ...this.#inputs(batch.pictures, n, batch.features),
      ...this.#masks(batch.masks),
      ...lossInputs(loss, n, this.spec.embedding, this.spec.proxies),
    };
    const session = await this.#trainingFor(loss.kind);
    const results = await session.run(this.#feeds(session, inputs));
    const scalar = (name: string) => valuesOf(results, name)[0] ?? Number.NaN;
    const tensors = (names: readonly string[], from: (name: string) => string): Weights =>
      Object.fromEntries(
        names.map((name) => [name, { shape: this.#shapes[name] ?? [], data: valuesOf(results, from(name)) }]),
      );
    const names = Object.keys(this.#shapes);
    return {
      loss: scalar(port.loss),
      activeShare: scalar(port.activeShare),
      gradients: tensors(
        names.filter((name) => !isStatistic(name)),
        port.gradientOf,
      ),
      statistics: tensors(names.filter(isStatistic), port.statisticOf),
    };
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const sessions = await Promise.all([this.#embedding, ...this.#training.values()]);
    await Promise.all(sessions.map((session) => session?.release()));
  }

  #trainingFor(kind: Loss['kind']): Promise<InferenceSession> {
    const opened = this.#training.get(kind);
    if (opened) return opened;
    const session = this.on.open(trainingModel(this.spec, kind, this.options.batch, this.on), false);
    this.#training.set(kind, session);
    return session;
  }

  /** Pictures and features of n pictures. */
  #inputs(pictures: Float32Array, n: number, features: Features = {}): Record<string, Tensor> {
    const { inputSize } = this.spec;
    const shape = [n, inputSize, inputSize, 3];
    const inputs: Record<string, Tensor> = {};
    inputs[port.pictures] = tensor(`${n} pictures of ${inputSize}x${inputSize}x3`, shape, pictures);
    for (const [path, length] of this.#backbones)
      inputs[port.featuresOf(path)] = tensor(`features [${n}, ${length}] of path ${path}`, [n, length], features[path]);
    return inputs;
  }

  #masks(masks: TrainingBatch['masks'] = {}): Record<string, Tensor> {
    const n = this.options.batch;
    return Object.fromEntries(
      this.#dropouts.map(({ name, length }) => [
        port.maskOf(name),
        tensor(`mask [${n}, ${length}] of ${name}`, [n, length], masks[name]),
      ]),
    );
  }

  /** Inputs of this graph: a running statistic takes no part in training. */
  #feeds({ inputNames }: InferenceSession, inputs: Readonly<Record<string, Tensor>>): Record<string, OrtTensor> {
    const { Tensor } = this.runtime;
    return Object.fromEntries(
      inputNames.map((name) => {
        const { shape, data } = inputs[name] as Tensor;
        return [name, new Tensor(data, shape)];
      }),
    );
  }

  #checkOpen(): void {
    if (this.#disposed) throw new Error('This engine was disposed');
  }
}

function tensor(what: string, shape: readonly number[], data?: Float32Array): Tensor {
  const length = shape.reduce((product, side) => product * side, 1);
  if (length >= 1 && data?.length === length) return { shape, data };
  throw new RangeError(`${data?.length ?? 'no'} values are not the ${what}`);
}

/** `[start, end)` of every input's first axis. */
const rowsOf = (inputs: Readonly<Record<string, Tensor>>, start: number, end: number): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(
      ([
        name,
        {
          shape: [n = 1, ...rest],
          data,
        },
      ]) => {
        const row = data.length / n;
        return [name, { shape: [end - start, ...rest], data: data.subarray(start * row, end * row) }];
      },
    ),
  );

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
