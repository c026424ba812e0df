import type { Loss } from '@simili/learning/losses/loss';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';

/**
 * One network on one device: it trains and embeds. Optimiser, sampling, augmentation and dropout masks are outside
 * (plain numbers, learning), so an engine is a pure function of weights and pictures, and every engine is tested by
 * one contract. Pictures: float32 NHWC [n, S, S, 3], ink in [0, 1].
 */
export interface Engine {
  readonly name: 'onnx' | 'tensorflow';
  /** Device that it really runs on, e.g. "cpu (1 thread)", "cuda", "webgpu: <adapter>". */
  readonly device: string;
  /** True only for a real GPU: a software adapter is a CPU. */
  readonly onGpu: boolean;
  /** Replaces the weights that `embed` and `gradients` use. Copies what it needs. */
  setWeights(weights: Weights): Promise<void>;
  /** With running statistics and without dropout. @returns float32 [n, D], unit rows. Any n >= 1. */
  embed(pictures: Float32Array, n: number, features?: Features): Promise<Float32Array>;
  /** With the batch's own statistics and its dropout masks. */
  gradients(batch: TrainingBatch, loss: Loss): Promise<LossGradients>;
  /** Frees native memory. The engine must not be used afterwards. */
  dispose(): Promise<void>;
}

export type TrainingBatch = {
  /** [N, S, S, 3], N as the engine was opened for. */
  readonly pictures: Float32Array;
  /** By `dropoutLayers` name: [N, length], each value 0 or 1 / keep. Needed where the network has such layers. */
  readonly masks?: Readonly<Record<string, Float32Array>>;
  readonly features?: Features;
};

/** Outputs of backbones: path name -> [n, length]. Needed where a path has one; `withBackbone` provides them. */
export type Features = Readonly<Record<string, Float32Array>>;

export type LossGradients = {
  loss: number;
  /**
   * How much of the batch still teaches, in [0, 1]. tripletHinge: share of triplets with a hinge > 0. infoNce, softmax:
   * mean probability that is not on a target, over the rows that have one. multiSimilarity: share of rows with a
   * negative that is more similar than one of its positives. distillation: mean share of a row's softmax that is elsewhere
   * than the teacher's.
   */
  activeShare: number;
  /** Gradients of `loss` with respect to every trained weight; the caller adds weight decay. */
  gradients: Weights;
  /** The batch's own `.mean` and `.variance` (biased) of every batch normalisation. */
  statistics: Weights;
};

export type EngineOptions = {
  /** N: pictures in every `gradients` call (3B for triplets). Engines build their graph for it. */
  batch: number;
  threads: number;
};

/** Throws SimiliError ENGINE_UNAVAILABLE with the reason when it cannot run on this machine. */
export type OpenEngine = (spec: NetworkSpec, weights: Weights, options: EngineOptions) => Promise<Engine>;
