import type { NetworkSpec, Weights } from '../network/spec.ts';
import type { EncoderFacts } from './encoder-facts.ts';

/**
 * Name of a feature: a hand-made one (learning/features), 'network', the output of the version's own network, or what an
 * encoder sees (`encodedFeatures`).
 */
export type FeatureName = string;

/**
 * One part of the served vector: an affine map of one feature, then a unit norm. The map whitens within identities and
 * keeps the leading directions (learning/whitening/whitening.ts).
 */
export type Block = {
  readonly feature: FeatureName;
  /** Present exactly when the feature is an encoder's. */
  readonly encoder?: EncoderFacts;
  /** Share of this block in the squared distance, >= 0; the weights of a model sum to 1. */
  readonly weight: number;
  /** [d] */
  readonly mean: Float32Array;
  /** [k, d], row-major. */
  readonly projection: Float32Array;
};

/**
 * A hidden layer behind the blocks: each of H units reads the whole vector of the blocks, and what they say together is added to every
 * block's part, which is then scaled to unit length again (`joined` of learning/whitening/join.ts has the formula).
 */
export type HiddenLayer = {
  /** [H, n], n the length of the served vector. */
  readonly inner: Float32Array;
  /** [H] */
  readonly shift: Float32Array;
  /** [n, H] */
  readonly outer: Float32Array;
};

/**
 * A model version: picture -> unit vector v = concat over blocks of sqrt(weight) * unit(projection (x - mean)),
 * hence D(v_a, v_b) = sum of weight * D_block: late fusion, in one pgvector column. Where there is a hidden layer, D_block is between
 * the blocks' parts as it left them.
 */
export type ServedModel = {
  readonly blocks: readonly Block[];
  readonly hidden?: HiddenLayer;
  /** Present exactly when a block's feature is 'network'. */
  readonly network: {
    readonly spec: NetworkSpec;
    readonly weights: Weights;
    /** The ONNX file of the spec's backbone; null when it has none. */
    readonly backbone: Uint8Array | null;
  } | null;
};
