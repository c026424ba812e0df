import { expect, test } from 'vitest';
import { openDrawings } from '../../../bench/emoji/drawings.ts';
import { distancesOf, mapOf, measure, mixOf } from '../../../bench/emoji/measure.ts';
import { markdown, rowOf } from '../../../bench/emoji/rows.ts';
import { withNetworkShare } from '../../../bench/emoji/systems.ts';
import { listThings, type Thing, VENDORS } from '../../../bench/emoji/things.ts';
import { rowsOf } from '../../../bench/quality-fashion.ts';
import { drawCharts, ticks } from '../../../cli/evaluate/line-chart.ts';
import { makeRandom } from '../../../src/learning/random.ts';
import type { ServedModel } from '../../../src/learning/served-model.ts';
import { identityBlock } from '../../../workers/evaluation/methods/networks.ts';

const random = makeRandom(5);
const thing = (i: number): Thing => ({ key: String(i), subgroup: `s${i % 3}`, split: 'test', wholeSubgroup: false });
const things = Array.from({ length: 9 }, (_, i) => thing(i));
const noisy = (noise: number): Float32Array[] =>
  things.flatMap(() => {
    const centre = Array.from({ length: 5 }, () => random.gaussian());
    return VENDORS.map(() => Float32Array.from(centre, (value) => value + noise * random.gaussian()));
  });
const mean = (clusters: readonly (readonly number[])[]) => {
  const values = clusters.flat();
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

test('the development set is 853 things of 49 subgroups, split by whole things and whole subgroups', () => {
  const all = listThings(openDrawings().drawnByAll);
  const count = (split: string) => all.filter((one) => one.split === split).length;
  expect([all.length, count('train'), count('val'), count('test')]).toEqual([853, 432, 119, 302]);
  expect(new Set(all.map(({ subgroup }) => subgroup)).size).toBe(49);
  const learned = new Set(all.filter(({ split }) => split === 'train').map(({ subgroup }) => subgroup));
  const whole = all.filter(({ wholeSubgroup }) => wholeSubgroup);
  expect(whole).toHaveLength(189 + 57);
  expect(whole.some(({ subgroup }) => learned.has(subgroup))).toBe(false);
});

test('a query looks among the other vendors only, and its three right answers are found by hand', () => {
  // One dimension: thing 0 at 0, 1, 2, 9 by vendor, thing 1 at 3, 4, 5, 6.
  const places = [0, 1, 2, 9, 3, 4, 5, 6];
  const measured = measure(distancesOf(places.map((place) => Float32Array.of(place))), [thing(0), thing(3)]);
  // From 0: 1, 2 (right), 4, 5, 6 (wrong), 9 (right); 3 is of its own vendor.
  expect(measured.map[0]![0]).toBeCloseTo((1 + 1 + 3 / 6) / 3, 12);
  expect(measured.p1[0]).toEqual([1, 1, 1, 0]); // from 9 the nearest of another vendor is 5
  expect(measured.recall[1]).toEqual([1, 1, 1, 1]);
});

test('the fast mAP is the mean of the ranked ones', () => {
  for (const noise of [0, 0.3, 1, 5]) {
    const distances = distancesOf(noisy(noise));
    const slow = mean(measure(distances, things).map);
    expect(mapOf(distances, things.length)).toBeCloseTo(slow, 10);
    if (noise === 0) expect(slow).toBe(1);
  }
});

test('triplets agree with chance for noise and with order for things that stand in subgroups', () => {
  const bySubgroup = things.flatMap((_, i) => VENDORS.map(() => Float32Array.of((i % 3) * 10, random.next())));
  expect(mean(measure(distancesOf(bySubgroup), things).triplets)).toBe(1);
  const chance = things.flatMap(() => VENDORS.map(() => Float32Array.of(random.next(), random.next())));
  expect(mean(measure(distancesOf(chance), things).triplets)).toBeGreaterThan(0.35);
  expect(mean(measure(distancesOf(chance), things).triplets)).toBeLessThan(0.65);
});

test('a mix of distances is the distance of the joined vectors', () => {
  const [a, b] = [noisy(1), noisy(1)];
  const joined = a.map((own, i) => Float32Array.from([...own, ...b[i]!.map((value) => value * Math.sqrt(0.3))]));
  const expected = distancesOf(joined);
  mixOf([distancesOf(a), distancesOf(b)], [1, 0.3]).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
});

test('a row says mean and deviation over seeds, and the gain over the reference by query', () => {
  const [good, better, bad] = [0.2, 0.1, 2].map((noise) => measure(distancesOf(noisy(noise)), things));
  const row = rowOf('two seeds', [good!, better!], { mix: bad!, first: good! });
  const [a, b] = [mean(good!.map), mean(better!.map)];
  expect(row.metrics.map.mean).toBeCloseTo((a + b) / 2, 12);
  expect(row.metrics.map.sd).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
  expect(row.gain!.mean).toBeCloseTo((a + b) / 2 - mean(bad!.map), 12);
  expect(row.gain!.low).toBeGreaterThan(0);
  expect(row.overFirst!.map.mean).toBeCloseTo((b - a) / 2, 12);
  expect(row.overFirst!.p1.mean).toBeCloseTo((mean(better!.p1) - mean(good!.p1)) / 2, 12);
  expect(rowOf('the first model', [good!], { mix: bad!, first: null }).overFirst).toBeNull();
  expect(markdown([row])).toContain('| two seeds | 2 |');
});

test('charts have round ticks that cover their points', () => {
  expect(ticks(0, 10)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.432, 0.567)).toEqual([0.42, 0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56, 0.58]);
  const svg = drawCharts([
    { title: 'a < b', x: 'x', y: '', lines: [{ label: 'l', colour: '#000000', points: [[0, 1], [2, 3]] }] }, // biome-ignore format: one line
  ]);
  expect(svg).toContain('a &lt; b');
  expect(svg.match(/d="M52\.0 256\.0L446\.0 34\.0"/)).not.toBeNull();
});

