import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kMeans, nearestCentre } from '../../../../lab/baselines/k-means.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

/** `each` rows around each of the planted centres. */
function planted(centres: number[][], each: number, spread: number): Float32Array {
  const random = makeRandom(7);
  return Float32Array.from(
    centres.flatMap((centre) =>
      Array.from({ length: each }, () => centre.map((value) => value + spread * random.gaussian())).flat(),
    ),
  );
}

/** Sum of squared distances to the nearest centre, from its definition. */
function costOf(rows: Float32Array, centres: Float32Array, d: number): number {
  let cost = 0;
  for (let from = 0; from < rows.length; from += d) {
    const squares: number[] = [];
    for (let centre = 0; centre < centres.length; centre += d) {
      let sum = 0;
      for (let i = 0; i < d; i++) sum += (rows[from + i]! - centres[centre + i]!) ** 2;
      squares.push(sum);
    }
    cost += Math.min(...squares);
  }
  return cost;
}

test('finds clusters that are far apart', () => {
  const truth = [
    [0, 0, 0],
    [10, 0, 0],
    [0, 10, 0],
    [10, 10, 10],
  ];
  const centres = kMeans(planted(truth, 100, 0.5), 3, 4, makeRandom(3));
  for (const centre of truth) {
    const at = 3 * nearestCentre(Float32Array.from(centre), centres, 3);
    centre.forEach((value, i) => {
      expect(Math.abs(centres[at + i]! - value)).toBeLessThan(0.25);
    });
  }
});

test('the cost never rises', () => {
  // No clusters, so that it takes many rounds.
  const rows = planted([[0, 0]], 400, 1);
  const costs = Array.from({ length: 15 }, (_, iterations) =>
    costOf(rows, kMeans(rows, 2, 12, makeRandom(5), { iterations }), 2),
  );
  for (let i = 1; i < costs.length; i++) expect(costs[i]).toBeLessThanOrEqual(costs[i - 1]! + 1e-4);
  expect(costs.at(-1)).toBeLessThan(costs[0]! * 0.95);
});

test('every different row gets a centre of its own where there are enough of them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer(),
      (values, copies, seed) => {
        const rows = Float32Array.from(Array.from({ length: copies }, () => values).flat());
        const centres = kMeans(rows, 1, values.length + 2, makeRandom(seed));
        expect(centres).toHaveLength(values.length + 2);
        expect(costOf(rows, centres, 1)).toBe(0);
      },
    ),
  );
});

test('the nearest centre is that of the least distance, the first of equals', () => {
  const number = fc.integer({ min: -3, max: 3 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(number),
      (d, k, stream) => {
        const draw = (length: number) => Float32Array.from({ length }, () => stream.next().value);
        const [row, centres] = [draw(d), draw(k * d)];
        const costs = Array.from({ length: k }, (_, c) => costOf(row, centres.subarray(c * d, (c + 1) * d), d));
        expect(nearestCentre(row, centres, d)).toBe(costs.indexOf(Math.min(...costs)));
      },
    ),
  );
});

test('sizes that do not agree are refused', () => {
  expect(() => kMeans(new Float32Array(5), 2, 1, makeRandom(1))).toThrow('not rows of 2');
  expect(() => kMeans(new Float32Array(0), 2, 1, makeRandom(1))).toThrow('not rows of 2');
  expect(() => kMeans(new Float32Array(4), 2, 0, makeRandom(1))).toThrow('number of clusters');
});
