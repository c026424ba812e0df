import { type Clusters, meanOf } from '../../learning/metrics/intervals.ts';
import type { ServedModel } from '../../learning/models/served-model.ts';
import { squaredDistance } from '../../learning/numbers/distance.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import type { Product } from '../product.ts';

/** Where choices are made, and where what was chosen is measured once. */
export type Held = 'val' | 'test';
/** Squared distances among some pictures: [n, n]. */
export type Distances = Float32Array;
export const metrics = ['p1', 'map'] as const;
/** P@1 and average precision of every query, in clusters that an interval draws whole. */
export type Values = Readonly<Record<(typeof metrics)[number], Clusters>>;

/** A set of pictures and what is asked of it. */
export type Arena = {
  readonly name: string;
  /** Precision at 1 and mAP of what commit 674c2d4 served after its training, by its own run of three seeds. */
  readonly before: { readonly p1: number; readonly map: number };
  /** The set with what an encoder sees in its pictures, which is looked at once. @param choice as SIMILI_ENCODER */
  seenBy(choice: string): Promise<TrainingSet>;
  /** Pictures of a split, each of which is looked up among others of it. */
  picturesOf(split: Held): Int32Array;
  /** @param distances among the pictures of the split, in their order */
  measure(distances: Distances, split: Held): Values;
};

export const SHIPPED = 'efficientnet-lite0';

export const mapOf = ({ map }: Values): number => meanOf(map.flat());

/** A set, and the engine process that works on it. */
export type Where = { readonly arena: Arena; readonly product: Product };

/** Measures of what a model finds among the pictures of a split. */
export const measured = async (
  where: Where,
  set: TrainingSet,
  model: ServedModel,
  split: Held = 'test',
): Promise<Values> => where.arena.measure(await distancesUnder(where, set, model, split), split);

export async function distancesUnder(
  { arena, product }: Where,
  set: TrainingSet,
  model: ServedModel,
  split: Held,
): Promise<Distances> {
  return distancesOf(await product.vectors(set, model, arena.picturesOf(split)));
}

export function distancesOf(vectors: readonly Float32Array[]): Distances {
  const n = vectors.length;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(vectors[i]!, vectors[j]!);
      out[i * n + j] = distance;
      out[j * n + i] = distance;
    }
  }
  return out;
}

/** Sum of weight * distances: what the concatenation of the vectors, scaled by the roots of the weights, measures. */
export function mixOf(parts: readonly Distances[], weights: readonly number[]): Distances {
  const out = new Float32Array(parts[0]!.length);
  for (const [p, part] of parts.entries()) {
    const weight = weights[p]!;
    if (weight !== 0) for (let i = 0; i < out.length; i++) out[i] = out[i]! + weight * part[i]!;
  }
  return out;
}
