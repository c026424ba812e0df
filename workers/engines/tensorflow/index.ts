import type { Tensor2D, Tensor4D, Tensor as TfTensor } from '@tensorflow/tfjs';
import { SimiliError } from '../../../src/errors.ts';
import { orientationKernel } from '../../../src/learning/network/orientation.ts';
import { elements, weightShapes } from '../../../src/learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../../src/learning/network/spec.ts';
import type { Engine, EngineOptions, Loss, LossGradients, OpenEngine } from '../engine.ts';
import { type Backend, loadBestBackend, loadGpuBackend, loadJavaScriptBackend, type TensorFlow } from './backend.ts';
import { embedPictures, type Parameters, tripletHinge } from './network.ts';

export { type BackendReport, tensorflowBackends } from './backend.ts';

/** On the best backend here: tfjs-node-gpu, tfjs-node, else pure JavaScript. Loads TensorFlow.js when called, not before. */
export const openTensorflowEngine: OpenEngine = async (spec, weights, options) =>
  openOn(loadBestBackend, spec, weights, options);

/** On a GPU or not at all. */
export const openTensorflowGpuEngine: OpenEngine = async (spec, weights, options) =>
  openOn(loadGpuBackend, spec, weights, options);

/** On the pure JavaScript backend: slow, runs everywhere. */
export const openJavaScriptEngine: OpenEngine = async (spec, weights, options) =>
  openOn(loadJavaScriptBackend, spec, weights, options);

/** Pictures in one forward pass: bounds the memory of its intermediate values. */
const CHUNK = 64;

