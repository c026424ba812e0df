import { expect, test } from 'vitest';
import type { Block } from '../../../../learning/models/served-model.ts';
import { makeRandom, type Random } from '../../../../learning/numbers/random.ts';
import { applyBlock, fitWhitening, fuse } from '../../../../learning/whitening/whitening.ts';

/** Two to five views each of `things`, in d dimensions: the first ones are noisy, the last ones tell things apart. */
function makeSamples(random: Random, things: number, d: number) {
  const samples: number[] = [];
  const identities: number[] = [];
  for (let thing = 0; thing < things; thing++) {
    const centre = Array.from({ length: d }, (_, j) => 1 + (j + 1) * random.gaussian());
    for (let view = 0; view < 2 + (thing % 4); view++) {
      const shared = random.gaussian();
      samples.push(...centre.map((value, j) => value + (d - j) * (random.gaussian() + 0.5 * shared)));
      identities.push(thing * 3);
    }
  }
  return { samples: Float32Array.from(samples), identities: Int32Array.from(identities) };
}

const d = 6;
const { samples, identities } = makeSamples(makeRandom(4), 60, d);
const n = identities.length;
const rowOf = (values: Float32Array, i: number, width: number) =>
  Array.from(values.subarray(i * width, (i + 1) * width));
function map(whitening: { mean: Float32Array; projection: Float32Array }, x: number[]): number[] {
  const k = whitening.projection.length / d;
  return Array.from({ length: k }, (_, row) =>
    x.reduce((sum, value, j) => sum + whitening.projection[row * d + j]! * (value - whitening.mean[j]!), 0),
  );
}
/** Covariance within identities, straight from its definition. */
function within(rows: number[][]): number[][] {
  const width = rows[0]!.length;
  const sums = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  const groups = new Map<number, number[][]>();
  rows.forEach((row, i) => {
    groups.set(identities[i]!, [...(groups.get(identities[i]!) ?? []), row]);
  });
  for (const group of groups.values()) {
    const mean = group[0]!.map((_, j) => group.reduce((sum, row) => sum + row[j]!, 0) / group.length);
    for (const row of group) {
      for (let a = 0; a < width; a++) {
        for (let b = 0; b < width; b++) sums[a]![b]! += (row[a]! - mean[a]!) * (row[b]! - mean[b]!);
      }
    }
  }
  return sums.map((row) => row.map((value) => value / (rows.length - groups.size)));
}

test('without shrinkage the noise within identities becomes white and the rest is sorted by variance', () => {
  const whitening = fitWhitening(samples, identities, d, { shrinkage: 0, keep: d });
  const mapped = Array.from({ length: n }, (_, i) => map(whitening, rowOf(samples, i, d)));
  for (const [a, row] of within(mapped).entries()) {
    for (const [b, value] of row.entries()) expect(value).toBeCloseTo(a === b ? 1 : 0, 3);
  }
  const total = (a: number, b: number) => mapped.reduce((sum, row) => sum + row[a]! * row[b]!, 0) / n;
  for (let a = 0; a < d; a++) {
    expect(mapped.reduce((sum, row) => sum + row[a]!, 0) / n).toBeCloseTo(0, 3);
    for (let b = 0; b < a; b++) expect(total(a, b)).toBeCloseTo(0, 3);
    if (a > 0) expect(total(a, a)).toBeLessThanOrEqual(total(a - 1, a - 1) + 1e-6);
  }
});

test('with everything kept, distances are those of Mahalanobis under the shrunk covariance', () => {
  const whitening = fitWhitening(samples, identities, d, { shrinkage: 0.3, keep: 100 });
  expect(whitening.projection).toHaveLength(d * d);
  const rows = Array.from({ length: n }, (_, i) => rowOf(samples, i, d));
  const covariance = within(rows);
  const variance = covariance.reduce((sum, row, i) => sum + row[i]!, 0) / d;
  const shrunk = covariance.map((row, i) => row.map((value, j) => 0.7 * value + (i === j ? 0.3 * variance : 0)));
  const [x, y] = [rows[0]!, rows[9]!];
  const difference = x.map((value, j) => value - y[j]!);
  const solved = solve(shrunk, difference);
  const expected = difference.reduce((sum, value, j) => sum + value * solved[j]!, 0);
  const [mappedX, mappedY] = [map(whitening, x), map(whitening, y)];
  expect(mappedX.reduce((sum, value, j) => sum + (value - mappedY[j]!) ** 2, 0)).toBeCloseTo(expected, 3);
});

