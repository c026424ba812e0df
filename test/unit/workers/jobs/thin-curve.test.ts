import fc from 'fast-check';
import { expect, test } from 'vitest';
import { thinCurve } from '../../../../workers/jobs/thin-curve.ts';

test('however long a training is, its curve stays short, in order, and ends with its newest point', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), (length) => {
      let curve: number[] = [];
      for (let point = 0; point < length; point++) curve = thinCurve([...curve, point]);
      expect(curve.length).toBeLessThanOrEqual(200);
      expect(curve.at(-1)).toBe(length - 1);
      expect(curve).toEqual(curve.toSorted((a, b) => a - b));
      if (length > 200) expect(curve.length).toBeGreaterThan(99);
    }),
    { numRuns: 50 },
  );
});
