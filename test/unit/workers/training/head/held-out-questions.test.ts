import { expect, test } from 'vitest';
import type { Fit } from '../../../../../workers/training/fit.ts';
import { heldOutQuestions } from '../../../../../workers/training/head/held-out-questions.ts';

test('heads are asked how far in front they have what was chosen beside validation products, and all others beside which it taught no head', () => {
  // Products 0 to 3 validate, 4 to 8 train; each has one picture and no category.
  const set = {
    starts: Int32Array.from({ length: 10 }, (_, i) => i),
    categories: new Int32Array(9).fill(-1),
    splits: Uint8Array.from({ length: 9 }, (_, i) => (i < 4 ? 1 : 0)),
  };
  const beside = (anchor: number) => ({
    anchor,
    items: Int32Array.of(5, 6, 7),
    chosen: Float64Array.of(1, 1, 0),
    exposure: Float64Array.of(1, 1, 2),
  });
  const evidence = { structure: [], identity: [], people: [], choices: 0, sets: [beside(1), beside(4), beside(8)] };
  const clicks = { triplets: [{ q: 4, p: 5, n: 7, weight: 1 }] };
  const { ask, trust, pictures } = heldOutQuestions({ set, evidence, clicks } as unknown as Fit);
  expect(pictures).toEqual(expect.arrayContaining([1, 5, 6, 7, 8]));
  // Six pairs were chosen, beside all anchors: credibility is 6 of 206.
  expect(trust.people).toBeCloseTo(6 / 206, 12);
  const along = (order: readonly number[]) => ask((picture) => Float32Array.of(order.indexOf(picture))).people;
  expect(along([1, 8, 5, 6, 7])).toEqual([[(1 + 2 / 3) / 2], [(1 + 2 / 3) / 2]]);
  expect(along([1, 8, 7, 6, 5])).toEqual([[(0 + 1 / 3) / 2], [(0 + 1 / 3) / 2]]);
});
