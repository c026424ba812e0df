import type { NetworkSpec, Weights } from '../../src/learning/network/spec.ts';

/**
 * What trains and embeds: one network on one device. Optimiser, sampling and augmentation are outside (plain numbers,
 * src/learning), so an engine is a pure function of weights and pictures, and every engine is tested by one contract.
 * Pictures: float32 NHWC [n, S, S, 3], ink in [0, 1].
 */
export interface Engine {
  readonly name: 'onnx' | 'tensorflow';
  /** What it really runs on, e.g. "cpu (1 thread)", "cuda", "webgpu: <adapter>". */
  readonly device: string;
  readonly onGpu: boolean;
  /** Replaces the weights that `embed` and `gradients` use. Copies what it needs. */
  setWeights(weights: Weights): Promise<void>;
  /** @returns float32 [n, D], unit rows. Any n >= 1. */
  embed(pictures: Float32Array, n: number): Promise<Float32Array>;
  /** @param pictures [3B, S, S, 3]: B queries, then their B positives, then their B negatives. */
  gradients(pictures: Float32Array, loss: Loss): Promise<LossGradients>;
  /** Frees native memory. The engine must not be used afterwards. */
  dispose(): Promise<void>;
}

/** Paper, section 3: max(0, gap + D(q,p) - D(q,n)), D squared Euclidean. */
export type Loss = { readonly kind: 'tripletHinge' /** g, in (0, 4) */; readonly gap: number };

export type LossGradients = {
  /** Mean over the B triplets. */
  loss: number;
  /** Share of triplets with a hinge > 0. */
  activeShare: number;
  /** Of `loss` with respect to every weight; the caller adds weight decay. */
  gradients: Weights;
};

export type EngineOptions = {
  /** Triplets in every `gradients` call: engines build their graph for it. */
  triplets: number;
  threads: number;
};

/** Throws SimiliError ENGINE_UNAVAILABLE with the reason when it cannot run on this machine. */
export type OpenEngine = (spec: NetworkSpec, weights: Weights, options: EngineOptions) => Promise<Engine>;
