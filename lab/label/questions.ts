import { createHash } from 'node:crypto';
import { makeRandom } from '@simili/learning/numbers/random';
import { byCategory } from '../by-category.ts';

/** Whatever is known of a picture that may be asked about. */
export type LabelPicture = {
  readonly path: string;
  readonly identity: string | null;
  readonly category: string | null;
};
/** By the pictures' paths; `a` is shown on the left. */
export type Question = { readonly query: string; readonly a: string; readonly b: string };

/** Draws before a query is given up that has hardly anything to be compared with. */
const MOST_TRIALS = 50;

/**
 * The questions of a seed, the same for every rater: a query and two pictures of its category (the paper, section 6, asks
 * within the results of one text query), all three of different identities; of any category where there are fewer than
 * three. No question comes twice.
 * @returns at most `count`; fewer where there are no more
 */
export function drawQuestions(pictures: readonly LabelPicture[], count: number, seed: number): Question[] {
  if (new Set(pictures.map(identityOf)).size < 3) return [];
  const ordered = [...pictures].sort((x, y) => (x.path < y.path ? -1 : 1));
  const random = makeRandom(createHash('sha256').update(`label ${seed}`).digest().readUInt32BE(0));
  const pools = poolsOf(ordered);
  const questions = new Map<string, Question>();
  for (let trial = 0; questions.size < count && trial < count * MOST_TRIALS; trial++) {
    const query = ordered[random.int(ordered.length)]!;
    const pool = pools.get(query.category) ?? ordered;
    const [a, b] = [pool[random.int(pool.length)]!, pool[random.int(pool.length)]!];
    if (!areDifferent(query, a, b)) continue;
    // Either order is the same question.
    const key = [query.path, ...[a.path, b.path].sort()].join('\n');
    if (!questions.has(key)) questions.set(key, { query: query.path, a: a.path, b: b.path });
  }
  return [...questions.values()];
}

/** Categories that have three identities to ask about. */
function poolsOf(pictures: readonly LabelPicture[]): Map<string | null, LabelPicture[]> {
  return new Map([...byCategory(pictures)].filter(([, own]) => new Set(own.map(identityOf)).size >= 3));
}

const identityOf = ({ identity, path }: LabelPicture): string => identity ?? `\n${path}`;
const areDifferent = (...pictures: LabelPicture[]): boolean =>
  new Set(pictures.map(identityOf)).size === pictures.length;