async function openOn(load: () => Promise<Backend>, spec: NetworkSpec, weights: Weights, options: EngineOptions) {
  const backend = await load().catch((error: unknown) => {
    if (error instanceof SimiliError) throw error;
    throw new SimiliError('ENGINE_UNAVAILABLE', {
      engine: 'tensorflow',
      why: String(error),
    });
  });
  const engine = new TensorflowEngine(backend, spec, options);
  try {
    await engine.setWeights(weights);
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

/** Holds the weights and the fixed kernels on the device; every other tensor lives within one call. */
class TensorflowEngine implements Engine {
  readonly name = 'tensorflow';
  readonly device: string;
  readonly onGpu: boolean;
  private readonly tf: TensorFlow;
  private readonly shapes: Record<string, readonly number[]>;
  private parameters: Parameters;

  constructor(
    private readonly backend: Backend,
    private readonly spec: NetworkSpec,
    private readonly options: EngineOptions,
  ) {
    this.tf = backend.tf;
    this.device = backend.device;
    this.onGpu = backend.onGpu;
    this.shapes = weightShapes(spec);
    this.parameters = {
      weights: new Map(),
      orientationKernels: orientationKernels(this.tf, spec),
    };
  }

  /** @throws Error when a weight is missing or has another shape than the spec says. */
  async setWeights(weights: Weights): Promise<void> {
    const values = Object.entries(this.shapes).map(([name, shape]) => [name, valuesOf(weights, name, shape)] as const);
    await this.backend.use();
    this.tf.dispose([...this.parameters.weights.values()]);
    const tensors = values.map(([name, data]) => [name, this.tf.tensor(data, [...(this.shapes[name] ?? [])])] as const);
    this.parameters = { ...this.parameters, weights: new Map(tensors) };
  }

  /** @throws Error when `pictures` does not hold n pictures. */
  async embed(pictures: Float32Array, n: number): Promise<Float32Array> {
    this.checkPictures(pictures, n);
    await this.backend.use();
    const embeddings = this.tf.tidy(() => {
      const chunks: Tensor2D[] = [];
      for (let start = 0; start < n; start += CHUNK) {
        chunks.push(this.tf.tidy(() => this.forward(this.batch(pictures, start, Math.min(start + CHUNK, n))))); // [<= CHUNK, D]
      }
      return this.tf.concat2d(chunks, 0); // [n, D]
    });
    return read(embeddings);
  }

  /** @throws Error when `pictures` does not hold 3 x `options.triplets` pictures. */
  async gradients(pictures: Float32Array, { gap }: Loss): Promise<LossGradients> {
    const { triplets } = this.options;
    this.checkPictures(pictures, 3 * triplets);
    await this.backend.use();
    const { value, grads } = this.tf.tidy(() => this.differentiate(pictures, triplets, gap));
    const [hinges, ...values] = await Promise.all([value, ...grads].map(read)); // [B], one per weight
    return {
      ...summary(hinges ?? new Float32Array()),
      gradients: this.named(values),
    };
  }

  async dispose(): Promise<void> {
    const { weights, orientationKernels } = this.parameters;
    this.tf.dispose([...weights.values(), ...orientationKernels.values()]);
  }

  /** Hinge of each triplet [B], and the gradient of their mean with respect to each weight, in the weights' order. */
  private differentiate(pictures: Float32Array, triplets: number, gap: number): { value: TfTensor; grads: TfTensor[] } {
    const { tf, parameters } = this;
    const names = [...parameters.weights.keys()];
    const hinges = (...tensors: TfTensor[]): TfTensor => {
      const weights = new Map(names.map((name, i) => [name, tensors[i] as TfTensor]));
      const embeddings = this.forward(this.batch(pictures, 0, 3 * triplets), {
        ...parameters,
        weights,
      }); // [3B, D]
      const [q, p, n] = tf.split(embeddings, 3) as [Tensor2D, Tensor2D, Tensor2D]; // 3 x [B, D]
      return tripletHinge(tf, q, p, n, gap); // [B]
    };
    const ofMean = tf.fill([triplets], 1 / triplets); // [B]: d mean / d hinge
    return tf.valueAndGrads(hinges)([...parameters.weights.values()], ofMean);
  }

  private forward(pictures: Tensor4D, parameters = this.parameters): Tensor2D {
    return embedPictures(this.tf, this.spec, parameters, pictures);
  }

  /** Pictures `start` to `end` (excluded) on the device: [end - start, S, S, 3]. */
  private batch(pictures: Float32Array, start: number, end: number): Tensor4D {
    const side = this.spec.inputSize;
    const length = side * side * 3;
    return this.tf.tensor4d(pictures.subarray(start * length, end * length), [end - start, side, side, 3]);
  }

  private checkPictures(pictures: Float32Array, n: number): void {
    const side = this.spec.inputSize;
    if (n >= 1 && pictures.length === n * side * side * 3) return;
    throw new Error(`Expected ${n} pictures of ${side} x ${side} x 3, got ${pictures.length} values`);
  }

  private named(values: readonly Float32Array[]): Weights {
    const entries = Object.entries(this.shapes);
    return Object.fromEntries(entries.map(([name, shape], i) => [name, { shape, data: values[i] as Float32Array }]));
  }
}

/** Of hinges [B]. Summed in double precision. */
function summary(hinges: Float32Array): { loss: number; activeShare: number } {
  let sum = 0;
  let active = 0;
  for (const hinge of hinges) {
    sum += hinge;
    if (hinge > 0) active++;
  }
  return { loss: sum / hinges.length, activeShare: active / hinges.length };
}

/** A copy: TensorFlow.js keeps the array it is given as the tensor's memory. */
function valuesOf(weights: Weights, name: string, shape: readonly number[]): Float32Array {
  const data = weights[name]?.data;
  if (data?.length === elements(shape)) return data.slice();
  throw new Error(`Weight ${name} should have shape [${shape}], got ${data ? `${data.length} values` : 'none'}`);
}

function orientationKernels(tf: TensorFlow, spec: NetworkSpec): Map<number, Tensor4D> {
  const layers = spec.branches.flatMap((branch) => branch.paths.flatMap((path) => path.layers));
  const bins = new Set(layers.flatMap((layer) => (layer.type === 'orientation' ? [layer.bins] : [])));
  return new Map(
    [...bins].map((count) => {
      const { data, shape } = orientationKernel(count);
      return [count, tf.tensor4d(data, shape as [number, number, number, number])];
    }),
  );
}

/** Fetches a tensor's values and frees it. */
async function read(tensor: TfTensor): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}
