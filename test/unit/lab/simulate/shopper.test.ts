import { expect, test } from 'vitest';
import {
  clickChance,
  isPopular,
  pagesOf,
  tilesOnScreen,
  usualHabits,
  visitPage,
} from '../../../../lab/simulate/shopper.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const tiles = Array.from({ length: 24 }, (_, i) => ({ id: `t${i + 1}`, position: i + 1 }));
const clicksOf = (visit: ReturnType<typeof visitPage>) =>
  visit.actions.filter(({ kind }) => kind === 'click').map(({ itemId }) => itemId);

test('a shopper who looks at everything and errs never clicks exactly what is liked', () => {
  const habits = { ...usualHabits, eta: 0, mistakes: 0, softness: 1e-3, cart: 0 };
  const liked = new Set(['t3', 't11', 't24']);
  const visit = visitPage(tiles, (id) => (liked.has(id) ? 1 : 0.5), makeRandom(1), habits);
  expect(visit.actions).toEqual([...liked].map((itemId) => ({ kind: 'click', itemId })));
  expect(visit.seen).toEqual(tiles.map(({ id }) => id));
});

test('clicks on products that are all liked fall off with the position as k^-eta', () => {
  const random = makeRandom(2);
  const sessions = 20_000;
  const counts = new Map<string, number>();
  for (let s = 0; s < sessions; s++) {
    for (const id of clicksOf(visitPage(tiles, () => 1, random, { ...usualHabits, eta: 0.7 }))) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  // Slope of log click rate over log position, by least squares.
  const points = tiles.map(({ id, position }) => [Math.log(position), Math.log(counts.get(id)! / sessions)] as const);
  const [mx, my] = [0, 1].map((k) => points.reduce((sum, point) => sum + point[k]!, 0) / points.length) as [
    number,
    number,
  ];
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  expect(slope).toBeCloseTo(-0.7, 1.5);
  expect(counts.get('t1')! / sessions).toBeGreaterThan(0.97);
});

test('a click is the more likely the better the standing, a coin toss at the threshold, never below mistakes', () => {
  const chances = [0, 0.5, 0.85, 0.9, 0.95, 1].map((standing) => clickChance(standing, 1, usualHabits));
  expect(chances).toEqual(chances.toSorted((a, b) => a - b));
  expect(chances[0]).toBeCloseTo(usualHabits.mistakes, 6);
  expect(chances[3]).toBeCloseTo(0.5, 2);
  expect(chances[5]).toBeGreaterThan(0.99);
});

test('only what was clicked goes to the cart, and about as often as the habit says', () => {
  const random = makeRandom(4);
  let [clicks, carts] = [0, 0];
  for (let s = 0; s < 5000; s++) {
    const visit = visitPage(tiles, () => 1, random, usualHabits);
    const clicked = clicksOf(visit);
    const carted = visit.actions.filter(({ kind }) => kind === 'addToCart').map(({ itemId }) => itemId);
    expect(clicked).toEqual(expect.arrayContaining(carted));
    clicks += clicked.length;
    carts += carted.length;
  }
  expect(carts / clicks).toBeCloseTo(usualHabits.cart, 1.5);
});

test('the usual shopper clicks a few things at most where a tenth of the tiles is liked', () => {
  const random = makeRandom(5);
  const counts = Array.from(
    { length: 1000 },
    () => clicksOf(visitPage(tiles, (id) => (/^t(5|15)$/.test(id) ? 0.97 : 0.4), random, usualHabits)).length,
  );
  expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  expect(counts.reduce((sum, count) => sum + count) / 1000).toBeGreaterThan(0.3);
});

test('the same random stream makes the same visit', () => {
  const visit = () => visitPage(tiles, (id) => Number(id.slice(1)) / 24, makeRandom(9), usualHabits);
  expect(visit()).toEqual(visit());
});

test('most shoppers stay on the first page; the others open two to four, and screens show at least six tiles', () => {
  const random = makeRandom(6);
  const pages = Array.from({ length: 40_000 }, () => pagesOf(random, usualHabits));
  expect([...new Set(pages)].sort()).toEqual([1, 2, 3, 4]);
  expect(pages.filter((count) => count > 1).length / 40_000).toBeCloseTo(usualHabits.deeper, 1.5);
  const screens = Array.from({ length: 3000 }, () => tilesOnScreen(random, 24));
  expect(Math.min(...screens)).toBe(6);
  expect(Math.max(...screens)).toBe(24);
  expect(tilesOnScreen(random, 4)).toBe(4);
});

test('what a place is trusted makes clicks on what is not liked, as one over the place, and none fewer on what is', () => {
  const habits = { ...usualHabits, mistakes: 0, trust: 0.6 };
  for (const place of [1, 2, 12]) {
    expect(clickChance(0, place, habits)).toBeCloseTo(0.6 / place, 6);
    expect(clickChance(1, place, habits)).toBeGreaterThan(0.99);
  }
  expect(clickChance(0, 2, { ...habits, mistakes: 0.5 })).toBeCloseTo(1 - 0.5 * 0.7, 6);
});

test('where only purchases are reported, what would be clicked is bought as often as it would go to the cart', () => {
  const habits = { ...usualHabits, eta: 0 };
  const [all, bought] = [false, true].map((purchasesOnly) => {
    const random = makeRandom(7);
    return Array.from({ length: 500 }, () => visitPage(tiles, () => 1, random, { ...habits, purchasesOnly }).actions);
  }) as [ReturnType<typeof visitPage>['actions'][], ReturnType<typeof visitPage>['actions'][]];
  const carts = all.map((own) => own.filter(({ kind }) => kind === 'addToCart').map(({ itemId }) => itemId));
  expect(bought.map((own) => own.map(({ itemId }) => itemId))).toEqual(carts);
  expect(new Set(bought.flat().map(({ kind }) => kind))).toEqual(new Set(['purchase']));
});

test('one product in ten is popular, by its id, and is clicked as often as said wherever it is looked at', () => {
  const ids = Array.from({ length: 5000 }, (_, i) => `p${i}`);
  const popular = ids.filter(isPopular);
  expect(popular.length / ids.length).toBeCloseTo(0.1, 1.5);
  const habits = { ...usualHabits, eta: 0, mistakes: 0, popularity: 0.4 };
  const tiles = ids.map((id, i) => ({ id, position: i + 1 }));
  const clicked = clicksOf(visitPage(tiles, () => 0, makeRandom(4), habits));
  expect(clicked.every(isPopular)).toBe(true);
  expect(clicked.length / popular.length).toBeCloseTo(0.4, 1);
});
