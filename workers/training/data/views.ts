import { augmentPicture } from '@simili/learning/batches/augment';
import { itemsIn } from '@simili/learning/metrics/split';
import { makeRandom, type Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { Picture } from '@simili/learning/picture';
import type { TrainingSet } from '../protocol.ts';

/** Views of one thing that show what may change without making it another thing. */
export const VIEWS = 4;
/** More identities than this no longer change a covariance of these sizes. */
export const MOST_IDENTITIES = 600;
const VIEW_STRENGTH = 1;

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
