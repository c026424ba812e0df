import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softmaxOf, taughtBatches } from '../../../../learning/batches/taught-batches.ts';
import { scaleToUnit } from '../../../../learning/features/unit.ts';
import type { Distillation } from '../../../../learning/losses/loss.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const D = 5;
/** Some unit vectors, the same for a seed. */
function vectorsOf(seed: number, n: number): Float32Array[] {
  const random = makeRandom(seed);
  return Array.from({ length: n }, () => scaleToUnit(Float32Array.from({ length: D }, () => random.gaussian())));
}
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

test('a softmax of similarities sums to 1, leaves out a row itself, and orders the others as the teacher does', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 2, max: 12 }),
      fc.double({ min: 0.02, max: 2, noNaN: true }),
      (seed, n, t) => {
        const vectors = vectorsOf(seed, n);
        const softmax = softmaxOf(vectors, t);
        for (const [i, own] of vectors.entries()) {
          const row = softmax.subarray(i * n, (i + 1) * n);
          expect(row[i]).toBe(0);
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
          for (const [j, other] of vectors.entries()) {
            const ratio = Math.exp((dot(own, other) - dot(own, vectors[(i + 1) % n]!)) / t);
            const first = row[(i + 1) % n]!;
            if (j !== i && first > 1e-6 && ratio < 1e6) expect(row[j]! / first / ratio).toBeCloseTo(1, 2);
          }
        }
      },
    ),
  );
});

test('batches show each picture that may teach once in a pass, with what the teacher sees in it, and go on from a state', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.uniqueArray(fc.nat(500), { minLength: 2, maxLength: 30 }),
      fc.integer({ min: 2, max: 9 }),
      (seed, chosen, rows) => {
        const vectors = vectorsOf(seed, 501);
        const loss = { kind: 'distillation', temperature: 0.3, regression: 2 } as const;
        const pictures = Int32Array.from(chosen);
        const make = () => taughtBatches({ pictures, vectorOf: (picture) => vectors[picture]!, rows, loss, seed });
        const source = make();
        const plans = Array.from({ length: 2 * pictures.length }, () => source.next());
        const shown = plans.flatMap((plan) => [...plan.pictures]);
        for (let at = 0; at + pictures.length <= shown.length; at += pictures.length)
          expect(new Set(shown.slice(at, at + pictures.length))).toEqual(new Set(pictures));
        for (const plan of plans) {
          const own = plan.loss as Distillation;
          const rowsOf = Array.from(plan.pictures, (picture) => vectors[picture]!);
          expect(own).toMatchObject(loss);
          expect(own.vectors).toEqual(Float32Array.from(rowsOf.flatMap((row) => [...row])));
          expect(own.targets).toEqual(softmaxOf(rowsOf, 0.3));
          expect([...plan.groups].every((group) => group === -1)).toBe(true);
        }
        expect(source.counts()).toEqual({ pictures: shown.length });
        const state = JSON.parse(JSON.stringify(source.state()));
        const resumed = make();
        resumed.next();
        resumed.restore(state);
        expect(resumed.next()).toEqual(source.next());
        expect(() => resumed.restore({ nothing: 1 })).toThrow('not a state of taught batches');
      },
    ),
    { numRuns: 40 },
  );
});

test('one picture or one row has no neighbours', () => {
  const loss = { kind: 'distillation', temperature: 0.1, regression: 1 } as const;
  const options = { vectorOf: () => new Float32Array(D), loss, seed: 1 };
  expect(() => taughtBatches({ ...options, pictures: Int32Array.of(1), rows: 4 })).toThrow('1 pictures have no');
  expect(() => taughtBatches({ ...options, pictures: Int32Array.of(1, 2), rows: 1 })).toThrow('1 rows have no');
});
