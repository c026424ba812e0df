import { expect, test } from 'vitest';
import { meanVectors } from '../../../../learning/fusion/mean-vector.ts';

const block = (k: number, weight: number) => ({
  feature: 'hog',
  weight,
  mean: new Float32Array(3),
  projection: new Float32Array(3 * k),
});
const model = { blocks: [block(2, 0.64), block(1, 0.36)] };
const near = (values: Float32Array) => Array.from(values, (value) => Number(value.toFixed(6)));

test('a product of one picture keeps its vector; of several each block is their mean, of the length of its share', () => {
  const vectors = Float32Array.of(0.8, 0, 0.6, /* two of one product */ 0.8, 0, 0.6, 0, 0.8, -0.6);
  const [single, several] = [0, 3].map((at) => near(meanVectors(model, vectors, [1, 2]).subarray(at, at + 3)));
  expect(single).toEqual([0.8, 0, 0.6]);
  // (1, 0) and (0, 1) have the mean (1, 1) / 2; what opposes itself in the second block says nothing, and the first fills the length.
  expect(several).toEqual(near(Float32Array.of(Math.SQRT1_2, Math.SQRT1_2, 0)));
});

test('pictures count alike, whatever a block saw in them, and a product whose pictures show nothing is 0', () => {
  const vectors = Float32Array.of(0.8, 0, 0.6, 0, 0, 1, 0, 0, 1, /* nothing */ 0, 0, 0, 0, 0, 0);
  const out = meanVectors(model, vectors, [3, 2]);
  expect(near(out.subarray(0, 3))).toEqual([0.8, 0, 0.6]);
  expect(near(out.subarray(3))).toEqual([0, 0, 0]);
});
