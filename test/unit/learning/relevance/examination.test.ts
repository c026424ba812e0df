import { describe, expect, test } from 'vitest';
import { fitExamination, powerLaw } from '../../../../learning/relevance/examination.ts';
import { fitPropensity } from '../../../../learning/relevance/propensity.ts';
import type { SeenPair } from '../../../../learning/relevance/seen-pairs.ts';
import { exploringPairs, PLACEMENTS, placedWorld, unplaced } from '../../../support/click-worlds.ts';
import { seen } from '../../../support/seen-pair.ts';

const PRIOR = { mean: 0.3, deviation: 0.25 };
const at = (placement: string, pairs: SeenPair[]): SeenPair[] => pairs.map((pair) => ({ ...pair, placement }));
/** Three placements of which each says something else, and one in which nothing moved. */
const PAIRS = [
  ...at('row', [seen(0, 1, 1, 900, 90), seen(0, 1, 4, 900, 80), seen(0, 2, 2, 400, 30), seen(0, 2, 9, 700, 41)]),
  ...at('column', [seen(0, 1, 1, 900, 120), seen(0, 1, 5, 900, 22), seen(0, 2, 1, 500, 60), seen(0, 2, 3, 500, 21)]),
  ...[seen(0, 1, 1, 50, 9), seen(0, 1, 3, 70, 6)],
  ...at('still', [seen(0, 1, 1, 900, 200), seen(0, 2, 7, 900, 10)]),
];

/** The model in plain loops: l_p(eta), its derivatives by differences, and the log of the joint posterior. */
function oracle(placements: readonly (string | undefined)[]) {
  const likelihood = (placement: string | undefined, eta: number): number => {
    let sum = 0;
    for (const item of [1, 2]) {
      const own = PAIRS.filter((pair) => pair.placement === placement && pair.item === item);
      const chances = own.map(({ position, impressions }) => impressions * position ** -eta);
      const total = chances.reduce((all, chance) => all + chance, 0);
      for (const [i, { clicks }] of own.entries()) sum += clicks * Math.log(chances[i]! / total);
    }
    return sum;
  };
  const step = 1e-4;
  const slope = (f: (x: number) => number, x: number) => (f(x + step) - f(x - step)) / (2 * step);
  const bend = (f: (x: number) => number, x: number) => (f(x + step) - 2 * f(x) + f(x - step)) / step ** 2;
  const shared = highest((eta) => placements.reduce((sum, p) => sum + likelihood(p, eta), normal(eta, PRIOR)));
  const parts = placements.map((p) => ({
    g: slope((eta) => likelihood(p, eta), shared),
    I: -bend((eta) => likelihood(p, eta), shared),
  }));
  const [G, I] = [parts.reduce((sum, { g }) => sum + g, 0), parts.reduce((sum, one) => sum + one.I, 0)];
  // Q as a sum of squares around the weighted mean.
  const middle = shared + G / I;
  const Q = parts.reduce((sum, { g, I: own }) => sum + own * (shared + g / own - middle) ** 2, 0);
  const free = parts.length - 1;
  const spread = (Q - free - Math.sqrt(2 * free)) / (I - parts.reduce((sum, one) => sum + one.I ** 2, 0) / I);
  const joint = ([mu, ...etas]: number[]): number =>
    etas.reduce(
      (sum, eta, i) => sum + likelihood(placements[i], eta) + normal(eta, { mean: mu!, deviation: Math.sqrt(spread) }),
      normal(mu!, PRIOR),
    );
  return { spread, joint };
}
const normal = (x: number, { mean, deviation }: typeof PRIOR) => -((x - mean) ** 2) / (2 * deviation ** 2);

/** By golden sections. */
function highest(f: (x: number) => number): number {
  const part = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [0, 2];
  while (high - low > 1e-10) {
    const [a, b] = [high - part * (high - low), low + part * (high - low)];
    if (f(a) > f(b)) high = b;
    else low = a;
  }
  return (low + high) / 2;
}

/** One coordinate after the other, until nothing changes. */
function highestOf(f: (x: number[]) => number, start: number[]): number[] {
  let x = start;
  for (let turn = 0; turn < 60; turn++)
    for (const i of x.keys())
      x = x.with(
        i,
        highest((value) => f(x.with(i, value))),
      );
  return x;
}

/** Inverse of minus the second derivatives, by differences and elimination. */
function covariance(f: (x: number[]) => number, x: number[]): number[][] {
  const step = 1e-4;
  const moved = (i: number, a: number, j: number, b: number) => {
    const y = [...x];
    y[i]! += a * step;
    y[j]! += b * step;
    return f(y);
  };
  const rows = x.map((_, i) =>
    x
      .map((_x, j) => -(moved(i, 1, j, 1) - moved(i, 1, j, -1) - moved(i, -1, j, 1) + moved(i, -1, j, -1)))
      .map((value) => value / (4 * step ** 2))
      .concat(x.map((_x, j) => Number(i === j))),
  );
  for (const [i, row] of rows.entries()) {
    const own = row[i]!;
    for (const k of row.keys()) row[k]! /= own;
    for (const other of rows) {
      const factor = other[i]!;
      if (other !== row) for (const k of other.keys()) other[k]! -= factor * row[k]!;
    }
  }
  return rows.map((row) => row.slice(x.length));
}