test('of fewer samples than dimensions the directions that they have are kept, with the same distances', () => {
  const wide = 40;
  const few = Float32Array.from({ length: 12 * wide }, (_, i) => Math.sin(i * i) + (i % wide) / 20);
  const pairs = Int32Array.from({ length: 12 }, (_, i) => i >> 1);
  const whitening = fitWhitening(few, pairs, wide, { shrinkage: 0.3, keep: 100 });
  expect(whitening.projection).toHaveLength(11 * wide); // 12 samples around their mean
  const rows = Array.from({ length: 12 }, (_, i) => rowOf(few, i, wide));
  const inside = rows.map((row, i) => row.map((value, j) => (value - rows[i ^ 1]![j]!) / 2));
  const covariance = rows[0]!.map((_, a) =>
    rows[0]!.map((__, b) => inside.reduce((sum, row) => sum + row[a]! * row[b]!, 0) / 6),
  );
  const variance = covariance.reduce((sum, row, i) => sum + row[i]!, 0) / wide;
  const shrunk = covariance.map((row, i) => row.map((value, j) => 0.7 * value + (i === j ? 0.3 * variance : 0)));
  const project = (x: number[]) =>
    Array.from({ length: 11 }, (_, row) =>
      x.reduce((sum, value, j) => sum + whitening.projection[row * wide + j]! * (value - whitening.mean[j]!), 0),
    );
  for (const [i, j] of [
    [0, 1],
    [0, 5],
    [7, 11],
  ] as const) {
    const difference = rows[i]!.map((value, k) => value - rows[j]![k]!);
    const expected = difference.reduce((sum, value, k) => sum + value * solve(shrunk, difference)[k]!, 0);
    const [a, b] = [project(rows[i]!), project(rows[j]!)];
    const squared = a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0);
    expect(squared / expected).toBeCloseTo(1, 4);
  }
});

test('fewer directions are the first rows, and they tell things apart best', () => {
  const all = fitWhitening(samples, identities, d, { shrinkage: 0.1, keep: d });
  const two = fitWhitening(samples, identities, d, { shrinkage: 0.1, keep: 2 });
  expect(two.projection).toEqual(all.projection.slice(0, 2 * d));
  // The last dimension has the least noise and the widest centres.
  const loads = Array.from({ length: d }, (_, j) => Math.abs(two.projection[j]!));
  expect(loads.indexOf(Math.max(...loads))).toBe(d - 1);
});

test('where no thing is seen twice it is a plain principal component analysis', () => {
  const alone = Int32Array.from({ length: n }, (_, i) => i);
  const { projection } = fitWhitening(samples, alone, d, { shrinkage: 0.5, keep: d });
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      const dot = rowOf(projection, a, d).reduce((sum, value, j) => sum + value * projection[b * d + j]!, 0);
      expect(dot).toBeCloseTo(a === b ? 1 : 0, 5);
    }
  }
});

test('a dimension that never varies, and samples all alike, still give finite maps', () => {
  const flat = Float32Array.from(samples, (value, i) => (i % d === 2 ? 0 : value));
  for (const options of [
    { shrinkage: 0, keep: d },
    { shrinkage: 1, keep: d },
  ]) {
    expect(fitWhitening(flat, identities, d, options).projection.every(Number.isFinite)).toBe(true);
  }
  const same = fitWhitening(new Float32Array(8).fill(0.5), Int32Array.of(0, 0, 1, 1), 2, { shrinkage: 0.5, keep: 1 });
  expect(same.projection.every(Number.isFinite)).toBe(true);
});

test('sizes that do not agree are refused', () => {
  expect(() => fitWhitening(samples, identities, d + 1, { shrinkage: 0.5, keep: 1 })).toThrow('are not');
  expect(() => fitWhitening(samples, identities, d, { shrinkage: 2, keep: 1 })).toThrow('shrinkage');
  expect(() => fitWhitening(samples, identities, d, { shrinkage: 1, keep: 0 })).toThrow('keep');
});

const block = (weight: number): Block => ({
  feature: 'hog',
  weight,
  mean: Float32Array.of(1, 0, 0),
  projection: Float32Array.of(2, 0, 0, 0, 1, 1),
});

