import { type Grade, gradeOf, type Labels } from '@simili/learning/metrics/labels';
import type { Random } from '@simili/learning/numbers/random';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';

/** Pictures of the gallery by their grade for one query; the query itself is in none. */
type ByGrade = readonly [number[], number[], number[], number[]];

/**
 * Triplets that labels give where nobody has rated any: a query, and two pictures of different grades of which the higher
 * is the positive. Every query gets `each`; both grades are drawn uniformly among those that the query has, so that the
 * few pictures of its own identity count as much as the many of other categories.
 * @param pictures the gallery; queries come from it too
 * @returns in the order of the queries; none of a query whose gallery is all of one grade
 */
export function drawTriplets(
  labels: Labels,
  pictures: Int32Array,
  queries: Int32Array,
  each: number,
  random: Random,
): Triplet[] {
  return [...queries].flatMap((q) => {
    const graded = byGrade(labels, pictures, q);
    const grades = ([0, 1, 2, 3] as const).filter((grade) => graded[grade].length > 0);
    if (grades.length < 2) return [];
    return Array.from({ length: each }, () => drawOne(q, graded, grades, random));
  });
}

function drawOne(q: number, graded: ByGrade, grades: readonly Grade[], random: Random): Triplet {
  const high = 1 + random.int(grades.length - 1);
  const low = random.int(high);
  const any = (grade: Grade): number => graded[grade][random.int(graded[grade].length)]!;
  return { q, p: any(grades[high]!), n: any(grades[low]!) };
}

function byGrade(labels: Labels, pictures: Int32Array, q: number): ByGrade {
  const out: ByGrade = [[], [], [], []];
  for (const picture of pictures) if (picture !== q) out[gradeOf(labels, q, picture)].push(picture);
  return out;
}
