import { expect, test } from 'vitest';
import type { Fitted } from '../../../../workers/training/blocks.ts';
import { frozenBlocks } from '../../../../workers/training/frozen-model.ts';
import type { Golden } from '../../../../workers/training/golden.ts';

const block = {} as Fitted;

test('before any triplet has spoken the encoder has two thirds, its parts alike, and the hand-made features the rest', () => {
  const golden = { fitted: [block, block], prior: [0.75, 0.25] } as unknown as Golden;
  const { fitted, prior } = frozenBlocks(golden, [block, block]);
  expect(fitted).toHaveLength(4);
  expect(prior.map((share) => 12 * share)).toEqual([3, 1, 4, 4].map((share) => expect.closeTo(share, 9)));
  expect(frozenBlocks(golden, []).prior).toEqual([0.75, 0.25]);
});
