import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Weights } from '../../../../learning/network/spec.ts';
import { type Averaged, averageWeights, firstNotFinite } from '../../../../learning/optimiser/averaging.ts';

const value = fc.float({ min: -1000, max: 1000, noNaN: true }).map((x) => x + 0); // no -0
const share = fc.double({ min: 0.01, max: 1e6, noNaN: true });
const weights: fc.Arbitrary<Weights> = fc
  .tuple(fc.array(value, { minLength: 6, maxLength: 6 }), value)
  .map(([six, one]) => ({
    'a.kernel': { shape: [2, 3], data: Float32Array.from(six) },
    'a.mean': { shape: [1], data: Float32Array.of(one) },
  }));
const members = fc.array(fc.record({ weights, share }), { minLength: 1, maxLength: 6 });
const flat = (of: Weights): number[] => Object.values(of).flatMap(({ data }) => [...data]);

describe('the mean of networks', () => {
  test('of equal members is the member, bit for bit, whatever they weigh', () => {
    fc.assert(
      fc.property(weights, share, fc.integer({ min: 1, max: 8 }), (one, weighs, count) => {
        const mean = averageWeights(Array.from({ length: count }, () => ({ weights: one, share: weighs })));
        expect(mean).toEqual(one);
      }),
    );
  });

  test('equals brute force over every value, running statistics included', () => {
    fc.assert(
      fc.property(members, (all) => {
        const mean = flat(averageWeights(all));
        const total = all.reduce((sum, one) => sum + one.share, 0);
        mean.forEach((found, i) => {
          const expected = all.reduce((sum, one) => sum + (flat(one.weights)[i]! * one.share) / total, 0);
          expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-3 * 2 ** -10 + Math.abs(expected) * 2 ** -23);
        });
      }),
    );
  });

  test('knows no order and no scale of shares, and a member counts as often as it weighs', () => {
    fc.assert(
      fc.property(members, fc.double({ min: 0.1, max: 10, noNaN: true }), (all, scale) => {
        const near = (a: Weights, b: Weights) => {
          for (const [i, x] of flat(a).entries()) expect(Math.abs(x - flat(b)[i]!)).toBeLessThan(1e-3);
        };
        const mean = averageWeights(all);
        near(averageWeights([...all].reverse()), mean);
        near(averageWeights(all.map((one): Averaged => ({ ...one, share: one.share * scale }))), mean);
        const [first] = all;
        const halves = { ...first!, share: first!.share / 2 };
        near(averageWeights([halves, ...all.slice(1), halves]), mean);
      }),
    );
  });

  test('by hand: 3 triplets at 1 and 1 triplet at 5 make 2', () => {
    const at = (x: number): Weights => ({ w: { shape: [1], data: Float32Array.of(x) } });
    expect(
      averageWeights([
        { weights: at(1), share: 3 },
        { weights: at(5), share: 1 },
      ]),
    ).toEqual(at(2));
  });

  test('what cannot be averaged is refused', () => {
    const one: Weights = { w: { shape: [2], data: new Float32Array(2) } };
    const other: Weights = { w: { shape: [1, 2], data: new Float32Array(2) } };
    expect(() => averageWeights([])).toThrow('nothing');
    expect(() => averageWeights([{ weights: one, share: 0 }])).toThrow('share');
    expect(() => averageWeights([{ weights: one, share: Number.NaN }])).toThrow('share');
    expect(() =>
      averageWeights([
        { weights: one, share: 1 },
        { weights: other, share: 1 },
      ]),
    ).toThrow('differ in w');
    expect(() =>
      averageWeights([
        { weights: one, share: 1 },
        { weights: { ...one, v: one.w! }, share: 1 },
      ]),
    ).toThrow('numbers');
  });

  test('a value that is not finite is found by its tensor', () => {
    const good = { shape: [2], data: Float32Array.of(1, 2) };
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(firstNotFinite({ good, bad: { shape: [2], data: Float32Array.of(1, bad) } })).toBe('bad');
    expect(firstNotFinite({ good })).toBeNull();
  });
});
