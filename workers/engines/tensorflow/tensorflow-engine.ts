import type { Loss } from '@simili/learning/losses/loss';
import { checkWeights } from '@simili/learning/network/check-weights';
import {
  type DropoutLayer,
  describeNetwork,
  dropoutLayers,
  isStatistic,
  weightShapes,
} from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import type { Scalar, Tensor2D, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { Engine, EngineOptions, Features, LossGradients, TrainingBatch } from '../engine.ts';
import type { Backend, TensorFlow } from './backend.ts';
import type { Inputs } from './layers.ts';
import { type Costs, checkLoss, costsOf } from './losses.ts';
import { buildNetwork, type Network } from './network.ts';

/** Pictures in one forward pass: bounds the memory of its intermediate values. */
const CHUNK = 64;

/** Holds the weights and the fixed kernels on the device; every other tensor lives within one call. */
export class TensorflowEngine implements Engine {
  readonly name = 'tensorflow';
  readonly device: string;
  readonly onGpu: boolean;
  private readonly tf: TensorFlow;
  private readonly shapes: Record<string, readonly number[]>;
  private readonly dropouts: readonly DropoutLayer[];
  /** Path -> length of its backbone's output. */
  private readonly backbones: ReadonlyMap<string, number>;
  private network: Network | undefined;
  private weights = new Map<string, TfTensor>();
  private disposed = false;

  private constructor(
    private readonly backend: Backend,
    private readonly spec: NetworkSpec,
    private readonly options: EngineOptions,
  ) {
    this.tf = backend.tf;
    this.device = backend.device;
    this.onGpu = backend.onGpu;
    this.shapes = weightShapes(spec);
    this.dropouts = dropoutLayers(describeNetwork(spec));
    const paths = spec.branches.flatMap((branch) => branch.paths);
    this.backbones = new Map(paths.flatMap(({ name, backbone }) => (backbone ? [[name, backbone.length]] : [])));
  }

  /** @throws Error when the weights are not those of the spec. */
  static async open(backend: Backend, spec: NetworkSpec, weights: Weights, options: EngineOptions): Promise<Engine> {
    const engine = new TensorflowEngine(backend, spec, options);
    await engine.setWeights(weights);
    return engine;
  }

  /** @throws Error when a weight is missing or has another shape than the spec says. */
  async setWeights(weights: Weights): Promise<void> {
    checkWeights(this.spec, weights);
    // Copies: TensorFlow.js keeps the array it is given as the tensor's memory.
    const values = Object.entries(this.shapes).map(
      ([name, shape]) => [name, shape, weights[name]?.data.slice() ?? new Float32Array()] as const,
    );
    await this.use();
    this.network ??= buildNetwork(this.tf, this.spec);
    this.tf.dispose([...this.weights.values()]);
    this.weights = new Map(values.map(([name, shape, data]) => [name, this.tf.tensor(data, [...shape])]));
  }

  /** @throws RangeError when the values are not those of n pictures. */
  async embed(pictures: Float32Array, n: number, features: Features = {}): Promise<Float32Array> {
    this.checkInputs(pictures, n, features);
    await this.use();
    const embeddings = this.tf.tidy(() => {
      const chunks: Tensor2D[] = [];
      for (let start = 0; start < n; start += CHUNK) {
        const inputs = () => this.inputs(pictures, features, start, Math.min(start + CHUNK, n));
        chunks.push(this.tf.tidy(() => this.run(this.weights, inputs()).embeddings)); // [<= CHUNK, D]
      }
      return this.tf.concat2d(chunks, 0); // [n, D]
    });
    return read(embeddings);
  }

  /** @throws RangeError when the batch or the loss are not of the engine's size. */
  async gradients(batch: TrainingBatch, loss: Loss): Promise<LossGradients> {
    const { batch: n } = this.options;
    this.checkInputs(batch.pictures, n, batch.features);
    for (const { name, length } of this.dropouts) {
      checkLength(`mask [${n}, ${length}] of ${name}`, batch.masks?.[name], n * length);
    }
    checkLoss(loss, n, this.spec.embedding, this.spec.proxies);
    await this.use();
    const { costs, active, count, gradients, statistics } = this.differentiate(batch, loss);
    const [cost, share, ...values] = await Promise.all([costs, active, ...gradients, ...statistics.values()].map(read));
    return {
      loss: sum(cost) / count,
      activeShare: sum(share) / count,
      gradients: this.named(
        [...this.weights.keys()].filter((name) => !isStatistic(name)),
        values,
      ),
      statistics: this.named([...statistics.keys()], values.slice(gradients.length)),
    };
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    this.tf.dispose([...this.weights.values()]);
    this.network?.dispose();
  }

  /** Costs per row or triplet, gradients of their mean in the weights' order, and the batch's statistics by name. */
  private differentiate(
    batch: TrainingBatch,
    loss: Loss,
  ): Costs & { gradients: TfTensor[]; statistics: Map<string, TfTensor> } {
    const { tf } = this;
    const n = this.options.batch;
    const trained = [...this.weights].filter(([name]) => !isStatistic(name));
    const statistics = new Map<string, TfTensor>();
    let found: Costs | undefined;
    const meanCost = (...tensors: TfTensor[]): Scalar => {
      const weights = new Map([
        ...this.weights,
        ...trained.map(([name], i) => [name, tensors[i] as TfTensor] as const),
      ]);
      const training = {
        masks: this.masks(batch.masks ?? {}),
        onStatistic: (name: string, value: TfTensor) => void statistics.set(name, tf.keep(value)),
      };
      const rows = this.run(weights, { ...this.inputs(batch.pictures, batch.features ?? {}, 0, n), training });
      found = costsOf(tf, loss, rows);
      tf.keep(found.costs);
      tf.keep(found.active);
      return found.costs.sum().div(found.count);
    };
    const gradients = tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads(meanCost)(trained.map(([, tensor]) => tensor));
      value.dispose();
      return grads;
    });
    return { ...(found as unknown as Costs), gradients, statistics };
  }

  private run(weights: ReadonlyMap<string, TfTensor>, inputs: Inputs) {
    if (!this.network) throw new Error('This engine has no weights yet');
    return this.network.run(weights, inputs);
  }

  /** Pictures `start` to `end` (excluded) on the device, with their features. */
  private inputs(pictures: Float32Array, features: Features, start: number, end: number): Inputs {
    const side = this.spec.inputSize;
    const length = side * side * 3;
    const own = [...this.backbones].map(([path, width]) => {
      const values = features[path]?.slice(start * width, end * width) ?? new Float32Array();
      return [path, this.tf.tensor2d(values, [end - start, width])] as const;
    });
    return {
      pictures: this.tf.tensor4d(pictures.slice(start * length, end * length), [end - start, side, side, 3]),
      features: new Map(own),
    };
  }

  private masks(masks: NonNullable<TrainingBatch['masks']>): Map<string, Tensor2D> {
    const n = this.options.batch;
    const tensors = this.dropouts.map(({ name, length }) => {
      const values = masks[name]?.slice() ?? new Float32Array();
      return [name, this.tf.tensor2d(values, [n, length])] as const;
    });
    return new Map(tensors);
  }

  private checkInputs(pictures: Float32Array, n: number, features: Features = {}): void {
    const side = this.spec.inputSize;
    if (!(n >= 1)) throw new RangeError(`${n} pictures are none`);
    checkLength(`${n} pictures of ${side}x${side}x3`, pictures, n * side * side * 3);
    for (const [path, length] of this.backbones) {
      checkLength(`features [${n}, ${length}] of path ${path}`, features[path], n * length);
    }
  }

  private async use(): Promise<void> {
    if (this.disposed) throw new Error('This engine was disposed');
    await this.backend.use();
  }

  private named(names: readonly string[], values: readonly Float32Array[]): Weights {
    return Object.fromEntries(
      names.map((name, i) => [name, { shape: this.shapes[name] ?? [], data: values[i] as Float32Array }]),
    );
  }
}

function checkLength(what: string, values: Float32Array | undefined, length: number): void {
  if (values?.length !== length) throw new RangeError(`${values?.length ?? 'no'} values are not the ${what}`);
}

/** In double precision. */
const sum = (values: Float32Array = new Float32Array()): number => values.reduce((total, value) => total + value, 0);

/** Fetches a tensor's values and frees it. */
async function read(tensor: TfTensor): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}
