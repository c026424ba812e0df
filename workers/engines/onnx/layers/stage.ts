import type { Value } from '../graph.ts';

/** A layer in a graph: its value and, beside it, its two gradients. Each call of them adds nodes. */
export type Stage = {
  readonly output: Value;
  /** @returns gradient of the loss by the layer's input, given that by its output. */
  inputGradient(gradient: Value): Value;
  /** Canonical shapes, by the weights' full names; absent where there are no weights. */
  weightGradients?(gradient: Value): Record<string, Value>;
};

/** Declares a weight of the network, by its full name, in its canonical shape. */
export type WeightNamed = (name: string) => Value;
