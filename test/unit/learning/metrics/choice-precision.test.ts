import { expect, test } from 'vitest';
import { choicePrecision } from '../../../../learning/metrics/choice-precision.ts';

const set = (chosen: number[], exposure = [1, 2, 3, 4]) => ({
  anchor: 0,
  items: Int32Array.of(10, 11, 12, 13),
  chosen: Float64Array.from(chosen),
  exposure: Float64Array.from(exposure),
});
const precision = (one: ReturnType<typeof set>, distance: (item: number) => number) =>
  choicePrecision([one], (anchor, item) => (anchor === 0 ? distance(item) : Number.NaN))[0]![0]!;
const inOrder = (item: number) => item;

test('a choice asks which share of what else was looked at stands behind it', () => {
  expect(precision(set([1, 0, 0, 0]), inOrder)).toBe(1);
  expect(precision(set([0, 0, 0, 1]), inOrder)).toBe(0);
  // Behind the second are 3 + 4 of 1 + 3 + 4.
  expect(precision(set([0, 1, 0, 0]), inOrder)).toBeCloseTo(7 / 8, 12);
  expect(precision(set([0, 1, 0, 0]), () => 5)).toBe(0.5);
});

test('an anchor is one value, the mean of its choices by their votes', () => {
  expect(precision(set([3, 0, 0, 1]), inOrder)).toBeCloseTo(3 / 4, 12);
  expect(choicePrecision([set([1, 0, 0, 0]), set([0, 0, 0, 2])], (_q, item) => item)).toEqual([[1], [0]]);
});

test('an order that says nothing of choices has a half, wherever what it has in front was shown', () => {
  for (const distance of [inOrder, (item: number) => -item, (item: number) => (item * 7) % 4])
    expect(precision(set([1, 1, 1, 1], [1, 1, 1, 1]), distance)).toBeCloseTo(0.5, 12);
});
