import type { Graph, Value } from '../graph.ts';
import type { FeatureMap } from './feature-map.ts';

/** A layer in a graph: its value, and how a gradient passes through it. */
export type Stage = {
  readonly output: FeatureMap;
  /** Absent where nothing before can learn. What of the result is not used costs nothing: the graph leaves it out. */
  readonly backward?: (gradient: FeatureMap) => Backward;
};

export type Backward = {
  /** Gradient of the loss by the layer's input. */
  readonly input: FeatureMap;
  /** By its weights: their full names, canonical shapes. */
  readonly weights: Record<string, Value>;
};

/** Where a layer is being built. */
export type Site = {
  readonly graph: Graph;
  /** Declares a weight of the network, by its full name, in its canonical shape. */
  readonly weight: (name: string) => Value;
  /** Absent when the graph only embeds. */
  readonly training?: Training;
};

export type Training = {
  /** N */
  readonly batch: number;
  /** Channels that the runtime's blocked convolutions take at once; 1 where it has none. */
  readonly block: number;
  /** Whether gathered rows and matrix products are a fast way to convolve (products.ts). */
  readonly gathers: boolean;
  /** Canonical shape of a weight. */
  readonly shapeOf: (weight: string) => readonly number[];
  /** Declares the mask [N, length] of a dropout layer. */
  readonly mask: (layer: string) => Value;
  /** Takes the batch's own statistic of a batch normalisation, by the name of the running one. */
  readonly statistic: (name: string, value: Value) => void;
};

export const noWeights: Record<string, Value> = {};
