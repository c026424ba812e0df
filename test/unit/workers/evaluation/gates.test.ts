import { expect, test } from 'vitest';
import type { Coverage } from '../../../../src/db/embeddings.ts';
import { qualityGates } from '../../../../workers/evaluation/gates.ts';
import {
  differenceOf,
  differenceOfChoices,
  differences,
  measure,
  type Reach,
  reachOf,
  spanOf,
} from '../../../../workers/evaluation/measure.ts';

const precision = (value: number, triplets = 1000) => ({ triplets, precision: value, interval: null });
type Own = Parameters<typeof qualityGates>[0];
const own: Own = {
  structure: precision(0.7),
  clicks: precision(0.6),
  later: precision(0.6),
  ratings: precision(0.6),
  spread: 2,
};
const nothing = precision(0, 0);
/** Nothing was measured but the spread. */
const unmeasured: Own = { structure: nothing, clicks: nothing, later: nothing, ratings: nothing, spread: 2 };
type Points = [mean: number, low: number, high: number];
const interval = ([mean, low, high]: Points) => ({ mean: mean / 100, low: low / 100, high: high / 100 });
/** A rival, by how many points the candidate is better than it; as good as it where nothing is said. */
function rival(
  points: Partial<Record<'structure' | 'clicks' | 'choices' | 'later' | 'ratings' | 'rate', Points | null>>,
  name = 'version 3',
  reach: Reach = { structure: 0, clicks: 0, later: 0, ratings: 0, vectors: 0 },
) {
  const of = (question: keyof typeof points) => {
    const given = points[question];
    return given === null ? null : interval(given ?? [0, -1, 1]);
  };
  const differences = {
    structure: of('structure'),
    clicks: of('clicks'),
    choices: of('choices'),
    later: of('later'),
    ratings: of('ratings'),
  };
  return { name, reach, differences, rate: of('rate') };
}
/** Each gate that is not green: red, or open where it decides nothing. */
const told = (
  given: Own,
  rivals: Parameters<typeof qualityGates>[1],
  missing: number,
  beside: Coverage | null = null,
) =>
  qualityGates(given, rivals, { missing, beside }).flatMap(({ name, passed, measured }) =>
    passed && measured ? [] : [`${name} ${passed ? 'open' : 'red'}`],
  );

test('a first version needs only to be complete and not collapsed', () => {
  expect(told(own, [], 0)).toEqual([]);
  expect(told(own, [], 3)).toEqual(['complete red']);
  expect(told({ ...own, spread: 0.01 }, [], 0)).toEqual(['spread red']);
  expect(told({ ...own, spread: 0.1 }, [], 0)).toEqual([]);
});

test('a gate is green where it surely loses no more than is forgiven, red where it surely loses and more than that, else open', () => {
  for (const [question, gate, tolerance] of [
    ['structure', 'catalog', 2],
    ['clicks', 'clicks', 2],
    ['later', 'later', 2],
    ['ratings', 'ratings', 2],
    ['rate', 'choices', 5],
  ] as const) {
    const beside = (...points: Points) => told(own, [rival({ [question]: points })], 0);
    expect(beside(-1, -tolerance + 0.01, 1)).toEqual([]);
    expect(beside(-1, -tolerance - 0.01, 1)).toEqual([`${gate} open`]);
    expect(beside(-tolerance + 0.01, -9, -0.01)).toEqual([`${gate} open`]);
    expect(beside(-tolerance - 0.01, -9, -0.01)).toEqual([`${gate} red`]);
    expect(beside(-tolerance - 0.01, -9, 0.01)).toEqual([`${gate} open`]);
    expect(told(own, [rival({ [question]: null })], 0)).toEqual([`${gate} open`]);
  }
});

test('every rival counts: who loses a little to each that serves does not lose more and more to those before', () => {
  const [serving, before] = [rival({ clicks: [-1, -1.5, 0] }), rival({ clicks: [-3, -4, -2] }, 'version 1')];
  expect(told(own, [serving], 0)).toEqual([]);
  expect(told(own, [serving, before], 0)).toEqual(['clicks red']);
  expect(told(own, [before, serving], 0)).toEqual(['clicks red']);
  expect(told(own, [serving, rival({ clicks: [-1, -4, 2] })], 0)).toEqual(['clicks open']);
});

