import { expect, test } from 'vitest';
import { embedLinearly, fitLinearEmbedding, hingeGradient } from '../../../../lab/baselines/linear-embedding.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const random = makeRandom(12);
const vector = (d: number): Float32Array => Float32Array.from({ length: d }, () => random.gaussian());

test('the gradient of the hinge is that of finite differences', () => {
  const [d, length] = [5, 3];
  const a = Float64Array.from({ length: d * length }, () => random.gaussian());
  const triplets = Array.from({ length: 12 }, () => ({ q: vector(d), p: vector(d), n: vector(d) }));
  const { gradient, loss } = hingeGradient(a, d, triplets, 0.3);
  expect(loss).toBeGreaterThan(0);
  const step = 1e-6;
  for (let i = 0; i < a.length; i++) {
    const at = (change: number): number =>
      hingeGradient(
        a.map((value, j) => (j === i ? value + change : value)),
        d,
        triplets,
        0.3,
      ).loss;
    expect((at(step) - at(-step)) / (2 * step)).toBeCloseTo(gradient[i]!, 6);
  }
});

test('it learns which values count from triplets, the same for the same seed', () => {
  // Things are told apart by their first two values; six others are noise of the same size.
  const thing = (centre: Float32Array): Float32Array => Float32Array.of(...centre, ...vector(6));
  const draw = () => {
    const [own, other] = [vector(2), vector(2)];
    return { q: thing(own), p: thing(own), n: thing(other) };
  };
  const options = { d: 8, length: 4, draw, steps: 400, batch: 32, gap: 0.3, weightDecay: 1e-3, rate: 0.1 };
  const a = fitLinearEmbedding({ ...options, random: makeRandom(1) });
  const right = (matrix: Float64Array): number => {
    const held = Array.from({ length: 1000 }, draw);
    const squared = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0);
    return (
      held.filter(({ q, p, n }) => {
        const [e, f, g] = [q, p, n].map((x) => embedLinearly(matrix, x)) as [Float32Array, Float32Array, Float32Array];
        return squared(e, f) < squared(e, g);
      }).length / held.length
    );
  };
  const untrained = fitLinearEmbedding({ ...options, steps: 0, random: makeRandom(1) });
  expect(right(untrained)).toBeLessThan(0.75);
  expect(right(a)).toBeGreaterThan(0.9);
  expect(Math.hypot(...embedLinearly(a, vector(8)))).toBeCloseTo(1, 5);
  const fixed = { q: vector(8), p: vector(8), n: vector(8) };
  const again = () => fitLinearEmbedding({ ...options, draw: () => fixed, steps: 5, random: makeRandom(2) });
  expect(again()).toEqual(again());
});
