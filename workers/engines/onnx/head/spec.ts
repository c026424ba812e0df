import type { Loss } from '@simili/learning/losses/loss';
import type { HiddenLayer } from '@simili/learning/models/served-model';
import { PROXIES } from '@simili/learning/network/shapes';
import type { Weights } from '@simili/learning/network/spec';

/**
 * A ranking head: the served vector of a few blocks (learning/models/served-model.ts), each turned and stretched by a linear map of
 * its own, and, where it has hidden units, bent by a layer that reads them all (learning/whitening/join.ts):
 *
 *   u = unit((E + offset) z),  x = unit of all sqrt(weight) u side by side,
 *   y = unit of all sqrt(weight) unit(u + outer relu(inner x + shift) / sqrt(H)) side by side,
 *
 * z what a block gives now and E the first rows of the unit matrix. Offsets and outer maps begin as 0: so the head begins as the
 * blocks that are there, and how far it went from them is their length.
 */
export type HeadSpec = {
  readonly blocks: readonly HeadBlock[];
  /** H; 0: y is x. */
  readonly hidden: number;
  /** N: rows of every batch. */
  readonly rows: number;
  readonly loss: Loss['kind'];
  /** Categories beside the loss; null: none are learned from. */
  readonly proxies: HeadProxies | null;
};
export type HeadBlock = {
  /** m: of z. */
  readonly length: number;
  /** D <= m. */
  readonly dimensions: number;
  /** Share of the squared distance, > 0. */
  readonly weight: number;
};
export type HeadProxies = { readonly classes: number; readonly weight: number; readonly temperature: number };

/**
 * Names of what is trained. Decay is for kernels (learning/optimiser/optimiser.ts): it pulls offsets and outer maps, that is to the
 * start. What hidden units read has no start to be pulled to.
 */
export const headWeights = {
  offset: (block: number) => `offset${block}.kernel`,
  inner: 'hidden.inner',
  shift: 'hidden.shift',
  outer: 'hidden.outer.kernel',
  proxies: PROXIES,
} as const;

export const dimensionsOf = ({ blocks }: Pick<HeadSpec, 'blocks'>): number =>
  blocks.reduce((sum, { dimensions }) => sum + dimensions, 0);

/** The first rows of the unit matrix: [rows, columns]. */
export function unitRows(rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) out[i * columns + i] = 1;
  return out;
}

/** The hidden layer as it is served: the root of H is in its outer map. Undefined: there is none. */
export function hiddenOf({ hidden: units }: HeadSpec, weights: Weights): HiddenLayer | undefined {
  if (units === 0) return undefined;
  const [inner, shift, outer] = [headWeights.inner, headWeights.shift, headWeights.outer].map((n) => weights[n]!.data);
  return { inner: inner!, shift: shift!, outer: outer!.map((value) => value / Math.sqrt(units)) };
}