test('what shoppers are surely seen to prefer may cost some agreement with categories, not all of it', () => {
  for (const question of ['clicks', 'choices', 'later']) {
    const beside = (structure: Points, low: number) => told(own, [rival({ structure, [question]: [5, low, 9] })], 0);
    expect(beside([-9, -9.9, -8], 0.1)).toEqual([]);
    expect(beside([-9, -9.9, -8], -0.1)).toEqual(['catalog red']); // it may be chance
    expect(beside([-10.2, -11, -9], 0.1)).toEqual(['catalog red']);
  }
  // Preferred to one, it is forgiven beside that one alone.
  const [liked, not] = [rival({ structure: [-9, -9.9, -8], clicks: [5, 1, 9] }), rival({ structure: [-9, -9.9, -8] })];
  expect(told(own, [liked, not], 0)).toEqual(['catalog red']);
});

test('ten points of categories may be lost where shoppers surely gain, as many more as they surely gain, and never more than fifteen', () => {
  for (const question of ['clicks', 'choices', 'later']) {
    const beside = (structure: number, low: number) =>
      told(own, [rival({ structure: [structure, structure - 3, structure + 3], [question]: [20, low, 30] })], 0);
    expect(beside(-13.8, 3.9)).toEqual(['catalog open']);
    expect(beside(-14, 3.9)).toEqual(['catalog red']);
    expect(beside(-14.9, 19)).toEqual(['catalog open']);
    expect(beside(-15.1, 19)).toEqual(['catalog red']);
  }
});

test('a shop of a few products that look alike is served, and the gate says that it saw nothing', () => {
  const gates = qualityGates({ ...unmeasured, spread: null }, [rival({ rate: null })], { missing: 0, beside: null });
  expect(gates.every(({ passed }) => passed)).toBe(true);
  expect(gates.flatMap(({ name, measured }) => (measured ? [name] : []))).toEqual(['complete']);
});

test('what is shown now and would not be any more is no complete version: hardly any whose picture may still come, a tenth whose picture is gone', () => {
  const beside = (served: number, lost: number, settled = 0) => told(own, [], 0, { served, lost, settled });
  expect([beside(400, 340), beside(40, 36)]).toEqual([['complete red'], ['complete red']]);
  expect([beside(400, 8), beside(400, 9)]).toEqual([[], ['complete red']]);
  expect([beside(400, 40, 40), beside(400, 41, 41), beside(400, 40, 31)]).toEqual([
    [],
    ['complete red'],
    ['complete red'],
  ]);
  expect([beside(5, 1), beside(5, 1, 1), beside(5, 2)]).toEqual([[], [], ['complete red']]);
  const [gate] = qualityGates(own, [], { missing: 0, beside: { served: 400, lost: 340, settled: 2 } });
  expect(gate!.reason).toBe(
    '340 of the 400 products that are shown now have no vector, 2 of them as their pictures cannot be had or seen',
  );
});

test('what a version that serves could be asked, and the candidate cannot for want of vectors, does not pass as not measured', () => {
  const reach = { structure: 60, clicks: 60, later: 60, ratings: 60, vectors: 60 };
  const beside = (own: Own) => told(own, [rival({ rate: null }, 'version 3', reach)], 0);
  expect(beside({ ...unmeasured, spread: null })).toEqual([
    'spread red',
    'catalog red',
    'clicks red',
    'later red',
    'ratings red',
    'choices open',
  ]);
  expect(beside({ ...own, ratings: precision(0.6, 31) })).toEqual(['ratings open', 'choices open']); // hardly less
  const [, , catalog] = qualityGates(unmeasured, [rival({}, 'version 3', reach)], { missing: 0, beside: null });
  expect(catalog!.reason).toBe('not measured: 0 held-out category triplets, 50 needed, which version 3 has');
});

test('every gate says what was measured and what was asked', () => {
  const beside = [rival({ structure: [-5, -6.25, -4] }, 'version 3, which serves'), rival({ rate: null })];
  expect(
    qualityGates({ ...own, ratings: precision(0.6, 49) }, beside, { missing: 2, beside: null }).map(
      ({ reason }) => reason,
    ),
  ).toEqual([
    '2 products have no vector',
    'mean squared distance of random pairs 2.000, at least 0.1',
    '70.0 % of 1000 held-out category triplets; beside version 3, which serves -5.0 points [-6.3, -4.0], 2 may be lost',
    '60.0 % of 1000 held-out click triplets; beside version 3, which serves 0.0 points [-1.0, 1.0], 2 may be lost',
    '60.0 % of 1000 click triplets of the last days; beside version 3, which serves 0.0 points [-1.0, 1.0], 2 may be lost',
    'not measured: 49 held-out triplets of raters, 50 needed',
    'estimated choices a view; not measured beside version 3',
  ]);
  expect(qualityGates(own, [], { missing: 0, beside: null }).at(-1)!.reason).toBe(
    'estimated choices a view; nothing serves yet',
  );
});

