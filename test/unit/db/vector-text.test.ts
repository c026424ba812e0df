import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vectorText } from '../../../src/db/vector-text.ts';

const read = (text: string): number[] => JSON.parse(text.replaceAll(/(?<=^\[|,)(-?)\./g, '$10.'));

test('parts of unit vectors are written to nine decimals', () => {
  expect(vectorText(Float32Array.of(0.5, -0.25, 0, 2 ** -20, -(2 ** -40)))).toBe(
    '[.500000000,-.250000000,.000000000,.000000954,-.000000000]',
  );
  const part = fc.float({ min: Math.fround(-0.9999999), max: Math.fround(0.9999999), noNaN: true });
  fc.assert(
    fc.property(
      fc.float32Array({ minLength: 1, maxLength: 20, ...{ min: -0.875, max: 0.875, noNaN: true } }),
      part,
      (row, last) => {
        const vector = Float32Array.of(...row, last);
        for (const [i, value] of read(vectorText(vector)).entries())
          expect(Math.abs(value - vector[i]!)).toBeLessThanOrEqual(0.5001e-9);
      },
    ),
  );
});

test('any other vector is written too', () => {
  for (const vector of [Float32Array.of(0, 1), Float32Array.of(-3.5, 1e-12), Float32Array.of(0.1, 2e20)])
    expect(Float32Array.from(read(vectorText(vector)))).toEqual(vector);
});
