import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bilinear, fitOasis, metricEmbedding, oasisUpdate, project } from '../../../../lab/baselines/oasis.ts';

const f = (...values: number[]): Float32Array => Float32Array.from(values);

test('a hand-computed sequence of updates', () => {
  const w = Float64Array.of(1, 0, 0, 1);
  // S(q, p - n) = [1 0] [-1 1]' = -1: l = 2. V = [1 0]' [-1 1], |V|^2 = 2, l / |V|^2 = 1 > C = 0.5.
  expect(oasisUpdate(w, { q: f(1, 0), p: f(0, 1), n: f(1, 0) }, 0.5)).toBe(2);
  expect([...w]).toEqual([0.5, 0.5, 0, 1]);
  // [1 0] W [-1 1]' = 0: l = 1, l / |V|^2 = 0.5 = C.
  expect(oasisUpdate(w, { q: f(1, 0), p: f(0, 1), n: f(1, 0) }, 0.5)).toBe(1);
  expect([...w]).toEqual([0, 1, 0, 1]);
  // Now S = 1 and l = 0: nothing changes.
  expect(oasisUpdate(w, { q: f(1, 0), p: f(0, 1), n: f(1, 0) }, 0.5)).toBe(0);
  expect([...w]).toEqual([0, 1, 0, 1]);
  // q = [0 2], p - n = [1 0]: S = 0, l = 1, |V|^2 = 4, tau = 1 / 4 < C; V = [[0 0] [2 0]].
  expect(oasisUpdate(w, { q: f(0, 2), p: f(1, 0), n: f(0, 0) }, 0.5)).toBe(1);
  expect([...w]).toEqual([0, 1, 0.5, 1]);
});

const vector = fc
  .array(fc.integer({ min: -8, max: 8 }), { minLength: 3, maxLength: 3 })
  .map((list) => Float32Array.from(list));

test('without a bound an update gives its triplet exactly the margin, and changes W as little as can be', () => {
  fc.assert(
    fc.property(vector, vector, vector, (q, p, n) => {
      const w = Float64Array.of(1, 0.5, 0, 0, 1, 0, -0.5, 0, 1);
      const before = w.slice();
      const loss = oasisUpdate(w, { q, p, n }, 1e9);
      const difference = p.map((value, i) => value - n[i]!);
      const able = q.some((value) => value !== 0) && difference.some((value) => value !== 0);
      if (loss > 0 && able) expect(bilinear(w, q, difference)).toBeCloseTo(1, 6);
      else expect(w).toEqual(before);
      // The change is along q (p - n)', the gradient: its rows are multiples of p - n.
      w.forEach((value, at) => {
        const change = value - before[at]!;
        const scale = able ? loss / (q.reduce((s, v) => s + v * v, 0) * difference.reduce((s, v) => s + v * v, 0)) : 0;
        expect(change).toBeCloseTo(scale * q[Math.floor(at / 3)]! * difference[at % 3]!, 6);
      });
    }),
  );
});

describe('the metric of a similarity', () => {
  test('is the similarity itself where it is one', () => {
    // B B' of a full-rank B.
    const w = Float64Array.of(5, 2, 1, 2, 3, 0, 1, 0, 2);
    const matrix = metricEmbedding(w, 3);
    for (const [x, y] of [
      [f(1, 2, -1), f(0, 1, 3)],
      [f(0, 0, 1), f(2, -1, 0)],
    ] as const) {
      const [a, b] = [project(matrix, x), project(matrix, y)];
      expect(a.reduce((sum, value, i) => sum + value * b[i]!, 0)).toBeCloseTo(bilinear(w, x, y), 4);
    }
  });

  test('forgets what is not symmetric, and directions of negative similarity', () => {
    const matrix = metricEmbedding(Float64Array.of(2, 1, -1, -3), 2); // symmetric part: diag(2, -3)
    expect(Math.hypot(...project(matrix, f(1, 0)))).toBeCloseTo(Math.SQRT2, 6);
    expect(Math.hypot(...project(matrix, f(0, 1)))).toBeCloseTo(0, 6);
  });
});

test('fitting learns which of two directions counts, goes on from where it was, and leaves its start alone', () => {
  let turn = 0;
  // The first value tells things apart; the second one, which is larger, is noise.
  const draw = () => {
    const noise = turn++ % 2 ? 0.8 : -0.8;
    return { q: f(0.6, noise), p: f(0.6, -noise), n: f(-0.6, noise) };
  };
  const half = fitOasis({ d: 2, draw, steps: 100, aggressiveness: 0.1 });
  const kept = half.slice();
  const w = fitOasis({ d: 2, draw, steps: 100, aggressiveness: 0.1, from: half });
  expect(half).toEqual(kept);
  expect(w[0]!).toBeGreaterThan(w[3]!);
  const { q, p, n } = draw();
  expect(bilinear(w, q, p)).toBeGreaterThanOrEqual(bilinear(w, q, n) + 1 - 1e-6);
});
