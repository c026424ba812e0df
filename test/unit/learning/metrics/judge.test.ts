import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawTriplets } from '../../../../lab/questions/draw-triplets.ts';
import { judge, type Questions } from '../../../../learning/metrics/judge.ts';
import { answerGrade, gradeOf, type Labels } from '../../../../learning/metrics/labels.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import type { Triplet } from '../../../../learning/sampling/triplet-rules.ts';

const labelsOf = (rows: readonly (readonly [number, number, number])[]): Labels => ({
  identities: Int32Array.from(rows, ([identity]) => identity),
  subgroups: Int32Array.from(rows, ([, subgroup]) => subgroup),
  categories: Int32Array.from(rows, ([, , category]) => category),
});

/** Two of an identity, one more of its subgroup, one more of its category, one elsewhere, one that nothing is known of. */
const labels = labelsOf([
  [0, 0, 0],
  [0, 0, 0],
  [1, 0, 0],
  [2, 1, 0],
  [3, 2, 1],
  [-1, -1, -1],
]);
const all = Int32Array.from([0, 1, 2, 3, 4, 5]);

test('grades: identity above subgroup above category above nothing; what is unknown is like nothing', () => {
  expect([1, 2, 3, 4, 5].map((other) => gradeOf(labels, 0, other))).toEqual([3, 2, 1, 0, 0]);
  expect(gradeOf(labels, 5, 5)).toBe(0);
});

test('an answer is right from the highest grade on that half of the pictures have an answer of', () => {
  const n = 10;
  const pairs = labelsOf(Array.from({ length: n }, (_, i) => [Math.floor(i / 2), 0, 0] as const));
  const single = labelsOf(Array.from({ length: n }, (_, i) => [i, Math.floor(i / 2), 0] as const));
  const few = labelsOf(Array.from({ length: n }, (_, i) => [i < 4 ? Math.floor(i / 2) : i + 10, -1, 0] as const));
  const gallery = Int32Array.from({ length: n }, (_, i) => i);
  expect([pairs, single, few].map((of) => answerGrade(of, gallery))).toEqual([3, 2, 1]);
});

