import { describe, expect, test } from 'vitest';
import {
  agreement,
  clickWorld,
  isPromoted,
  placedWorld,
  triplets,
  type WorldKind,
} from '../../../support/click-worlds.ts';

const WORLDS = 4;
const worlds = (kind: WorldKind, views: number) =>
  Array.from({ length: WORLDS }, (_, i) => clickWorld(kind, views, 500 + i));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

// `npm run bench -- clicks` asks 40 worlds, also at 2,000 views.
describe.each([20, 200])('worlds of known taste, %d views an anchor', (views) => {
  test.each(['served', 'none', 'noisy'] as const)(
    'where the order is %s, no random and no reversed order that is 9 points worse on categories is promoted',
    (kind) => {
      for (const [i, world] of worlds(kind, views).entries())
        for (const candidate of ['random', 'reversed'] as const) expect(isPromoted(world, candidate, i)).toBe(false);
    },
  );
});

test('what is learned agrees with the hidden taste where the order is just that, and where it is noisy', () => {
  const agreed = (kind: WorldKind) => mean(worlds(kind, 200).map((world) => agreement(world, triplets(world))));
  expect(agreed('served')).toBeGreaterThan(0.85);
  expect(agreed('noisy')).toBeGreaterThan(0.93);
});

test('of lists of one placement, whatever its name, all is learned as before there were placements', () => {
  const world = clickWorld('popular', 200, 7);
  const learned = triplets(world);
  // 2,037 of 1012.4976 before a positive was held to its votes; 1,521 of 753.3674 when items beside one anchor said nothing of base rates.
  expect(learned).toHaveLength(1522);
  expect(learned.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(753.0303696543, 6);
  const pairs = world.pairs.map((pair) => ({ ...pair, placement: 'page' }));
  expect(triplets({ ...world, pairs })).toEqual(learned);
});

test('what is chosen everywhere is not learned for alike, and an order by popularity is not promoted', () => {
  const popular = worlds('popular', 200);
  // .88 without base rates.
  expect(mean(popular.map((world) => agreement(world, triplets(world))))).toBeGreaterThan(0.93);
  expect(popular.filter((world, i) => isPromoted(world, 'popular', i))).toHaveLength(0);
});

test('an exponent that is known with an error promotes neither chance nor the reverse, and what is better all the same', () => {
  // A world in which the estimated exponents alone would have promoted the random order.
  const [none, noisy] = (['none', 'noisy'] as const).map((kind) =>
    placedWorld({ kind, lists: 1_000_000, share: 0.03, examined: { row: 0.2, column: 1 }, seed: 709 }),
  );
  for (const candidate of ['random', 'reversed'] as const) expect(isPromoted(none!, candidate, 709)).toBe(false);
  expect(isPromoted(noisy!, 'better', 709)).toBe(true);
});

test('an order that shoppers like better is promoted although it agrees less with categories', () => {
  expect(worlds('noisy', 200).filter((world, i) => isPromoted(world, 'better', i))).toHaveLength(WORLDS);
});
