import { expect, test } from 'vitest';
import { makeRandom, type Random } from '../../../../learning/numbers/random.ts';
import { shuffled } from '../../../../learning/numbers/shuffled.ts';
import { baseRates } from '../../../../learning/relevance/base-rate.ts';
import type { SeenPair } from '../../../../learning/relevance/seen-pairs.ts';
import { seen } from '../../../support/seen-pair.ts';

type Base = ReturnType<typeof baseRates>;
const theta = (position: number) => 1 / position;

/** Poisson, by products of uniforms (Knuth): small means only. */
function poisson(mean: number, random: Random): number {
  let count = -1;
  for (let product = 1; product > Math.exp(-mean); count++) product *= random.next();
  return count;
}

/** Lists of 8 of 40 items by chance, each looked at 200 times at places 1 to 8; `rates`: chance of a choice when looked at, by item. */
function shopping(anchors: number, random: Random, rates: readonly number[], likeness: () => number): SeenPair[] {
  return Array.from({ length: anchors }, (_, anchor) =>
    shuffled([...rates.keys()], random)
      .slice(0, 8)
      .map((item, i) => {
        const clicks = poisson((200 * rates[item]! * likeness()) / (i + 1), random);
        return seen(anchor, item, i + 1, 200, clicks);
      }),
  ).flat();
}

test('one worked case: what an item has beside what all of the list have, one anchor left out', () => {
  // Anchor 0: 100 looks each, 30 choices of 1, 10 of 2 and 5 of 3: 15 expected. Anchor 1: the first seen at place 2 alone, 50 looks.
  const pairs = [
    seen(0, 1, 1, 100, 30),
    seen(0, 2, 1, 100, 10),
    seen(0, 3, 1, 100, 5),
    seen(1, 1, 2, 100, 20),
    seen(1, 2, 1, 50, 5),
    seen(1, 3, 1, 50, 5),
    seen(1, 3, 9, 0, 5), // a lost beacon
  ];
  // 15 expected of each beside the first, 10 beside the second: apart 15, -5, -10 and 10, -5, -5; by 16 and by 11.
  const together = (2 * (15 * 10 + 5 * 5 + 10 * 5)) / (16 * 11);
  const chance = (2 * 2 * (150 ** 2 + 25 ** 2 + 50 ** 2)) / (16 * 11) ** 2;
  const spread = (together - Math.sqrt(chance)) / (3 * (15 / 16 + 10 / 11) ** 2);
  const all = (350 - 45) / 16 ** 2 + (150 - 30) / 11 ** 2;
  const within = (all / (3 * ((15 / 16) ** 2 + (10 / 11) ** 2)) - spread) / (1 + spread);
  const [first, second] = [1 / (1 + 15 * within), 1 / (1 + 10 * within)];
  const base = baseRates(pairs, theta);
  expect(base(0, 1).rate).toBeCloseTo((1 / spread + 20 * second) / (1 / spread + 10 * second), 12);
  expect(base(0, 1).variance).toBeCloseTo(1 / (1 / spread + 20 * second), 12);
  expect(base(1, 3).rate).toBeCloseTo((1 / spread + 5 * first) / (1 / spread + 15 * first), 12);
  // Beside an anchor where it was never seen all count; an item that nobody saw has the usual rate and is not known.
  const [chosen, expected] = [10 * first + 5 * second, 15 * first + 10 * second];
  expect(base(7, 2).rate).toBeCloseTo((1 / spread + chosen) / (1 / spread + expected), 12);
  expect(base(0, 9)).toEqual({ rate: 1, variance: expect.closeTo(spread, 12) });
});

test('what was expected at a place goes by its placement', () => {
  const plain = [0, 1].flatMap((anchor) =>
    [30, 10, 5].map((clicks, i) => seen(anchor, i + 1, 2, 100 + 40 * anchor, clicks)),
  );
  const placed = plain.map((pair) => ({ ...pair, position: 7, placement: 'row' }));
  const base = baseRates(placed, (position, placement) => (placement === 'row' ? 0.5 : theta(position)));
  const wanted = baseRates(plain, theta);
  expect(wanted(0, 1).rate).toBeGreaterThan(1);
  for (const item of [1, 2, 3]) expect(base(0, item)).toEqual(wanted(0, item));
});

