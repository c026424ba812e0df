import { augmentPicture } from '@simili/learning/batches/augment';
import { type HandMade, handMadeFeatures } from '@simili/learning/features/index';
import { itemsIn } from '@simili/learning/metrics/split';
import type { Block } from '@simili/learning/models/served-model';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom, type Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';
import { applyBlock, fitWhitening } from '@simili/learning/whitening/whitening';
import type { Distance } from './mixture.ts';
import type { TrainingSet } from './protocol.ts';

/** A block whose share in the mix is not decided yet. */
export type UnmixedBlock = Omit<Block, 'weight'>;
/** A fitted block and the distance of two pictures of the training set under it. */
export type Fitted = { readonly block: UnmixedBlock; readonly distance: Distance };
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

/** Views of one thing that show what may change without making it another thing. */
export const VIEWS = 4;
/** More identities than this no longer change a covariance of these sizes. */
export const MOST_IDENTITIES = 600;
const VIEW_STRENGTH = 1;
/** Fewer things say nothing about which directions of a feature tell things apart. */
export const FEWEST_IDENTITIES = 10;

/** Pictures of things, several of each; `identities` [pictures]: equal numbers are the same thing. */
export type Views = { readonly pictures: readonly Picture[]; readonly identities: Int32Array };

/**
 * Views of training products, of any side: their pictures where they have several, else transformed copies of the first.
 * @returns the same views at every side that is asked for.
 */
export function sampleViews(
  set: TrainingSet,
  load: (picture: number, side: number) => Picture,
  random: Random,
): (side: number) => Views {
  const chosen = shuffled([...itemsIn(set, 'train')], random).slice(0, MOST_IDENTITIES);
  const seed = random.int(2 ** 32);
  return (side) => {
    const own = makeRandom(seed);
    const pictures = chosen.flatMap((item) => viewsOf(set, item, (picture) => load(picture, side), side, own));
    return { pictures, identities: Int32Array.from(pictures, (_picture, i) => Math.floor(i / VIEWS)) };
  };
}

function viewsOf(
  { starts }: TrainingSet,
  item: number,
  load: (picture: number) => Picture,
  side: number,
  random: Random,
): Picture[] {
  const [start, end] = [starts[item]!, starts[item + 1]!];
  const first = load(start);
  return Array.from({ length: VIEWS }, (_view, i) =>
    start + i < end ? load(start + i) : augmentPicture(first, random, VIEW_STRENGTH, side),
  );
}

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
export async function fitHandMade(feature: HandMade, views: Views): Promise<UnmixedBlock> {
  if (views.pictures.length >= FEWEST_IDENTITIES * VIEWS)
    return fitBlock(feature, handMade(feature), views, HAND_MADE[feature]);
  const { length } = handMadeFeatures[feature];
  const projection = new Float32Array(length * length);
  for (let i = 0; i < length; i++) projection[i * length + i] = 1;
  return { feature, mean: new Float32Array(length), projection };
}

const handMade =
  (feature: HandMade): Extract =>
  async (pictures) =>
    pictures.map((picture) => handMadeFeatures[feature].extract(picture));

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

/** Fisher-Yates on a copy. */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}
