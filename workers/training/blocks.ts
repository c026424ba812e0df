import { augmentPicture } from '../../src/learning/augment.ts';
import { handMadeFeatures } from '../../src/learning/features/index.ts';
import type { Random } from '../../src/learning/random.ts';
import type { Block, Picture } from '../../src/learning/served-model.ts';
import { applyBlock, fitWhitening } from '../../src/learning/whitening.ts';
import type { TrainingItem } from './protocol.ts';

/** A block whose share in the mix is not decided yet. */
export type UnmixedBlock = Omit<Block, 'weight'>;
/** Picture -> raw feature vector, for many pictures at once. */
export type Extract = (pictures: readonly Picture[]) => Promise<Float32Array[]>;

type HandMade = keyof typeof handMadeFeatures;

/** Directions kept and shrinkage of each feature's whitening (recipe: validated on the development set). */
export const HAND_MADE: Record<HandMade, { keep: number; shrinkage: number }> = {
  hog: { keep: 192, shrinkage: 0.5 },
  pixels: { keep: 96, shrinkage: 0.5 },
  colour: { keep: 48, shrinkage: 0.5 },
};
export const NETWORK = { keep: 64, shrinkage: 0.3 };

/** Views of one thing that show what may change without making it another thing. */
const VIEWS = 4;
/** More identities than this no longer change a covariance of these sizes. */
const MOST_IDENTITIES = 600;
const VIEW_STRENGTH = 1;

export type Views = { pictures: Picture[]; identities: Int32Array };

/** Views of training products: their other pictures where they have some, else transformed copies of the first. */
export function sampleViews(items: readonly TrainingItem[], load: (path: string) => Picture, random: Random): Views {
  const chosen = shuffled(
    items.filter(({ split }) => split === 'train'),
    random,
  ).slice(0, MOST_IDENTITIES);
  const pictures = chosen.flatMap((item) => viewsOf(item, load, random));
  return { pictures, identities: Int32Array.from(pictures, (_picture, i) => Math.floor(i / VIEWS)) };
}

function viewsOf(item: TrainingItem, load: (path: string) => Picture, random: Random): Picture[] {
  const own = item.pictures.slice(0, VIEWS).map(load);
  const first = own[0] as Picture;
  return Array.from({ length: VIEWS }, (_view, i) => own[i] ?? augmentPicture(first, random, VIEW_STRENGTH));
}

export async function fitBlock(
  feature: Block['feature'],
  extract: Extract,
  { pictures, identities }: Views,
  options: { keep: number; shrinkage: number },
): Promise<UnmixedBlock> {
  const features = await extract(pictures);
  const length = features[0]?.length ?? 0;
  const samples = new Float32Array(features.length * length);
  for (const [i, values] of features.entries()) samples.set(values, i * length);
  return { feature, ...fitWhitening(samples, identities, length, options) };
}

export const handMade =
  (feature: HandMade): Extract =>
  async (pictures) =>
    pictures.map((picture) => handMadeFeatures[feature].extract(picture));

/** Pictures and raw features that are in memory at once. */
const CHUNK = 256;

/** Unit vectors of items under one block, by item. Only they stay in memory, not what they were computed from. */
export async function mapItems(
  block: UnmixedBlock,
  extract: Extract,
  items: readonly number[],
  pictureOf: (item: number) => Picture,
): Promise<Map<number, Float32Array>> {
  const vectors = new Map<number, Float32Array>();
  for (let at = 0; at < items.length; at += CHUNK) {
    const chunk = items.slice(at, at + CHUNK);
    const features = await extract(chunk.map(pictureOf));
    for (const [row, item] of chunk.entries()) vectors.set(item, applyBlock(block, features[row] as Float32Array));
  }
  return vectors;
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
