import { expect, test } from 'vitest';
import { squaredDistance } from '../../../../../src/db/sql/space-distance.ts';

const distance = (kind: 'euclidean' | 'cosine' | 'hamming', a: number[], b: number[]) =>
  squaredDistance({ distance: kind, dimensions: a.length }, Float32Array.from(a), Float32Array.from(b));

test('distances are on one scale, worked by hand: 0 the same, 2 nothing in common, 4 the opposite', () => {
  expect(
    [
      [1, 0],
      [0, 1],
      [-1, 0],
    ].map((b) => distance('euclidean', [1, 0], b)),
  ).toEqual([0, 2, 4]);
  // Of whatever length: a cosine space is kept as its encoder gave it.
  expect(
    [
      [5, 0],
      [0, 0.5],
      [-2, 0],
    ].map((b) => distance('cosine', [3, 0], b)),
  ).toEqual([0, 2, 4]);
  expect(
    [
      [1, 0, 1, 0],
      [1, 1, 1, 1],
      [0, 1, 0, 1],
    ].map((b) => distance('hamming', [1, 0, 1, 0], b)),
  ).toEqual([0, 2, 4]);
});
