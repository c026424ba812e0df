import { expect, test } from 'vitest';
import { makeRandom } from '../../../src/learning/random.ts';
import type { SeenPair } from '../../../src/learning/relevance.ts';
import type { Split } from '../../../src/learning/split.ts';
import { learnFromClicks } from '../../../workers/training/clicks.ts';
import { fitShares, structureTriplets } from '../../../workers/training/mixture.ts';

const items = Array.from({ length: 60 }, (_, i) => ({
  id: String(i),
  category: i % 2 ? 'odd' : 'even',
  split: (i < 42 ? 'train' : i < 48 ? 'val' : 'test') as Split,
}));
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
  const { triplets, chosen } = learnFromClicks(shopping(4000, kin), items, flat);
  expect(chosen).toBeGreaterThan(300);
  const right = triplets.filter(({ q, p, n }) => Number(kin(q, p)) > Number(kin(q, n))).length;
  const wrong = triplets.filter(({ q, p, n }) => Number(kin(q, p)) < Number(kin(q, n))).length;
  expect(right).toBeGreaterThan(5 * wrong);
  expect(triplets.flatMap(({ q, p, n }) => [q, p, n]).some((i) => items[i]?.split === 'test')).toBe(false);
});

test('evaluation takes held-out anchors only', () => {
  const { triplets } = learnFromClicks(shopping(2000, kin), items, flat, 'test');
  expect(triplets.length).toBeGreaterThan(0);
  expect(triplets.every(({ q }) => items[q]?.split === 'test')).toBe(true);
});

test('the mix moves to the block that explains the clicks, the more the more of them there are', () => {
  const unit = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle));
  // One block knows the taste (i mod 3), the other the category (i mod 2).
  const blocks = [3, 2].map((m) => new Map(items.map((_, i) => [i, unit((i % m) * 2 + i / 100)])));
  const all = items.map((_, i) => i);
  const structure = structureTriplets(items, all, makeRandom(1));
  const shareOfTaste = (sessions: number) =>
    fitShares(blocks, structure, learnFromClicks(shopping(sessions, kin), items, flat), [0.5, 0.5])[0] as number;
  const [none, few, many] = [shareOfTaste(0), shareOfTaste(60), shareOfTaste(4000)];
  expect(none).toBeLessThan(0.45);
  expect(few).toBeGreaterThanOrEqual(none);
  expect(many).toBeGreaterThan(few + 0.1);
});

test('a catalog with one category, or none, gives no structure and the mix stays at its prior', () => {
  const alone = items.map((item) => ({ ...item, category: null }));
  expect(
    structureTriplets(
      alone,
      alone.map((_, i) => i),
      makeRandom(1),
    ),
  ).toEqual([]);
  expect(fitShares([new Map(), new Map()], [], { triplets: [], chosen: 0 }, [0.7, 0.3])).toEqual([0.7, 0.3]);
});
