import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHalf, toHalf } from '../../../../learning/numbers/half.ts';

const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const values = fromHalf(all);
/** All finite numbers of float16 by size. */
const finite = [...values].filter((value) => Number.isFinite(value) && value >= 0).sort((a, b) => a - b);

test('knows the numbers of the standard', () => {
  const known: [number, number][] = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65_504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x3555, 0.333251953125],
    [0x7c00, Number.POSITIVE_INFINITY],
  ];
  for (const [bits, value] of known) expect(fromHalf(Uint16Array.of(bits))[0]).toBe(value);
});

test('every float16 comes back as it was', () => {
  const numbers = all.filter((_, bits) => !Number.isNaN(values[bits]));
  expect(toHalf(fromHalf(numbers))).toEqual(numbers);
});

test('takes the nearest one, of two equally near ones the even', () => {
  fc.assert(
    fc.property(fc.float({ min: 0, max: 65_504, noNaN: true }), (number) => {
      const found = fromHalf(toHalf([number]))[0]!;
      const at = finite.findIndex((value) => value >= number);
      const [low, high] = [finite[Math.max(0, at - 1)]!, finite[at]!];
      expect(Math.abs(found - number)).toBe(Math.min(number - low < 0 ? high : number - low, high - number));
      if (number - low === high - number && low !== high) expect(toHalf([number])[0]! % 2).toBe(0);
      expect(fromHalf(toHalf([-number]))[0]).toBe(-found);
    }),
    { numRuns: 2000, examples: [[2 ** -25], [3 * 2 ** -25], [2049], [65_503.99]] },
  );
  expect(fromHalf(toHalf([65_520]))[0]).toBe(Number.POSITIVE_INFINITY);
  expect(fromHalf(toHalf([Number.NaN]))[0]).toBeNaN();
});
