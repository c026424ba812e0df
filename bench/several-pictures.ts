import { scaleToUnit } from '../learning/features/unit.ts';
import { clusteredError, meanOf } from '../learning/metrics/intervals.ts';
import type { ServedModel } from '../learning/models/served-model.ts';
import { squaredDistance } from '../learning/numbers/distance.ts';
import { seenEmoji } from './emoji/seen.ts';
import { VENDORS } from './emoji/things.ts';
import { openProduct } from './product.ts';

type Row = Record<string, string | number>;
/** Distance of two products by the vectors of their pictures. */
type System = (a: readonly Float32Array[], b: readonly Float32Array[]) => number;

/**
 * Products of several pictures, on the emoji set: a thing with two of its drawings is looked for with the other two among the things
 * of its split, in all six ways to divide the four. By the first picture alone (the served vector), by one vector that is the
 * mean of the pictures' (of each block, at unit length again), and by the nearest pair of pictures.
 */
export async function severalPictures(): Promise<Row[]> {
  const product = await openProduct();
  try {
    const emoji = await seenEmoji(product);
    const model = await product.golden(emoji.set);
    const vectors = await product.vectors(emoji.set, model);
    const mean = meanUnder(model);
    const systems: Record<string, System> = {
      'first picture': (a, b) => squaredDistance(a[0]!, b[0]!),
      'mean of the vectors': (a, b) => squaredDistance(mean(a), mean(b)),
      'nearest pair': (a, b) => Math.min(...a.flatMap((one) => b.map((other) => squaredDistance(one, other)))),
      'mean of all pairs': (a, b) => meanOf(a.flatMap((one) => b.map((other) => squaredDistance(one, other)))),
    };
    return (['val', 'test'] as const).flatMap((split) => {
      const things = emoji.things.flatMap((thing, i) => (thing.split === split ? [i] : []));
      return [1, 2].flatMap((queries) =>
        rowsOf(systems, things, vectors, queries).map((row) => ({ split, things: things.length, ...row })),
      );
    });
  } finally {
    await product.close();
  }
}

/** @param queries pictures that are asked with */
function rowsOf(
  systems: Record<string, System>,
  things: readonly number[],
  vectors: readonly Float32Array[],
  queries: number,
) {
  const found = Object.entries(systems).map(([name, system]) => ({
    name,
    ...measured(system, things, vectors, queries),
  }));
  const [first] = found;
  return found.map(({ name, p1, rank }): Row => {
    const gain = rank.map((own, i) => own.map((value, j) => value - first!.rank[i]![j]!));
    return {
      asked: `with ${queries} of 2`,
      system: name,
      p1: meanOf(p1.flat()).toFixed(3),
      reciprocalRank: meanOf(rank.flat()).toFixed(3),
      gain: `${meanOf(gain.flat()).toFixed(3)} ± ${(1.96 * clusteredError(gain)).toFixed(3)}`,
    };
  });
}

/** Which two drawings a thing is shown by. */
const divisions = [...VENDORS.keys()].flatMap((a) =>
  [...VENDORS.keys()].filter((b) => b > a).map((b) => [a, b] as const),
);

/** By thing and division. */
function measured(system: System, things: readonly number[], vectors: readonly Float32Array[], queries: number) {
  const pictures = (thing: number, own: readonly number[]) =>
    own.map((vendor) => vectors[thing * VENDORS.length + vendor]!);
  const p1s: number[][] = things.map(() => []);
  const ranks: number[][] = things.map(() => []);
  for (const shown of divisions) {
    const asked = [...VENDORS.keys()].filter((vendor) => !shown.includes(vendor)).slice(0, queries);
    const gallery = things.map((thing) => pictures(thing, shown));
    for (const [q, thing] of things.entries()) {
      const query = pictures(thing, asked);
      const distances = gallery.map((one) => system(query, one));
      const nearer = distances.filter((distance) => distance < distances[q]!).length;
      p1s[q]!.push(nearer === 0 ? 1 : 0);
      ranks[q]!.push(1 / (1 + nearer));
    }
  }
  return { p1: p1s, rank: ranks };
}

/** One vector of several: in each block the mean, as long as the block's share says. */
function meanUnder({ blocks }: ServedModel) {
  const known = new Map<string, Float32Array>();
  const ids = new WeakMap<Float32Array, number>();
  let next = 0;
  const idOf = (vector: Float32Array) => {
    if (!ids.has(vector)) ids.set(vector, next++);
    return ids.get(vector)!;
  };
  return (vectors: readonly Float32Array[]): Float32Array => {
    const key = vectors.map(idOf).join();
    const old = known.get(key);
    if (old) return old;
    const out = new Float32Array(vectors[0]!.length);
    for (const vector of vectors) for (let i = 0; i < out.length; i++) out[i]! += vector[i]!;
    let at = 0;
    for (const { weight, projection, mean } of blocks) {
      const part = out.subarray(at, at + projection.length / mean.length);
      scaleToUnit(part);
      for (let i = 0; i < part.length; i++) part[i]! *= Math.sqrt(weight);
      at += part.length;
    }
    known.set(key, out);
    return out;
  };
}
