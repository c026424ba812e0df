import type { Questions } from '@simili/learning/metrics/judge';
import { answerGrade } from '@simili/learning/metrics/labels';
import { makeRandom, type Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { drawTriplets } from './draw-triplets.ts';
import { type LabelledPictures, picturesIn } from './labelled.ts';

/** More no longer narrow an interval by much, and every one is compared with the whole gallery. */
const MOST_QUERIES = 2000;
const MOST_PICTURES = 10_000;
const TRIPLETS_A_QUERY = 10;

/**
 * Questions to all methods about the held-out pictures; larger sets are represented by a seeded part.
 * @param rated triplets of held-out pictures that people have answered; [] where nobody was asked: then labels give some
 */
export function questionsOf(
  data: LabelledPictures,
  { k, seed, rated }: { k: number; seed: number; rated: readonly Triplet[] },
): Questions {
  const { labels } = data;
  const random = makeRandom(seed);
  const needed = [...new Set(rated.flatMap(({ q, p, n }) => [q, p, n]))];
  const gallery = partOf(picturesIn(data, 'test'), MOST_PICTURES, needed, random);
  const queries = partOf(gallery, MOST_QUERIES, [...new Set(rated.map(({ q }) => q))], random);
  const triplets = rated.length > 0 ? rated : drawTriplets(labels, gallery, queries, TRIPLETS_A_QUERY, random);
  return { labels, gallery, queries, triplets, answer: answerGrade(labels, gallery), k };
}

/** At most `most` of them, in order; those that are needed in any case. */
function partOf(pictures: Int32Array, most: number, needed: readonly number[], random: Random): Int32Array {
  if (pictures.length <= most) return pictures;
  const chosen = new Set([...needed, ...shuffled([...pictures], random)].slice(0, Math.max(most, needed.length)));
  return pictures.filter((picture) => chosen.has(picture));
}