test('a block centres, projects and scales to unit length; zeros stay zeros', () => {
  // [2 (3 - 1), 1 + 2] = [4, 3]
  expect(Array.from(applyBlock(block(1), Float32Array.of(3, 1, 2)))).toEqual([
    expect.closeTo(0.8, 6),
    expect.closeTo(0.6, 6),
  ]);
  expect(applyBlock(block(1), new Float32Array(3))).toEqual(new Float32Array(2));
  expect(() => applyBlock(block(1), new Float32Array(4))).toThrow('does not fit');
});

test('the squared distance of fused vectors is the weighted sum over the blocks', () => {
  const blocks = [block(0.3), block(0.7)];
  const a = [Float32Array.of(3, 1, 2), Float32Array.of(-1, 4, 2)];
  const b = [Float32Array.of(0, 1, -2), Float32Array.of(2, 2, 2)];
  const squared = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0);
  const expected = blocks.reduce(
    (sum, part, i) => sum + part.weight * squared(applyBlock(part, a[i]!), applyBlock(part, b[i]!)),
    0,
  );
  expect(squared(fuse(blocks, a), fuse(blocks, b))).toBeCloseTo(expected, 5);
  expect(Math.hypot(...fuse(blocks, a))).toBeCloseTo(1, 6);
});

test('where one block sees nothing the others fill the length; where none does the vector is zero', () => {
  const blocks = [block(0.3), block(0.7)];
  const fused = fuse(blocks, [new Float32Array(3), Float32Array.of(3, 1, 2)]);
  expect(Array.from(fused)).toEqual([0, 0, expect.closeTo(0.8, 6), expect.closeTo(0.6, 6)]);
  expect(fuse(blocks, [new Float32Array(3), new Float32Array(3)])).toEqual(new Float32Array(4));
  expect(() => fuse(blocks, [new Float32Array(3)])).toThrow('no feature');
});

test('hidden units add to every part what they read in the whole, except where a block saw nothing', () => {
  const blocks = [block(0.3), block(0.7)];
  const features = [Float32Array.of(3, 1, 2), Float32Array.of(-1, 4, 2)];
  const hidden = {
    inner: Float32Array.of(1, 0.5, -1, 2, -2, 0.3, 0.4, -1, 0.2, 1, 1, 1),
    shift: Float32Array.of(0.1, -0.2, 0.3),
    outer: Float32Array.of(0.5, -1, 0.2, 0.1, 0.7, -0.3, 1, -0.4, 0.2, 0.6, 0.9, -0.8),
  };
  const unit = (row: number[]) => row.map((value) => value / Math.hypot(...row));
  const u = blocks.map((own, b) => [...applyBlock(own, features[b]!)]);
  const roots = [Math.sqrt(0.3), Math.sqrt(0.7)];
  const x = unit(u.flatMap((part, b) => part.map((value) => value * roots[b]!)));
  const rows = (matrix: Float32Array, width: number, row: number) => [...matrix].slice(row * width, (row + 1) * width);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const units = [0, 1, 2].map((h) => Math.max(0, dot(rows(hidden.inner, 4, h), x) + hidden.shift[h]!));
  expect(units.filter((value) => value > 0).length).toBeGreaterThan(0);
  const bent = u.map((part, b) => unit(part.map((value, i) => value + dot(rows(hidden.outer, 3, 2 * b + i), units))));
  const wanted = unit(bent.flatMap((part, b) => part.map((value) => value * roots[b]!)));
  expect([...fuse(blocks, features, hidden)]).toEqual(wanted.map((value) => expect.closeTo(value, 5)));

  const blind = fuse(blocks, [new Float32Array(3), features[1]!], hidden);
  expect([...blind.subarray(0, 2)]).toEqual([0, 0]);
  expect(Math.hypot(...blind)).toBeCloseTo(1, 6);
});

/** Gaussian elimination with pivots. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  rows.forEach((_, c) => {
    const pivot = rows
      .slice(c)
      .reduce((best, row, i) => (Math.abs(row[c]!) > Math.abs(rows[best]![c]!) ? c + i : best), c);
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    rows.forEach((row, r) => {
      if (r === c) return;
      const factor = row[c]! / rows[c]![c]!;
      row.forEach((_value, j) => {
        row[j]! -= factor * rows[c]![j]!;
      });
    });
  });
  return rows.map((row, i) => row[right.length]! / row[i]!);
}
