import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitMixWeights, type MixOptions, projectToSimplex } from '../../../../learning/fusion/mix.ts';

/** The problem again, from its definition. */
function objective(margins: Float32Array, w: ArrayLike<number>, options: MixOptions): number {
  const blocks = w.length;
  const values = Array.from({ length: margins.length / blocks }, (_, t) => {
    const margin = Array.from(w).reduce((sum, value, b) => sum + value * margins[t * blocks + b]!, 0);
    const { gap } = options;
    const loss = margin >= gap ? 0 : margin <= 0 ? gap / 2 - margin : (gap - margin) ** 2 / (2 * gap);
    return { loss, weight: options.tripletWeights?.[t] ?? 1 };
  });
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  const norm = Array.from(w).reduce((sum, value) => sum + value ** 2, 0);
  const pull = Array.from(w).reduce((sum, value, b) => sum + (value - options.prior[b]!) ** 2, 0);
  const mean = values.reduce((sum, { loss, weight }) => sum + weight * loss, 0) / total;
  return mean + options.l2 * norm + ((options.priorStrength ?? 0) * pull) / total;
}

/** All points of the simplex on a grid. */
function grid(blocks: number, steps: number): number[][] {
  if (blocks === 1) return [[steps]];
  return Array.from({ length: steps + 1 }, (_, first) =>
    grid(blocks - 1, steps - first).map((rest) => [first, ...rest]),
  ).flat();
}
const simplexGrid = (blocks: number) => grid(blocks, 40).map((point) => point.map((value) => value / 40));

/** In steps of 0.05: gradients 1e-6 beside ones of 1 would need more iterations than a weight is worth. */
const margin = fc.integer({ min: -40, max: 40 }).map((value) => value / 20);
const problem = fc.integer({ min: 1, max: 3 }).chain((blocks) =>
  fc.record({
    margins: fc
      .array(fc.array(margin, { minLength: blocks, maxLength: blocks }), {
        minLength: 1,
        maxLength: 15,
      })
      .map((rows) => Float32Array.from(rows.flat())),
    prior: fc
      .array(fc.integer({ min: 1, max: 9 }), { minLength: blocks, maxLength: blocks })
      .map((parts) => parts.map((part) => part / parts.reduce((a, b) => a + b))),
    gap: fc.double({ min: 0.05, max: 1, noNaN: true }),
    l2: fc.constantFrom(0, 0.001, 0.1),
    priorStrength: fc.constantFrom(0, 5),
    weights: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 15, maxLength: 15 }),
  }),
);

test('no point of a grid over the simplex is better, and the weights lie on the simplex', () => {
  fc.assert(
    fc.property(problem, ({ margins, weights: parts, ...options }) => {
      const all = { ...options, tripletWeights: parts.slice(0, margins.length / options.prior.length) };
      const weights = fitMixWeights(margins, all);
      expect(weights.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      expect(weights.every((value) => value >= 0)).toBe(true);
      const own = objective(margins, weights, all);
      const best = Math.min(...simplexGrid(weights.length).map((point) => objective(margins, point, all)));
      expect(own).toBeLessThanOrEqual(best + 1e-7);
    }),
    { numRuns: 60 },
  );
});

test('the block that orders triplets takes the weight, unless triplets are few against the prior', () => {
  const margins = (count: number) => Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 ? -0.2 : 0.4));
  const options = { gap: 0.3, l2: 0, prior: [0.2, 0.8], priorStrength: 50 };
  expect(fitMixWeights(margins(20_000), options)[0]).toBeGreaterThan(0.8);
  expect(fitMixWeights(margins(3), options)[0]).toBeLessThan(0.25);
  expect([...fitMixWeights(margins(0), options)]).toEqual([0.2, 0.8]);
  expect(() => fitMixWeights(new Float32Array(3), options)).toThrow('not triplets');
});

test('the projection is the nearest point of the simplex', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 }), (point) => {
      const distance = (to: ArrayLike<number>) => point.reduce((sum, value, i) => sum + (value - to[i]!) ** 2, 0);
      const found = projectToSimplex(Float64Array.from(point));
      expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      expect(distance(found)).toBeLessThanOrEqual(Math.min(...simplexGrid(3).map(distance)) + 1e-9);
    }),
  );
});