test('what stands further in front counts for the version that has it there, from fifty choices and ten anchors on', () => {
  const sets = (anchors: number, each: number) =>
    Array.from({ length: anchors }, (_, anchor) => {
      const items = Int32Array.from({ length: each + 1 }, (_item, i) => 100 + i);
      const chosen = Float64Array.from(items, (_item, i) => (i < each ? 1 : 0));
      return { anchor, items, chosen, exposure: chosen.map(() => 1) };
    });
  const inFront = (_anchor: number, item: number) => item;
  const behind = (_anchor: number, item: number) => -item;
  // Of five choices and one passed over the mean share behind is (5 + 4 + 3 + 2 + 1) / 25, or (0 + 1 + 2 + 3 + 4) / 25.
  expect(differenceOfChoices(sets(10, 5), inFront, behind)).toMatchObject({ mean: expect.closeTo(1 / 5, 9) });
  expect(differenceOfChoices(sets(9, 6), inFront, behind)).toBeNull();
  expect(differenceOfChoices(sets(12, 4), inFront, behind)).toBeNull();
});

test('two versions are compared on the same triplets, by anchor, and not by fewer than fifty or ten anchors', () => {
  const triplets = (anchors: number, each: number) =>
    Array.from({ length: anchors * each }, (_, i) => ({ q: i % anchors, p: 100 + i, n: 1000 + i }));
  const right = (_a: number, b: number) => b;
  // Wrong of the first anchor alone.
  const less = (a: number, b: number) => (a === 0 ? -b : b);
  expect(differenceOf(triplets(10, 5), less, right)).toMatchObject({ mean: -0.1 });
  const { low, high } = differenceOf(triplets(10, 5), less, right)!;
  expect([low, high]).toEqual([expect.closeTo(-0.3, 9), 0]); // by binomial chances: the first drawn 0 to 3 of 10 times
  expect(differenceOf(triplets(7, 7), right, right)).toBeNull();
  expect(differenceOf(triplets(9, 6), right, right)).toBeNull();
});

test('a difference by several exponents has the mean of the first and the ends of all; one that nobody knows makes none', () => {
  const [first, low, high] = [
    { mean: 0.1, low: 0.05, high: 0.15 },
    { mean: -0.2, low: -0.3, high: -0.1 },
    { mean: 0.3, low: 0.2, high: 0.4 },
  ];
  expect(spanOf([first, low, high])).toEqual({ mean: 0.1, low: -0.3, high: 0.4 });
  expect(spanOf([first, first])).toEqual(first);
  expect(spanOf([first, null, high])).toBeNull();
});

test('a difference by clicks or choices, old or late, has in its interval what it is by the other exponents', () => {
  const productIds = Array.from({ length: 12 }, (_, i) => `${i}`);
  const [first, second] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const version = (ofPositive: Float32Array, ofNegative: Float32Array) =>
    new Map(productIds.map((id, i) => [id, i === 10 ? ofPositive : i === 11 ? ofNegative : first]));
  const right = Array.from({ length: 50 }, (_, i) => ({ q: i % 10, p: 10, n: 11 }));
  const wrong = right.map(({ q, p, n }) => ({ q, p: n, n: p }));
  const chose = (triplets: typeof right) =>
    triplets.map(({ q, p, n }) => ({
      anchor: q,
      items: Int32Array.of(p, n),
      chosen: Float64Array.of(1, 0),
      exposure: Float64Array.of(1, 1),
    }));
  const set: Parameters<typeof measure>[1] = {
    productIds,
    categories: new Int32Array(12),
    groups: new Int32Array(12).fill(-1),
    queries: new Int32Array(),
    structure: right,
    clicks: [right, wrong, right],
    choices: [chose(right), chose(right), chose(wrong)],
    later: [right, right, wrong],
    ratings: [],
  };
  const found = differences(version(first, second), version(second, first), set);
  expect(found).toEqual({
    structure: { mean: 1, low: 1, high: 1 },
    clicks: { mean: 1, low: -1, high: 1 },
    choices: { mean: 1, low: -1, high: 1 },
    later: { mean: 1, low: -1, high: 1 },
    ratings: null,
  });
});

