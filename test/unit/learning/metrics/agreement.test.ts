import { expect, test } from 'vitest';
import { agreementOf } from '../../../../learning/metrics/agreement.ts';

const ratings = (values: readonly (number | null)[]): Map<number, number> =>
  new Map(values.flatMap((value, unit) => (value === null ? [] : [[unit, value] as const])));

test('Krippendorff’s worked example of two raters and ten units', () => {
  // "Computing Krippendorff's alpha-reliability" (2011), B: nominal data, two observers; alpha = 0.692 of 12 units.
  const [a, b, c, d, e] = [1, 2, 3, 4, 5];
  const jon = ratings([a, a, b, b, d, c, c, c, e, d, d, a]);
  const han = ratings([b, a, b, b, b, c, c, c, e, d, d, d]);
  expect(agreementOf([jon, han])?.alpha).toBeCloseTo(0.692, 3);
  expect(agreementOf([jon, han])).toMatchObject({ questions: 12, observed: 9 / 12 });
});

test('Krippendorff’s worked example of four raters with gaps', () => {
  // The same, C: nominal data, any number of observers, missing data; alpha = 0.743.
  const table = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, null, null, null],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, null, 3],
    [null, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, null],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, null],
  ];
  expect(agreementOf(table.map(ratings))?.alpha).toBeCloseTo(0.743, 3);
});

test('all the same is 1, chance is about 0, and nobody twice is nothing', () => {
  expect(agreementOf([ratings([1, 1]), ratings([1, 1])])).toEqual({ questions: 2, observed: 1, alpha: 1 });
  expect(agreementOf([ratings([1, null]), ratings([null, 2])])).toBeNull();
  const many = Array.from({ length: 4000 }, (_, i) => i);
  const chance = agreementOf([ratings(many.map((i) => i % 2)), ratings(many.map((i) => (i >> 1) % 2))]);
  expect(chance?.alpha).toBeCloseTo(0, 2);
});
