import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareDecimals, digitsOf, isDecimal } from '../../../src/decimal.ts';

const decimal = fc
  .record({ cents: fc.integer({ min: -1_000_000, max: 1_000_000 }), zeros: fc.nat(3) })
  .map(({ cents, zeros }) => ({ cents, text: `${(cents / 100).toFixed(2)}${'0'.repeat(zeros)}` }));

test('decimals compare as whole cents do', () => {
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      expect(Math.sign(compareDecimals(a.text, b.text))).toBe(Math.sign(a.cents - b.cents));
    }),
  );
});

test('decimals beyond the precision of a float compare exactly', () => {
  expect(compareDecimals('9007199254740993.1', '9007199254740993')).toBe(1);
  expect(compareDecimals('0.10000000000000000001', '0.1')).toBe(1);
  expect(compareDecimals('1.50', '1.5')).toBe(0);
});

test.each(['', '1e3', '1,5', '.5', '5.', '+1', ' 1', '0x1', 'NaN', '1'.repeat(21)])('%j is no decimal', (text) => {
  expect(isDecimal(text)).toBe(false);
});

test('zeros that mean nothing are not counted as digits', () => {
  expect(digitsOf('0019.9000')).toEqual({ whole: 2, fraction: 1 });
  expect(digitsOf('0')).toEqual({ whole: 0, fraction: 0 });
});