describe('judging', () => {
  const questions = (changes: Partial<Questions> = {}): Questions => ({
    labels,
    gallery: all,
    queries: all,
    triplets: [],
    answer: 3,
    k: 2,
    ...changes,
  });
  /** On a line: picture i lies at `at[i]`. */
  const line = (at: readonly number[]) => (query: number) => at.map((value) => Math.abs(value - at[query]!));

  test('a worked example', () => {
    const triplets: Triplet[] = [
      { q: 0, p: 1, n: 2 }, // right; 1 is first of the category's three
      { q: 0, p: 2, n: 3 }, // wrong; 3 is second
      { q: 0, p: 2, n: 4 }, // a tie of two that are both behind the second: not in S
    ];
    const judged = judge(questions({ triplets }), line([0, 1, 3, 2, -3, 9]));
    expect(judged.values.similarityPrecision[0]).toEqual([1, 0, 0.5]);
    expect(judged.values.scoreAtK[0]).toEqual([1, -1]);
    expect(judged).toMatchObject({ ties: 1, selected: 2 });
    expect(judged.values.p1).toEqual(
      [[1], [0], [], [], [], []].map((list, i) => (i === 1 ? judged.values.p1[1] : list)),
    );
    expect(judged.values.map[0]).toEqual([1]);
    // Graded: 3 first, then 1 (picture 3); the best order is 3, 2.
    expect(judged.values.ndcgAtK[0]![0]).toBeCloseTo((3 + 1 / Math.log2(3)) / (3 + 2 / Math.log2(3)), 12);
    expect(judged.values.ndcgAtK[5]).toEqual([]);
    expect(judged.occurrences.reduce((sum, count) => sum + count, 0)).toBe(2 * 6);
  });

  test("Score-at-top-K counts a triplet when its positive or negative is among the first K of the query's category", () => {
    const distances = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(
        distances,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (from, k, p, n) => {
          fc.pre(p !== n);
          const judged = judge(questions({ k, queries: Int32Array.of(0), triplets: [{ q: 0, p, n }] }), () => from);
          const rank = (picture: number): number =>
            [1, 2, 3].filter((other) => other !== picture && from[other]! < from[picture]!).length + 1;
          const selected = rank(p) <= k || rank(n) <= k;
          expect(judged.values.scoreAtK[0]).toEqual(selected ? [Math.sign(from[n]! - from[p]!)] : []);
        },
      ),
    );
  });

  test('of a group the nearest is ranked, and nothing of the group of the query', () => {
    const at = line([0, 1, 2, 3, -5, 9]);
    const groups = (...own: number[]) => Int32Array.from(own);
    const asked = { queries: Int32Array.of(0), answer: 1 } as const;
    const found = (changes: Partial<Questions>) => judge(questions({ ...asked, ...changes }), at);
    // 3, 2 and 1 are alike; 1 is shown as the nearest of its group.
    expect(found({ k: 3 })).toMatchObject({ occurrences: Int32Array.of(0, 1, 1, 1, 0, 0) });
    const folded = found({ k: 3, groups: groups(-1, 4, 4, -1, -1, -1) });
    expect(folded).toMatchObject({ occurrences: Int32Array.of(0, 1, 0, 1, 1, 0) });
    expect(folded.values.recallAtK[0]).toEqual([1]);
    const own = found({ k: 1, groups: groups(4, 4, 4, -1, -1, -1) });
    expect(own).toMatchObject({ occurrences: Int32Array.of(0, 0, 0, 1, 0, 0) });
    expect(own.values.ndcgAtK[0]).toEqual([1]);
  });

  test("Score-at-top-K's ranking of the query's category shows one of a group, and none of the query's", () => {
    const at = line([0, 1, 2, 3, -5, 9]);
    const selected = (k: number, p: number, n: number, groups?: number[]) =>
      judge(questions({ k, triplets: [{ q: 0, p, n }], ...(groups && { groups: Int32Array.from(groups) }) }), at)
        .selected;
    expect(selected(1, 2, 3)).toBe(0);
    expect(selected(1, 2, 3, [4, 4, -1, -1, -1, -1])).toBe(1);
    expect(selected(2, 3, 4)).toBe(0);
    expect(selected(2, 3, 4, [-1, 4, 4, -1, -1, -1])).toBe(1);
  });

  test('a query never finds itself, and all-equal distances are ties', () => {
    const triplets = [{ q: 0, p: 1, n: 4 }];
    const judged = judge(questions({ triplets }), () => new Float32Array(6));
    expect(judged.values.similarityPrecision[0]).toEqual([0.5]);
    expect(judged.values.scoreAtK[0]).toEqual([0]);
    expect(judged.ties).toBe(1);
  });
});

test('drawn triplets have a positive of a higher grade, and every query its share', () => {
  const many = labelsOf(Array.from({ length: 60 }, (_, i) => [i >> 1, i >> 3, i >> 5] as const));
  const gallery = Int32Array.from({ length: 60 }, (_, i) => i);
  const triplets = drawTriplets(many, gallery, gallery.slice(0, 20), 50, makeRandom(4));
  expect(triplets).toHaveLength(20 * 50);
  const seen = new Set<string>();
  for (const { q, p, n } of triplets) {
    const [high, low] = [gradeOf(many, q, p), gradeOf(many, q, n)];
    expect(high).toBeGreaterThan(low);
    expect([p, n]).not.toContain(q);
    seen.add(`${high}${low}`);
  }
  expect([...seen].sort()).toEqual(['10', '20', '21', '30', '31', '32']);
  expect(
    drawTriplets(
      labelsOf([
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ]),
      Int32Array.of(0, 1, 2),
      Int32Array.of(0),
      5,
      makeRandom(1),
    ),
  ).toEqual([]);
});
