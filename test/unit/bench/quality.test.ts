import { expect, test } from 'vitest';
import { distancesOf, mapOf, mixOf, type Values } from '../../../bench/quality/arena.ts';
import { measureAmong, questionsIn } from '../../../bench/quality/fashion.ts';
import { flat, knownRow, markdown, rowOf } from '../../../bench/quality/rows.ts';
import { isHandMade, partOf, withNetworkShare, withSharesOf, withValidation } from '../../../bench/quality/systems.ts';
import { learnersOf } from '../../../bench/quality/tuned-encoder.ts';
import { drawCharts, ticks } from '../../../lab/evaluate/line-chart.ts';
import { identityBlock } from '../../../lab/methods/networks.ts';
import { labelledPictures } from '../../../lab/questions/labelled.ts';
import type { ServedModel } from '../../../learning/models/served-model.ts';
import { makeRandom } from '../../../learning/numbers/random.ts';

const random = makeRandom(5);
const cloud = (spread: number): Float32Array[] =>
  Array.from({ length: 9 }, () => Float32Array.from({ length: 5 }, () => spread * random.gaussian()));
const block = (feature: string, weight: number) => ({ ...identityBlock(feature, 2), weight });
const [train, val, test_] = [0, 1, 2];

test('a mix of distances is the distance of the joined vectors', () => {
  const [a, b] = [cloud(1), cloud(2)];
  const joined = a.map((own, i) => Float32Array.from([...own, ...b[i]!.map((value) => value * Math.sqrt(0.3))]));
  const expected = distancesOf(joined);
  mixOf([distancesOf(a), distancesOf(b)], [1, 0.3]).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
});

test('a row says mean and deviation over seeds, and what they have more than the first model by query', () => {
  const run = (...map: number[]): Values => ({ map: map.map((value) => [value]), p1: map.map(() => [1]) });
  const [a, b, first] = [run(0.5, 0.7, 0.9), run(0.6, 0.8, 1), run(0.4, 0.6, 0.8)];
  expect(mapOf(a)).toBeCloseTo(0.7, 12);
  const row = rowOf('emoji', 'two seeds', [a, b], first);
  expect(row.figures.map.mean).toBeCloseTo(0.75, 12);
  expect(row.figures.map.sd).toBeCloseTo(0.1 / Math.SQRT2, 12);
  expect(row.over!.map.mean).toBeCloseTo(0.15, 12);
  expect(row.over!.p1.mean).toBe(0);
  expect(rowOf('emoji', 'the first model', [first], null).over).toBeNull();
  const cells = flat(rowOf('emoji', 'one seed', [a], first));
  expect(cells).toMatchObject({ set: 'emoji', 'P@1': '1.000 [1.000, 1.000]', 'mAP over it': '+.100 [.100, .100]' });
  const table = markdown([row, knownRow('emoji', 'long ago', 3, { p1: 0.784, map: 0.663 })]).split('\n');
  expect(table[0]).toContain('| system | seeds | P@1 | mAP |');
  expect(table[2]).toMatch(/^\| two seeds \| 2 \| 1\.000 ± \.000 \[1\.000, 1\.000\] \| \.750 ± \.071 \[/);
  expect(table[3]).toBe('| long ago | 3 | .784 | .663 |  |  |');
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

test('a part of a model has its shares in proportion, and another model its shares place by place', () => {
  const model: ServedModel = {
    blocks: [block('hog', 0.3), block('colour', 0.1), block('network', 0.6)],
    network: null,
  };
  const shares = ({ blocks }: ServedModel) => blocks.map(({ weight }) => Number(weight.toFixed(6)));
  expect(shares(partOf(model, isHandMade))).toEqual([0.75, 0.25]);
  expect(shares(withSharesOf(model, withNetworkShare(model, 0.2)))).toEqual([0.6, 0.2, 0.2]);
  expect(() => withSharesOf(model, partOf(model, isHandMade))).toThrow('not the same blocks');
});

/** Pictures of one thing each at places on a line. */
const set = (starts: number[], categories: number[], splits: number[]) => ({
  starts: Int32Array.from(starts),
  categories: Int32Array.from(categories),
  splits: Uint8Array.from(splits),
  hashes: new Uint8Array(32 * starts.at(-1)!),
  pixels: {},
});

test('only the pictures of a split are asked for, each among the others, by category', () => {
  const splits = [train, val, val, test_, val, val];
  const categories = [0, 0, 1, 0, 1, 0];
  const data = labelledPictures({
    set: set([0, 1, 2, 3, 4, 5, 6], categories, splits),
    labels: {
      identities: new Int32Array(6).fill(-1),
      subgroups: new Int32Array(6).fill(-1),
      categories: Int32Array.from(categories),
    },
    splits: Uint8Array.from(splits),
    rated: [],
  });
  expect([...questionsIn(data, 'test').gallery]).toEqual([3]);
  const questions = questionsIn(data, 'val');
  expect([...questions.gallery]).toEqual([1, 2, 4, 5]);
  const values = measureAmong(questions, distancesOf([0, 1, 3, 7].map((place) => Float32Array.of(place))));
  // From 0: 1, 3, then 7, which is right. From 1: 0, then 3. From 3: 1. From 7: 3, 1, then 0.
  expect(values.p1).toEqual([[0], [0], [1], [0]]);
  expect(values.map.flat().map((value) => Number(value.toFixed(3)))).toEqual([0.333, 0.5, 1, 0.333]);
});

test('an encoder is tuned on items with several pictures, else on categories, of training and validation items', () => {
  const several = set([0, 2, 3, 5], [0, 0, 1], [train, train, val]);
  expect(learnersOf(several)).toEqual([
    { picture: 0, group: 0 },
    { picture: 1, group: 0 },
  ]);
  expect(learnersOf(withValidation(several)).map(({ picture }) => picture)).toEqual([0, 1, 3, 4]);
  const single = set([0, 1, 2, 3, 4, 5], [4, 7, 4, -1, 4], [train, train, train, train, test_]);
  expect(learnersOf(single)).toEqual([
    { picture: 0, group: 4 },
    { picture: 2, group: 4 },
  ]);
});