test('another share of the network leaves the others in proportion', () => {
  const block = (feature: string, weight: number) => ({ ...identityBlock(feature, 2), weight });
  const network = {} as NonNullable<ServedModel['network']>;
  const model = { blocks: [block('hog', 0.3), block('colour', 0.1), block('network', 0.6)], network };
  const shares = (share: number) =>
    withNetworkShare(model, share).blocks.map(({ feature, weight }) => [feature, Number(weight.toFixed(6))]);
  expect(shares(0.2)).toEqual([
    ['hog', 0.6],
    ['colour', 0.2],
    ['network', 0.2],
  ]);
  expect(shares(1)).toEqual([['network', 1]]);
  expect(withNetworkShare(model, 0)).toMatchObject({ network: null, blocks: { length: 2 } });
});

test('Fashion-MNIST has a row for every method, with what it has more than the first model', () => {
  const metric = (mean: number) => ({ mean, low: mean - 0.01, high: mean + 0.01, sd: null });
  const methods = [
    {
      name: 'encoderGolden',
      title: 'Encoder and golden features',
      seeds: 1,
      metrics: { p1: metric(0.8), map: metric(0.5) },
    },
    { name: 'served', title: 'Served', seeds: 3, metrics: { p1: metric(0.9), map: metric(0.75) } },
  ];
  const compared = (b: string, name: string, mean: number) => ({
    ...{ a: 'served', b, metric: name, p: 0.01, difference: { mean, low: mean - 0.02, high: mean + 0.02 } },
  });
  const comparisons = [
    compared('golden', 'map', 0.4),
    compared('encoderGolden', 'map', 0.25),
    compared('encoderGolden', 'p1', 0.1),
  ];
  const rows = rowsOf({ methods, comparisons } as unknown as Parameters<typeof rowsOf>[0]);
  expect(rows).toEqual([
    {
      ...{ set: 'Fashion-MNIST', system: 'Encoder and golden features', seeds: 1 },
      ...{ p1: 0.8, p1Low: 0.79, p1High: 0.81, map: 0.5, mapLow: 0.49, mapHigh: 0.51 },
    },
    {
      ...{ set: 'Fashion-MNIST', system: 'Served', seeds: 3, p1: 0.9, p1Low: 0.89, p1High: 0.91 },
      ...{ map: 0.75, mapLow: 0.74, mapHigh: 0.76 },
      ...{ overFirstP1: '0.1 [0.08, 0.12]', overFirstMap: '0.25 [0.23, 0.27]' },
    },
  ]);
});
