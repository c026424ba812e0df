import { expect, test } from 'vitest';
import { labHistogram, labOf } from '../../../../lab/baselines/lab-histogram.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { describeBaseline } from '../../../support/baseline-sanity.ts';

describeBaseline('LAB histogram', labHistogram);

test.each([
  ['white', [255, 255, 255], [100, 0, 0]],
  ['black', [0, 0, 0], [0, 0, 0]],
  ['grey', [119, 119, 119], [50.03, 0, 0]],
  ['red', [255, 0, 0], [53.24, 80.09, 67.2]],
  ['green', [0, 255, 0], [87.73, -86.18, 83.18]],
  ['blue', [0, 0, 255], [32.3, 79.19, -107.86]],
])('%s has its published values', (_, [red, green, blue], expected) => {
  labOf(red!, green!, blue!).forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(0.02);
  });
});

const { represent, distance } = labHistogram.fit([], makeRandom(1));

/** The first `inked` pixels in one colour, the rest white. */
function painted(inked: number, colour: number[]): Uint8Array {
  const picture = new Uint8Array(64 * 64 * 3).fill(255);
  for (let i = 0; i < inked; i++) picture.set(colour, 3 * i);
  return picture;
}

test('shares of the ink: unit length whatever its area, which does not count', () => {
  const [small, large] = [represent(painted(50, [200, 30, 30])), represent(painted(3000, [200, 30, 30]))];
  expect(small.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  expect(distance(small, large)).toBeCloseTo(0, 6);
});

test('colours far apart share no bin; a similar colour is nearer', () => {
  const red = represent(painted(500, [200, 30, 30]));
  expect(distance(red, represent(painted(500, [30, 30, 200])))).toBeCloseTo(1, 5);
  const similar = distance(red, represent(painted(500, [195, 35, 34])));
  expect(similar).toBeGreaterThan(0);
  expect(similar).toBeLessThan(0.3);
});

test('near white is background', () => {
  const shadowed = painted(500, [200, 30, 30]);
  shadowed.fill(250, 3 * 2000);
  expect(distance(represent(shadowed), represent(painted(500, [200, 30, 30])))).toBeCloseTo(0, 6);
});
