import { expect, test } from 'vitest';
import {
  bootstrapInterval,
  clusteredError,
  deviation,
  meanOf,
  pairedDifference,
  type Runs,
} from '../../../../learning/metrics/intervals.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

test('the interval covers the truth about as often as it says', () => {
  const random = makeRandom(2);
  let covered = 0;
  for (let run = 0; run < 300; run++) {
    // Values of one cluster share a shift, so that resampling single values would be far too sure.
    const clusters = Array.from({ length: 40 }, () => {
      const shift = random.gaussian();
      return Array.from({ length: 1 + random.int(8) }, () => 5 + shift + 0.2 * random.gaussian());
    });
    const { mean, low, high } = bootstrapInterval([clusters], random, { draws: 200 });
    expect(low <= mean && mean <= high).toBe(true);
    if (low <= 5 && 5 <= high) covered++;
  }
  expect(covered / 300).toBeGreaterThan(0.88);
  expect(covered / 300).toBeLessThan(0.98);
});

test('the interval is that of the resampled means, and one cluster leaves no doubt', () => {
  expect(bootstrapInterval([[[1, 2], [], [6]]], makeRandom(1)).mean).toBe(3);
  expect(bootstrapInterval([[[1, 3]]], makeRandom(1))).toEqual({ mean: 2, low: 2, high: 2 });
  // Two clusters of one value: means 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
  expect(bootstrapInterval([[[0], [1]]], makeRandom(1), { level: 0.2 })).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
  expect(bootstrapInterval([[[0], [1]]], makeRandom(1))).toEqual({ mean: 0.5, low: 0, high: 1 });
});

test('clusters without values are none: an interval of two queries among sixty without an answer has both ends', () => {
  const [few, none] = [[[0], [0.5]], Array.from({ length: 60 }, () => [])];
  const interval = bootstrapInterval([few], makeRandom(1));
  expect(interval).toEqual({ mean: 0.25, low: 0, high: 0.5 });
  expect(bootstrapInterval([[...none, ...few]], makeRandom(1))).toEqual(interval);
  const better = [[0.5], [1]];
  expect(pairedDifference([[...none, ...better]], [[...none, ...few]], makeRandom(1))).toEqual({
    mean: 0.5,
    low: 0.5,
    high: 0.5,
  });
});

test('a paired difference sees what two single intervals hide', () => {
  const random = makeRandom(3);
  const b = Array.from({ length: 50 }, () => [random.gaussian(), random.gaussian()]);
  const a = b.map((values) => values.map((value) => value + 0.1 + 0.05 * random.gaussian()));
  const { mean, low, high } = pairedDifference([a], [b], random);
  expect(mean).toBeCloseTo(0.1, 1.5);
  expect(low).toBeGreaterThan(0.05);
  expect(high).toBeLessThan(0.15);
  expect(() => pairedDifference([a], [b.slice(1)], random)).toThrow('not measured on the same');
});

/** Runs of a system whose mean is `truth`: each run is off by something of its own, as trainings with other seeds are. */
function runsOf(count: number, truth: number, spread: number, random: ReturnType<typeof makeRandom>): Runs {
  const queries = Array.from({ length: 60 }, () => 0.2 * random.gaussian());
  return Array.from({ length: count }, () => {
    const seed = spread * random.gaussian();
    return queries.map((own) => [truth + own + seed]);
  });
}

test('over three runs the interval covers the truth about as often as it says, whichever varies more', () => {
  const random = makeRandom(4);
  for (const spread of [0.01, 0.5]) {
    const hits = Array.from({ length: 300 }, () => {
      const { low, high } = bootstrapInterval(runsOf(3, 5, spread, random), random, { draws: 400 });
      return low <= 5 && 5 <= high;
    }).filter(Boolean).length;
    expect(hits / 300).toBeGreaterThan(0.88);
    expect(hits / 300).toBeLessThan(0.99);
  }
});

test('of two systems that differ by their seeds alone the interval holds 0', () => {
  const random = makeRandom(5);
  const wrong = Array.from({ length: 200 }, () => {
    const queries = Array.from({ length: 60 }, () => random.gaussian());
    const runs = () =>
      Array.from({ length: 3 }, () => 0.1 * random.gaussian()).map((seed) => queries.map((q) => [q + seed]));
    const { low, high } = pairedDifference(runs(), runs(), random, { draws: 400 });
    return low > 0 || high < 0;
  }).filter(Boolean).length;
  expect(wrong / 200).toBeLessThan(0.08);
});

test('the width is that of Student’s t where runs alone vary', () => {
  const runs = [1, 2, 3].map((value) => [[value], [value]]);
  const { mean, low, high } = bootstrapInterval(runs, makeRandom(6), { draws: 40_000 });
  // 4.303: the 97.5 % quantile with two degrees of freedom.
  const half = (4.303 * deviation([1, 2, 3])) / Math.sqrt(3);
  expect(mean).toBe(2);
  expect(high - 2).toBeCloseTo(half, 0.5);
  expect(2 - low).toBeCloseTo(half, 0.5);
});

test('the standard error over clusters is what resampling them gives', () => {
  const random = makeRandom(7);
  const clusters = Array.from({ length: 50 }, () => {
    const shift = random.gaussian();
    return Array.from({ length: 1 + random.int(9) }, () => shift + random.gaussian());
  });
  // 68.27 %: one standard deviation to either side.
  const { low, high } = bootstrapInterval([clusters], random, { draws: 8000, level: 0.6827 });
  expect(clusteredError(clusters) / ((high - low) / 2)).toBeCloseTo(1, 1);
});

test('two standard errors of few clusters hold what they should, and of three nobody knows any', () => {
  const random = makeRandom(8);
  for (const n of [4, 6, 10]) {
    let held = 0;
    for (let world = 0; world < 2000; world++) {
      const clusters = Array.from({ length: n }, () => [random.gaussian()]);
      if (Math.abs(meanOf(clusters.flat())) <= 2 * clusteredError(clusters)) held++;
    }
    expect(Math.abs(held / 2000 - 0.954)).toBeLessThan(0.015);
  }
  for (const n of [1, 2, 3]) expect(clusteredError(Array(n).fill([1, 3]))).toBe(Number.POSITIVE_INFINITY);
  expect(clusteredError([])).toBeNaN();
});
