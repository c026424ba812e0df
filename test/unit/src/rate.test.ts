import { describe, expect, test } from 'vitest';
import { makeRandom } from '../../../learning/numbers/random.ts';
import { rateOf } from '../../../src/rate.ts';

/** Visitors as [impressions, choices]. */
type Visitors = readonly (readonly [number, number])[];
const sumsOf = (visitors: Visitors) => {
  const sum = (of: (n: number, c: number) => number) => visitors.reduce((total, [n, c]) => total + of(n, c), 0);
  return {
    visitors: visitors.length,
    impressions: sum((n) => n),
    choices: sum((_, c) => c),
    impressionsSq: sum((n) => n * n),
    products: sum((n, c) => n * c),
    choicesSq: sum((_, c) => c * c),
  };
};
const copies = (times: number, visitor: readonly [number, number]): Visitors => Array(times).fill(visitor);

describe('the rate of choices', () => {
  test('of visitors who saw one product each has Wilson’s interval', () => {
    // 20 of 100: (0.2 + 3.8415/200 ± 1.96 √(0.16/100 + 3.8415/40000)) / (1 + 3.8415/100)
    const { rate, low, high } = rateOf(sumsOf([...copies(20, [1, 1]), ...copies(80, [1, 0])]));
    expect(rate).toBe(0.2);
    expect(low).toBeCloseTo(0.1334, 4);
    expect(high).toBeCloseTo(0.2888, 4);
  });

  test('has the bounds at which a score of 1.96 is reached', () => {
    const visitors = [...copies(30, [1, 1]), ...copies(270, [1, 0])];
    const { low, high } = rateOf(sumsOf(visitors));
    for (const bound of [low, high])
      expect(Math.abs(0.1 - bound) / Math.sqrt((bound * (1 - bound)) / 300)).toBeCloseTo(1.959964, 5);
  });

  test('where nobody or everybody chose counts a visitor as one trial, however much he saw', () => {
    const z2 = 1.959964 ** 2;
    expect(rateOf(sumsOf(copies(25, [40, 0])))).toEqual({ rate: 0, low: 0, high: expect.closeTo(z2 / (25 + z2), 9) });
    expect(rateOf(sumsOf(copies(25, [40, 40])))).toEqual({ rate: 1, low: expect.closeTo(25 / (25 + z2), 9), high: 1 });
  });

  test('of visitors who all choose alike is no surer than all impressions were by themselves', () => {
    const even = rateOf(sumsOf(copies(50, [10, 1])));
    const apart = rateOf(sumsOf([...copies(50, [1, 1]), ...copies(450, [1, 0])]));
    expect(even.low).toBeCloseTo(apart.low, 3);
    expect(even.high).toBeCloseTo(apart.high, 3);
  });

  test('is within its interval in 95 of 100 worlds whose visitors differ, where impressions as the unit fail', () => {
    const random = makeRandom(20);
    const WORLDS = 600;
    const truth = 0.2; // mean of a taste of 0.05 or 0.35
    let [held, heldByImpressions] = [0, 0];
    for (let world = 0; world < WORLDS; world++) {
      const visitors = Array.from({ length: 60 }, () => {
        const taste = random.next() < 0.5 ? 0.05 : 0.35;
        const n = 1 + random.int(40);
        return [n, Array.from({ length: n }, () => random.next() < taste).filter(Boolean).length] as const;
      });
      const contains = ({ low, high }: { low: number; high: number }) => low <= truth && truth <= high;
      held += Number(contains(rateOf(sumsOf(visitors))));
      const single = visitors.flatMap(([n, c]) => Array.from({ length: n }, (_, i) => [1, Number(i < c)] as const));
      heldByImpressions += Number(contains(rateOf(sumsOf(single))));
    }
    expect(held / WORLDS).toBeGreaterThan(0.92);
    expect(held / WORLDS).toBeLessThan(0.985);
    expect(heldByImpressions / WORLDS).toBeLessThan(0.8);
  });
});
