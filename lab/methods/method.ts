import type { Distance } from '@simili/worker/training/fusion/mixture';
import type { LabelledPictures } from '../questions/labelled.ts';
import type { NetworkTraining, Trainer } from './trainer.ts';

/** Data and tools of a method. */
export type MethodContext = {
  readonly data: LabelledPictures;
  /** Trains networks, each once, whoever asks. */
  readonly trainer: Trainer;
  readonly seed: number;
  readonly signal: AbortSignal;
};

/** The same of a method that trains nothing. */
export type FrozenContext = Omit<MethodContext, 'trainer'>;

/** A fitted method: D of any two of these pictures. */
export type Compared = (pictures: Int32Array) => Promise<Distance>;

/** A fit that several methods share: made once for a set and a seed, whoever asks first. */
export function fittedOnce<T>(make: (context: FrozenContext) => Promise<T>): (context: FrozenContext) => Promise<T> {
  const fits = new WeakMap<LabelledPictures, Map<number, Promise<T>>>();
  return (context) => {
    const bySeed = fits.get(context.data) ?? new Map<number, Promise<T>>();
    fits.set(context.data, bySeed);
    const found = bySeed.get(context.seed) ?? make(context);
    bySeed.set(context.seed, found);
    return found;
  };
}

/** One row of the table. */
export type Method = {
  readonly name: string;
  /** As the paper calls it, or what it is. */
  readonly title: string;
  readonly kind: 'control' | 'feature' | 'learned';
  /** Who published it, and where this one differs. */
  readonly source: string;
  /** Whether another seed gives another result that is worth showing. */
  readonly seeded: boolean;
  /** The network it needs; null: none. */
  readonly training: NetworkTraining | null;
  readonly fit: (context: MethodContext) => Promise<Compared>;
};

/** D by squared distances of vectors that are made for all pictures at once. */
export const byVectors =
  (
    vectorsOf: (pictures: Int32Array) => Promise<readonly Float32Array[]>,
    distance: (a: Float32Array, b: Float32Array) => number,
  ): Compared =>
  async (pictures) => {
    const vectors = await vectorsOf(pictures);
    const rowOf = new Map(Array.from(pictures, (picture, row) => [picture, row]));
    return (a, b) => distance(vectors[rowOf.get(a)!]!, vectors[rowOf.get(b)!]!);
  };
