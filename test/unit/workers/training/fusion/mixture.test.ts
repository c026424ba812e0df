import { expect, test } from 'vitest';
import { type Fitted, withEncoder, withNetwork } from '../../../../../workers/training/fusion/mixture.ts';

const block = {} as Fitted;
const golden = { fitted: [block, block], prior: [0.75, 0.25] };

test('before any triplet has spoken the encoder has two thirds, its parts alike, and the hand-made features the rest', () => {
  const { fitted, prior } = withEncoder(golden, [block, block]);
  expect(fitted).toHaveLength(4);
  expect(prior.map((share) => 12 * share)).toEqual([3, 1, 4, 4].map((share) => expect.closeTo(share, 9)));
  expect(withEncoder(golden, []).prior).toEqual([0.75, 0.25]);
});

test('before any triplet has spoken a network has two fifths, and all others keep their proportions', () => {
  const { fitted, prior } = withNetwork(golden, block);
  expect(fitted).toHaveLength(3);
  expect(prior.map((share) => 20 * share)).toEqual([9, 3, 8].map((share) => expect.closeTo(share, 9)));
});