test('precision counts triplets in the right order, a tie as a half, and leaves out products without a vector', () => {
  const vectors = new Map(
    Object.entries({ a: [1, 0], b: [0.8, 0.6], c: [0, 1], d: [0.8, 0.6] }).map(([id, v]) => [id, Float32Array.from(v)]),
  );
  const set: Parameters<typeof measure>[1] = {
    productIds: ['a', 'b', 'c', 'd', 'gone'],
    categories: Int32Array.of(0, 0, 1, 1, 0),
    groups: new Int32Array(5).fill(-1),
    queries: Int32Array.of(0, 1, 2, 3, 4),
    structure: [
      { q: 0, p: 1, n: 2 }, // right
      { q: 0, p: 2, n: 1 }, // wrong
      { q: 0, p: 1, n: 3 }, // a tie
      { q: 2, p: 3, n: 0 }, // right
      { q: 0, p: 4, n: 1 }, // no vector
    ],
    clicks: [[], [], []],
    choices: [[], [], []],
    later: [[{ q: 1, p: 3, n: 0 }], [], []], // right
    ratings: [
      { q: 0, p: 1, n: 2 }, // right
      { q: 0, p: 2, n: 4 }, // no vector
    ],
  };
  const { structure, clicks, later, ratings, catalog } = measure(vectors, set);
  expect(later).toMatchObject({ triplets: 1, precision: 1 });
  expect(structure).toMatchObject({ triplets: 4, precision: 2.5 / 4 });
  expect(structure.interval).toMatchObject({ mean: 2.5 / 4 });
  expect(clicks).toEqual({ triplets: 0, precision: 0, interval: null });
  expect(ratings).toMatchObject({ triplets: 1, precision: 1 });
  // b and d lie together: b finds d before a, c finds b before d, d finds b and a before c.
  expect(catalog.similarityPrecision?.mean).toBe(2.5 / 4);
  expect(catalog.map?.mean).toBeCloseTo((1 + 1 / 2 + 1 / 2 + 1 / 3) / 4, 12);
  expect(catalog).toMatchObject({ coverage: 1, hubness: 0 });
  expect(reachOf(vectors, set)).toEqual({ structure: 4, clicks: 0, later: 1, ratings: 1, vectors: 4 });
  expect(measure(vectors, { ...set, categories: new Int32Array(5).fill(-1) }).catalog.map).toBeNull();
  expect(catalog.scoreAtK).toMatchObject({ mean: 2 - 1 });
  // Of one category there is no triplet: neither is measured, and a sum of none is not 0.
  const single = measure(vectors, { ...set, categories: new Int32Array(5), structure: [] }).catalog;
  expect([single.similarityPrecision, single.scoreAtK]).toEqual([null, null]);
  expect(single.map?.mean).toBe(1);
});

test('the lists by which the catalog is measured show one of a group, and nothing of the anchor', () => {
  const at = { a: 0, a2: 1, b: 2, b2: 3, c: 7 };
  const vectors = new Map(Object.entries(at).map(([id, place]) => [id, Float32Array.of(place)]));
  const set = (groups: readonly number[]): Parameters<typeof measure>[1] => ({
    productIds: Object.keys(at),
    categories: Int32Array.of(0, 0, 1, 1, 0),
    groups: Int32Array.from(groups),
    queries: Int32Array.of(0, 1, 2, 3, 4),
    structure: [],
    clicks: [[], [], []],
    choices: [[], [], []],
    later: [[], [], []],
    ratings: [],
  });
  const alone = measure(vectors, set([-1, -1, -1, -1, -1])).catalog;
  const folded = measure(vectors, set([0, 0, 1, 1, -1])).catalog;
  const means = ({ p1, map, recallAtK }: typeof alone) => [p1, map, recallAtK].map((metric) => metric!.mean);
  // As single products a, a2 and b2 find their variant first and b its own second; c finds b2 and b before a2.
  expect(means(alone)).toEqual([3 / 5, expect.closeTo((0.75 + 0.75 + 0.5 + 1 + 5 / 12) / 5, 12), 1]);
  expect(alone.coverage).toBe(1);
  // As variants a and a2 find b before c, and c finds b2 before a2: a is in no list. What b and b2 find is of another category.
  expect(means(folded)).toEqual([0, 1 / 2, 1]);
  expect(folded.coverage).toBe(4 / 5);
});
