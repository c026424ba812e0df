import { expect, test } from 'vitest';
import { fitChoiceShares } from '../../../../../learning/fusion/choice-shares.ts';
import { type Fitted, fitShares, withEncoder, withNetwork } from '../../../../../workers/training/fusion/mixture.ts';

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

test('what shoppers choose moves the shares from those of the catalog, three hundredths being as usual among shops', () => {
  const fitted = [
    { distance: (a: number, b: number) => Math.abs(a - b) },
    { distance: (a: number, b: number) => [2, 3, 1][b - a - 1]! },
  ];
  const sets = [0, 1, 2].map((anchor) => ({
    anchor,
    items: Int32Array.of(anchor + 1, anchor + 2, anchor + 3),
    chosen: Float64Array.of(90, 60, 30),
    exposure: Float64Array.of(10, 10, 10),
  }));
  const distances = Float64Array.of(1, 2, 2, 3, 3, 1);
  const moved = (deviation: number) =>
    fitChoiceShares(
      sets.map((set) => ({ ...set, distances })),
      { prior: [0.4, 0.6], deviation },
    );
  const evidence = { structure: [], identity: [], people: [], choices: 0, sets };
  const shares = fitShares({ fitted, prior: [0.4, 0.6] }, evidence);
  expect(shares[0]).toBeGreaterThan(0.41);
  expect(shares[0]).toBeCloseTo(moved(0.03)[0]!, 9);
  expect(Math.abs(shares[0]! - moved(0.035)[0]!)).toBeGreaterThan(0.001);
});
