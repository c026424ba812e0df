import { expect, test } from 'vitest';
import { makeRandom } from '../../../src/learning/random.ts';
import type { SeenPair } from '../../../src/learning/relevance.ts';
import { isIn } from '../../../src/learning/split.ts';
import { learnFromClicks } from '../../../workers/training/clicks.ts';
import { byPictures, fitShares, identityTriplets, structureTriplets } from '../../../workers/training/mixture.ts';

/** 60 items, even and odd ones: 42 to train on, 6 for validation, 12 for tests. */
const columns = {
  categories: Int32Array.from({ length: 60 }, (_, i) => i % 2),
  splits: Uint8Array.from({ length: 60 }, (_, i) => (i < 42 ? 0 : i < 48 ? 1 : 2)),
};
const flat = () => 0.1;

/** Every anchor's list shows ten items; the one at `liked` is clicked with a high chance, others with a low one. */
function shopping(sessions: number, likes: (anchor: number, item: number) => boolean): SeenPair[] {
  const random = makeRandom(3);
  const seen = new Map<string, SeenPair>();
  for (let session = 0; session < sessions; session++) {
    const anchor = random.int(60);
    for (let position = 1; position <= 10; position++) {
      const item = random.int(60);
      const clicked = random.next() < (likes(anchor, item) ? 0.6 : 0.05) / position ? 1 : 0;
      const key = `${anchor} ${item} ${position}`;
      const old = seen.get(key) ?? { anchor, item, position, impressions: 0, clicks: 0, value: 0 };
      seen.set(key, {
        ...old,
        impressions: old.impressions + 1,
        clicks: old.clicks + clicked,
        value: old.value + clicked,
      });
    }
  }
  return [...seen.values()];
}
const kin = (a: number, b: number) => a % 3 === b % 3;

test('triplets follow what shoppers chose, in spite of position, and never touch a held-out product', () => {
  const { triplets, chosen } = learnFromClicks(shopping(4000, kin), columns, flat);
  expect(chosen).toBeGreaterThan(300);
  const right = triplets.filter(({ q, p, n }) => Number(kin(q, p)) > Number(kin(q, n))).length;
  const wrong = triplets.filter(({ q, p, n }) => Number(kin(q, p)) < Number(kin(q, n))).length;
  expect(right).toBeGreaterThan(5 * wrong);
  expect(triplets.flatMap(({ q, p, n }) => [q, p, n]).some((i) => isIn(columns, i, 'test'))).toBe(false);
});

test('evaluation takes held-out anchors only', () => {
  const { triplets } = learnFromClicks(shopping(2000, kin), columns, flat, 'test');
  expect(triplets.length).toBeGreaterThan(0);
  expect(triplets.every(({ q }) => isIn(columns, q, 'test'))).toBe(true);
});

/** Squared distance of two directions. */
const apart = (a: number, b: number) => 2 - 2 * Math.cos(a - b);

test('the mix moves to the block that explains the clicks, the more the more of them there are', () => {
  // One block knows the taste (i mod 3), the other the category (i mod 2).
  const blocks = [3, 2].map((m) => (i: number, j: number) => apart((i % m) * 2 + i / 100, (j % m) * 2 + j / 100));
  const structure = structureTriplets(
    columns,
    Int32Array.from({ length: 60 }, (_, i) => i),
    makeRandom(1),
  );
  const shareOfTaste = (sessions: number): number => {
    const { triplets, chosen } = learnFromClicks(shopping(sessions, kin), columns, flat);
    return fitShares(blocks, { structure, identity: [], people: triplets, choices: chosen }, [0.5, 0.5])[0]!;
  };
  const [none, few, many] = [shareOfTaste(0), shareOfTaste(60), shareOfTaste(4000)];
  expect(none).toBeLessThan(0.45);
  expect(few).toBeGreaterThanOrEqual(none);
  expect(many).toBeGreaterThan(few + 0.1);
});

test('a catalog with one category, or none, gives no structure and the mix stays at its prior', () => {
  const chosen = Int32Array.from({ length: 60 }, (_, i) => i);
  for (const category of [-1, 0]) {
    const alone = { ...columns, categories: new Int32Array(60).fill(category) };
    expect(structureTriplets(alone, chosen, makeRandom(1))).toEqual([]);
  }
  const nothing = { structure: [], identity: [], people: [], choices: 0 };
  expect(fitShares([() => 0, () => 0], nothing, [0.7, 0.3])).toEqual([0.7, 0.3]);
});

test('other pictures of one product beat those of its nearest rivals, and products of one picture say nothing', () => {
  // Items of 1, 2 and 3 pictures.
  const starts = Int32Array.from([0, 1, 3, 6]);
  const itemOf = (picture: number) => [0, 1, 1, 2, 2, 2][picture];
  const chosen = Int32Array.of(0, 1, 2);
  const triplets = identityTriplets({ starts }, chosen, (a, b) => Math.abs(a - b), makeRandom(1), 500);
  expect(triplets).toHaveLength(500);
  for (const { q, p, n } of triplets) {
    expect(itemOf(p)).toBe(itemOf(q));
    expect(p).not.toBe(q);
    expect(itemOf(n)).not.toBe(itemOf(q));
  }
  expect(new Set(triplets.map(({ q, p }) => `${q} ${p}`)).size).toBe(2 + 6);
  expect(identityTriplets({ starts }, Int32Array.of(0), () => 0, makeRandom(1))).toEqual([]);
  expect(byPictures([{ q: 0, p: 1, n: 2, weight: 3 }], { starts })).toEqual([{ q: 0, p: 1, n: 3, weight: 3 }]);
});
