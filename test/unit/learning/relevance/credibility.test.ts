import { expect, test } from 'vitest';
import { credibility, MOST_OF_BATCHES, MOST_OF_FUSION } from '../../../../learning/relevance/credibility.ts';

test('two hundred choices have half of the credibility, a half in batches and all of it in the fusion', () => {
  const curve = (most: number) => [0, 200, 600].map((choices) => credibility(choices, most));
  expect(curve(MOST_OF_BATCHES)).toEqual([0, 0.25, 0.375]);
  expect(curve(MOST_OF_FUSION)).toEqual([0, 0.5, 0.75]);
  expect(credibility(1e9, MOST_OF_BATCHES)).toBeCloseTo(0.5, 6);
  expect(credibility(1e9, MOST_OF_FUSION)).toBeCloseTo(1, 6);
});