test('it is what the sums over all pairs of anchors say, each written out', () => {
  const random = makeRandom(11);
  const rates = Array.from({ length: 40 }, () => 0.02 * Math.exp(random.gaussian()));
  const pairs = shopping(20, random, rates, () => Math.exp(0.8 * random.gaussian()));
  const anchors = [...Array(20).keys()];
  const items = [...rates.keys()];
  const of = (q: number, i: number) => pairs.filter(({ anchor, item }) => anchor === q && item === i);
  const c = anchors.map((q) => items.map((i) => of(q, i).reduce((sum, { clicks }) => sum + clicks, 0)));
  const e = anchors.map((q) =>
    items.map((i) => of(q, i).reduce((sum, { impressions, position }) => sum + impressions / position, 0)),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const E = anchors.map((q) => items.map((i) => (sum(c[q]!) * e[q]![i]!) / sum(e[q]!)));
  let [A, B, variance, excess, squares] = [0, 0, 0, 0, 0];
  for (const i of items)
    for (const q of anchors) {
      excess += ((c[q]![i]! - E[q]![i]!) ** 2 - E[q]![i]!) / (1 + E[q]![i]!) ** 2;
      squares += (E[q]![i]! / (1 + E[q]![i]!)) ** 2;
      for (const r of anchors) {
        const u = 1 / ((1 + E[q]![i]!) * (1 + E[r]![i]!));
        B += u * E[q]![i]! * E[r]![i]!;
        if (q === r) continue;
        const product = u * (c[q]![i]! - E[q]![i]!) * (c[r]![i]! - E[r]![i]!);
        A += product;
        variance += 2 * product ** 2;
      }
    }
  const v = (A - Math.sqrt(variance)) / B;
  const s = (excess / squares - v) / (1 + v);
  expect(v).toBeGreaterThan(0.1);
  expect(s).toBeGreaterThan(0.1);
  const w = (q: number, i: number) => 1 / (1 + s * E[q]![i]!);
  const base = baseRates(pairs, theta);
  for (const q of anchors)
    for (const i of items) {
      const others = anchors.filter((r) => r !== q);
      const chosen = 1 / v + sum(others.map((r) => w(r, i) * c[r]![i]!));
      const wanted = chosen / (1 / v + sum(others.map((r) => w(r, i) * E[r]![i]!)));
      expect(base(q, i).rate).toBeCloseTo(wanted, 9);
      expect(base(q, i).variance).toBeCloseTo(1 / chosen, 9);
    }
});

test('items of one anchor each, and items that are chosen as often as each other, all have the usual rate', () => {
  const alone = [seen(0, 1, 1, 100, 90), seen(0, 2, 1, 100, 1), seen(1, 3, 1, 100, 50), seen(1, 4, 2, 100, 3)];
  const base = baseRates(alone, theta);
  expect([base(0, 1), base(1, 4), base(0, 7)]).toEqual(Array(3).fill({ rate: 1, variance: 0 }));
  expect(baseRates([], theta)(0, 1)).toEqual({ rate: 1, variance: 0 });
  // What differs from anchor to anchor is likeness: in thirty worlds base rates stay within a tenth of each other.
  const random = makeRandom(3);
  const spreads = Array.from({ length: 30 }, () => {
    const pairs = shopping(40, random, Array(40).fill(0.05), () => Math.exp(0.8 * random.gaussian()));
    const at = baseRates(pairs, theta);
    return Math.max(...Array.from({ length: 40 }, (_, item) => Math.abs(Math.log(at(-1, item).rate))));
  });
  expect(spreads.filter((most) => most < 0.1).length).toBeGreaterThan(20);
});

test('the rates of a world come out, the nearer the more anchors there are, and with the variance that is told', () => {
  const random = makeRandom(8);
  const z: number[] = [];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const apart = [15, 100].map((anchors) => {
    const errors = Array.from({ length: 12 }, () => {
      const hidden = Array.from({ length: 40 }, () => 0.7 * random.gaussian());
      const rates = hidden.map((rate) => 0.03 * Math.exp(rate));
      const base = baseRates(
        shopping(anchors, random, rates, () => Math.exp(0.6 * random.gaussian())),
        theta,
      );
      const found = hidden.map((_, item) => base(-1, item));
      // What is usual in the world is nobody's business: both are taken beside their means.
      const shift = mean(hidden) - mean(found.map(({ rate }) => Math.log(rate)));
      const own = found.map(({ rate }, item) => Math.log(rate) + shift - hidden[item]!);
      if (anchors === 100) z.push(...own.map((error, item) => error / Math.sqrt(found[item]!.variance)));
      return mean(own.map((error) => error ** 2));
    });
    return Math.sqrt(mean(errors));
  });
  expect(apart[0]).toBeLessThan(0.6); // who knows nothing is .7 away
  expect(apart[1]).toBeLessThan(0.35);
  const typical = Math.sqrt(mean(z.map((value) => value ** 2)));
  expect(typical).toBeGreaterThan(0.6);
  expect(typical).toBeLessThan(1.5);
});

test('one anchor beside which a product is chosen a thousand times makes it no popular one', () => {
  const random = makeRandom(2);
  const rates = Array.from({ length: 40 }, () => 0.03 * Math.exp(0.7 * random.gaussian()));
  const pairs = shopping(40, random, rates, () => Math.exp(0.6 * random.gaussian()));
  const { item } = pairs.find(({ anchor }) => anchor === 3)!;
  const flood = pairs.map((pair) => (pair.anchor === 3 && pair.item === item ? { ...pair, clicks: 1000 } : pair));
  const [before, after] = [pairs, flood].map((all) => baseRates(all, theta)) as [Base, Base];
  expect(before(-1, item)).not.toEqual({ rate: 1, variance: 0 });
  expect(after(-1, item).rate / before(-1, item).rate).toBeLessThan(2);
  expect(after(3, item).rate / before(3, item).rate).toBeLessThan(1.3); // its own anchor is left out
});

test('what one visitor alone has seen beside several anchors says nothing of how sure all others are', () => {
  const random = makeRandom(5);
  // A shop in which no product stands beside two anchors: 60 lists of eight, looked at 200 times.
  const shop = Array.from({ length: 60 }, (_, anchor) =>
    Array.from({ length: 8 }, (_, i) => seen(anchor, 8 * anchor + i, i + 1, 200, poisson(10 / (i + 1), random))),
  ).flat();
  expect(baseRates(shop, theta)(0, 1)).toEqual({ rate: 1, variance: 0 });
  // One visitor, with all that he may count for: the same four products beside five anchors of his own, two of them clicked beside each.
  const own = Array.from({ length: 5 }, (_, anchor) =>
    [2, 2, 0, 0].map((clicks, i) => seen(900 + anchor, 900 + i, 1, 4, clicks)),
  ).flat();
  const base = baseRates([...shop, ...own], theta);
  expect(base(0, 1).rate).toBe(1);
  expect(Math.sqrt(base(0, 1).variance)).toBeLessThan(0.25); // of log pi; by his items alone it is .9
  expect(base(-1, 900).rate).toBeGreaterThan(1);
});
