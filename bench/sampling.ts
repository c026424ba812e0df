import { augmentationNamed, fillBatch } from '../learning/batches/augment.ts';
import type { BatchSource } from '../learning/batches/batch.ts';
import { identityBatches } from '../learning/batches/identity-batches.ts';
import { labelledBatches } from '../learning/batches/labelled-batches.ts';
import { tripletBatches } from '../learning/batches/triplet-batches.ts';
import { itemsIn } from '../learning/metrics/split.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import type { Relevance } from '../learning/relevance/relevance.ts';
import { makeOnlineSampler } from '../learning/sampling/online-sampler.ts';
import { makeTripletSampler, type TripletSampler } from '../learning/sampling/sampler.ts';

const SIZES = [1e3, 1e4, 1e5, 1e6];
/** The paper's categories have 140 images at most; a shop's differ: this many on average, a few very large ones. */
const MEAN_CATEGORY = 100;
const ROWS = 192;
const SECONDS = 0.5;

type Row = Record<string, string | number>;

/**
 * Cost of a triplet and of a batch row as the catalog grows from 10^3 to 10^6 items, and of a batch's pictures: in processor
 * time, which other processes disturb less than the clock. `ratio` is to the first size of the same run; `relevances` are
 * pairs whose relevance was computed per triplet, which no machine changes.
 */
export async function sampling(): Promise<Row[]> {
  const rows = SIZES.flatMap(rowsOf);
  const first = new Map(rows.filter(({ items }) => items === SIZES[0]).map((row) => [row.what, Number(row.us)]));
  return [...rows.map((row) => ({ ...row, ratio: (Number(row.us) / first.get(row.what)!).toFixed(2) })), ...filling()];
}

function rowsOf(items: number): Row[] {
  const catalog = catalogOf(items);
  const train = itemsIn(catalog, 'train');
  const relevance = cheapRelevance(items);
  const columns = {
    categories: train.map((item) => catalog.categories[item]!),
    relevance: (i: number, j: number) => relevance(train[i]!, train[j]!),
  };
  const options = { ...columns, positiveCap: 0.25, minimumGap: 0.01, outOfClassShare: 0.2, maxFailures: 50 };
  const samplers = { exact: makeTripletSampler, online: makeOnlineSampler };
  const gap = { least: 0.2, perRelevance: 0.5, relevance: columns.relevance };
  const batches = (sampler: TripletSampler): BatchSource =>
    tripletBatches({ catalog, items: train, sampler, triplets: ROWS / 3, gap, seed: 1 });
  const sources: Record<string, () => BatchSource> = {
    'triplet batch row, exact': () => batches(makeTripletSampler(options, makeRandom(1))),
    'triplet batch row, online': () => batches(makeOnlineSampler(options, makeRandom(1))),
    'identity batch row': () =>
      identityBatches({ catalog, rows: ROWS, views: 4, loss: { kind: 'infoNce', temperature: 0.1 }, seed: 1 }),
    'labelled batch row': () => labelledBatches({ catalog, rows: ROWS, seed: 1 })!.source,
  };
  return [
    ...Object.entries(samplers).map(([name, make]) =>
      measured(`triplet, ${name}`, items, () => make(options, makeRandom(1)), 1),
    ),
    ...Object.entries(sources).map(([name, make]) => measured(name, items, make, ROWS)),
  ];
}

/** @param each how many of what is counted one `next` gives. */
function measured(what: string, items: number, make: () => { next(): unknown }, each: number): Row {
  const before = memory();
  const began = processorMs();
  const source = make();
  const construction = processorMs() - began;
  // Past the first passes where they fit into the time: tables and buffers are made as they are needed.
  spend((calls, ms) => calls * each >= 3 * items || ms >= 3000 * SECONDS, source);
  asked = 0;
  const megabytes = (memory() - before) / 2 ** 20;
  const { calls, ms } = spend((_calls, passed) => passed >= 1000 * SECONDS, source);
  const us = (1000 * ms) / (calls * each);
  return {
    what,
    items,
    us: us.toFixed(2),
    perSecond: Math.round(1e6 / us),
    constructionMs: construction.toFixed(0),
    megabytes: megabytes.toFixed(1),
    relevances: what.includes('triplet,') ? (asked / calls).toFixed(1) : '',
  };
}

function spend(enough: (calls: number, ms: number) => boolean, source: { next(): unknown }) {
  const began = processorMs();
  let calls = 0;
  let ms = 0;
  while (!enough(calls, ms)) {
    for (let i = 0; i < 16; i++) source.next();
    calls += 16;
    ms = processorMs() - began;
  }
  return { calls, ms };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Category sizes by a power law; one or a few pictures an item. */
function catalogOf(items: number) {
  const random = makeRandom(7);
  const categories = Math.ceil(items / MEAN_CATEGORY);
  const starts = new Int32Array(items + 1);
  for (let i = 0; i < items; i++) starts[i + 1] = starts[i]! + 1 + random.int(3);
  return {
    starts,
    categories: Int32Array.from({ length: items }, () => Math.floor(categories * random.next() ** 1.3)),
    splits: Uint8Array.from({ length: items }, () => (random.next() < 0.7 ? 0 : 2)),
  };
}

let asked = 0;

/** By the distance of two places on a line: a few of a category are alike, mean about 0.04. */
function cheapRelevance(items: number): Relevance {
  const random = makeRandom(8);
  const places = Float64Array.from({ length: items }, () => random.next());
  return (i, j) => {
    asked++;
    if (i === j) return 1;
    const distance = places[i]! - places[j]!;
    return 1 / (1 + 600 * distance * distance) ** 2;
  };
}

function filling(): Row[] {
  const random = makeRandom(9);
  const [side, size] = [64, 32];
  const pictures = Array.from({ length: ROWS }, () =>
    Uint8Array.from({ length: side * side * 3 }, () => random.int(256)),
  );
  const out = new Float32Array(ROWS * size * size * 3);
  const numbers = Int32Array.from({ length: ROWS }, (_, row) => row);
  const groups = numbers.map((row) => row >> 2);
  return (['none', 'paper', 'catalog'] as const).map((name) => {
    const augmentation = augmentationNamed(name);
    let seed = 0;
    const next = () =>
      fillBatch({ pictures: numbers, groups, seed: seed++ }, (i) => pictures[i]!, side, out, size, augmentation);
    spend((_calls, ms) => ms >= 300, { next });
    const { calls, ms } = spend((_calls, passed) => passed >= 1000 * SECONDS, { next });
    const us = (1000 * ms) / (calls * ROWS);
    const row = { what: `picture, ${name}, ${side} to ${size} px`, us: us.toFixed(2), perSecond: Math.round(1e6 / us) };
    return { ...row, msPerBatch: (ms / calls).toFixed(2) };
  });
}