describe('exponents of placements', () => {
  const placements = ['row', 'column', undefined];

  test('are the joint mode of the posterior, with the variances of its curvature: by brute force', () => {
    const { joint, spread } = oracle(placements);
    expect(spread).toBeGreaterThan(0.01);
    const best = highestOf(joint, [0.5, 0.5, 0.5, 0.5]);
    const variances = covariance(joint, best);
    // Less what the width of the shop's prior has in it.
    const errorOf = (i: number) => Math.sqrt(variances[i]![i]! - (variances[0]![i]! / PRIOR.deviation) ** 2);
    const found = fitExamination(PAIRS);
    for (const [i, placement] of placements.entries()) {
      const { eta, deviation, error } = found(placement);
      expect(eta).toBeCloseTo(best[i + 1]!, 5);
      expect(deviation).toBeCloseTo(Math.sqrt(variances[i + 1]![i + 1]!), 4);
      expect(error).toBeCloseTo(errorOf(i + 1), 4);
    }
    // What says nothing, or was never seen, has that of the shop.
    for (const placement of ['still', 'new']) {
      expect(found(placement).eta).toBeCloseTo(best[0]!, 5);
      expect(found(placement).deviation).toBeCloseTo(Math.sqrt(spread + variances[0]![0]!), 4);
      expect(found(placement).error).toBeCloseTo(Math.hypot(Math.sqrt(spread), errorOf(0)), 4);
    }
    expect(best[1]).toBeLessThan(best[3]!);
    expect(best[2]).toBeGreaterThan(best[3]!);
    const theta = powerLaw(fitExamination(PAIRS));
    expect([theta(1, 'row'), theta(4, 'row'), theta(4)]).toEqual([
      1,
      4 ** -found('row').eta,
      4 ** -found(undefined).eta,
    ]);
    const column = found('column');
    for (const errors of [-2, 2])
      expect(powerLaw(fitExamination(PAIRS), errors)(4, 'column')).toBe(4 ** -(column.eta + errors * column.error));
    expect(powerLaw(fitExamination(PAIRS), -99)(4, 'column')).toBe(1);
  });

  test('of a shop with one placement, whatever its name, are just what they were', () => {
    const pairs = exploringPairs({ lists: 20_000, share: 0.1, examined: 0.9, seed: 5 });
    const before = {
      eta: expect.closeTo(0.9024731909901977, 10),
      deviation: expect.closeTo(0.11143828198559935, 10),
      error: expect.any(Number),
    }; // of before there were placements
    for (const own of [pairs, at('page', pairs)]) {
      expect(fitPropensity(own)).toEqual(before);
      expect(fitExamination(own)(own[0]!.placement)).toEqual(fitPropensity(pairs));
      expect(fitExamination(own)('other')).toEqual(fitPropensity(pairs));
    }
  });

  test('are one where nothing tells them apart, and two pairs of different placements are not compared', () => {
    const alike = ['row', 'column'].flatMap((placement) =>
      at(placement, [seen(0, 1, 1, 900, 90), seen(0, 1, 4, 900, 40)]),
    );
    expect(fitExamination(alike)('row')).toEqual(fitPropensity(alike));
    // Seen at one place here and at another one there: what a placement is clicked in all is not how far shoppers look.
    const apart = [...at('row', [seen(0, 1, 1, 900, 90)]), ...at('column', [seen(0, 1, 4, 900, 2)])];
    expect(fitPropensity(apart).eta).toBe(PRIOR.mean);
    expect(fitExamination([])('row')).toEqual({ eta: PRIOR.mean, deviation: PRIOR.deviation, error: 0 });
  });

  test('come nearer to the truth than one for all, in worlds of two placements; of like ones no farther', () => {
    const errors = (row: number, column: number) => {
      const truth = { row, column };
      let [placed, shared] = [0, 0];
      for (let seed = 501; seed <= 506; seed++) {
        const { pairs } = placedWorld({ kind: 'noisy', lists: 200_000, share: 0.03, examined: truth, seed });
        const [examination, { eta }] = [fitExamination(pairs), fitPropensity(pairs)];
        for (const placement of PLACEMENTS) {
          placed += (examination(placement).eta - truth[placement]) ** 2;
          shared += (eta - truth[placement]) ** 2;
        }
      }
      return Math.sqrt(placed / shared);
    };
    expect(errors(0.2, 1)).toBeLessThan(0.4);
    expect(errors(0.7, 0.7)).toBeLessThan(1.2);
  });

  test('take from what is learned most of the preferences that are none', () => {
    const world = placedWorld({
      kind: 'none',
      lists: 1_000_000,
      share: 0.03,
      examined: { row: 0.2, column: 1 },
      seed: 507,
    });
    expect(fitExamination(unplaced(world).pairs)('row')).toEqual(fitPropensity(unplaced(world).pairs));
    const theta = powerLaw(fitExamination(world.pairs));
    for (const placement of PLACEMENTS) {
      const own = world.pairs.filter((pair) => pair.placement === placement);
      const rate = (position: number) => {
        const there = own.filter((pair) => pair.position === position);
        const sum = (of: (pair: SeenPair) => number) => there.reduce((all, pair) => all + of(pair), 0);
        return sum(({ clicks }) => clicks) / sum(({ impressions }) => impressions) / theta(position, placement);
      };
      expect(Math.abs(Math.log(rate(12) / rate(1)))).toBeLessThan(0.25); // a tenth of log(12) at most
    }
  });
});
