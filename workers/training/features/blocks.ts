import { type HandMade, handMadeFeatures } from '@simili/learning/features/index';
import type { Block } from '@simili/learning/models/served-model';
import { squaredDistance } from '@simili/learning/numbers/distance';
import type { Picture } from '@simili/learning/picture';
import { applyBlock, fitWhitening, type Whitening } from '@simili/learning/whitening/whitening';
import { VIEWS, type Views } from '../data/views.ts';
import type { Distance, UnmixedBlock } from '../fusion/mixture.ts';

/** Picture -> raw feature vector, for many pictures at once. */
export type Extract = (pictures: readonly Picture[]) => Promise<Float32Array[]>;

/** Numbers of a vector that is served without a network: with them grow its table, its index and the time of a search. */
export const MOST_NUMBERS = 384;
/** Directions kept and shrinkage of each feature's whitening (recipe: validated on the development set). */
export const HAND_MADE: Record<HandMade, { keep: number; shrinkage: number }> = {
  hog: { keep: 80, shrinkage: 0.5 },
  pixels: { keep: 32, shrinkage: 0.5 },
  colour: { keep: 16, shrinkage: 0.5 },
};
export const NETWORK = { keep: 128, shrinkage: 0.3 };

/** Fewer things say nothing about which directions of a feature tell things apart. */
export const FEWEST_IDENTITIES = 10;

export async function fitBlock(
  feature: Block['feature'],
  extract: Extract,
  { pictures, identities }: Views,
  options: { keep: number; shrinkage: number },
): Promise<UnmixedBlock> {
  const features = await extract(pictures);
  return { feature, ...fitWhitening(sideBySide(features), identities, features[0]?.length ?? 0, options) };
}

/** Rows of one length as [n, length]. */
export function sideBySide(rows: readonly Float32Array[]): Float32Array {
  const length = rows[0]?.length ?? 0;
  const out = new Float32Array(rows.length * length);
  for (const [i, row] of rows.entries()) out.set(row, i * length);
  return out;
}

/**
 * A hand-made feature, whitened by what views of training products show; where those are few, as it is: a projection
 * that a handful of products spans would be blind to whatever tells the next ones apart.
 */
export function fitHandMade(feature: HandMade, { pictures, identities }: Views): Whitening {
  const { length, extract } = handMadeFeatures[feature];
  if (pictures.length >= FEWEST_IDENTITIES * VIEWS)
    return fitWhitening(sideBySide(pictures.map(extract)), identities, length, HAND_MADE[feature]);
  const projection = new Float32Array(length * length);
  for (let i = 0; i < length; i++) projection[i * length + i] = 1;
  return { mean: new Float32Array(length), projection };
}

/** Vectors kept at a time, some 150 KB a hundred. When they get too many all go: what is needed comes back. */
const MOST_KEPT = 60_000;

/** Vectors of pictures; they are computed when first asked for, so memory does not grow with the catalog. */
export function remembered(vectorOf: (picture: number) => Float32Array): (picture: number) => Float32Array {
  const kept = new Map<number, Float32Array>();
  return (picture) => {
    const known = kept.get(picture);
    if (known) return known;
    if (kept.size >= MOST_KEPT) kept.clear();
    const vector = vectorOf(picture);
    kept.set(picture, vector);
    return vector;
  };
}

export function distanceUnder(block: UnmixedBlock, featureOf: (picture: number) => Float32Array): Distance {
  const vectorOf = remembered((picture) => applyBlock(block, featureOf(picture)));
  return (a, b) => squaredDistance(vectorOf(a), vectorOf(b));
}

/** Pictures and raw features that are in memory at once. */
const CHUNK = 256;

/** Distances under any block, of the given pictures only: their vectors are computed now, many at once. */
export async function distanceAmong(
  block: UnmixedBlock,
  extract: Extract,
  pictures: Iterable<number>,
  load: (picture: number) => Picture,
): Promise<Distance> {
  const wanted = [...new Set(pictures)];
  const vectors = new Map<number, Float32Array>();
  for (let at = 0; at < wanted.length; at += CHUNK) {
    const chunk = wanted.slice(at, at + CHUNK);
    const features = await extract(chunk.map(load));
    for (const [row, picture] of chunk.entries()) vectors.set(picture, applyBlock(block, features[row]!));
  }
  return (a, b) => squaredDistance(vectors.get(a)!, vectors.get(b)!);
}
