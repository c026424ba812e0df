import { z } from 'zod';
import type { Random } from '../numbers/random.ts';
import type { Relevance } from '../relevance/relevance.ts';
import { makeAliasTable } from './alias.ts';
import { makeReservoir, type Reservoir } from './reservoir.ts';
import { counter } from './source-state.ts';

/** State of the online sampler for one category of two or more items. */
export type CategoryBuffer = {
  /** The next item of the category in the stream, which gives every item once per pass. */
  offer(item: number, random: Random): void;
  /** Whether something can be drawn. */
  isReady(): boolean;
  /** Mean r_i (eq. 6) of the category's items, estimated; 0 before it is ready. */
  mean(): number;
  /** In proportion to r_i (eq. 6); null when nothing is relevant. */
  drawQuery(random: Random): number | null;
  /** In proportion to min(T_p, r(q, .)) (eq. 7), never q; null when nothing is relevant. */
  drawPartner(q: number, random: Random): number | null;
  state(): BufferState;
};

export type BufferOptions = {
  readonly relevance: Relevance;
  readonly positiveCap: number;
  readonly capacity: number;
  readonly smallest: number;
};

/** The items that draws are made of. */
const sampleSchema = z.object({
  items: z.array(counter),
  /** r_i. */
  totals: z.array(z.number()),
  /** Chance of an item to be in the sample, up to a factor: what draws have to correct for. */
  inclusion: z.array(z.number()),
  mean: z.number(),
  /** Largest ratio r_i / inclusion, and largest min(T_p, r_ij) / inclusion_j: what is accepted for sure. */
  queryScale: z.number(),
  partnerScale: z.number(),
  /** Whether this is the first pass, before the whole category has come by. */
  isFirst: z.boolean(),
});
type Sample = z.infer<typeof sampleSchema>;

export const bufferSchema = z.object({
  current: sampleSchema.nullable(),
  /** Items of this pass, the sum of their r_i, and the first of them: a uniform sample, as the stream is shuffled. */
  seen: counter,
  sum: z.number(),
  references: z.array(counter),
  kept: z.array(z.object({ item: counter, weight: z.number(), key: z.number() })),
});
export type BufferState = z.infer<typeof bufferSchema>;

/** So many others tell r_i of a category that is not kept whole. */
const mostReferences = 32;
/** Trials by acceptance before the weights of the whole sample are summed up: the same law either way. */
const maxTrials = 32;

/**
 * Two buffers in turn: one fills in this pass of the stream, with new keys, while triplets are drawn from the one that the last
 * pass filled. So it never freezes, and what is drawn is a complete sample.
 *
 * A category up to `capacity` is kept whole: r_i are exact, and draws correct for them. A larger one is a weighted
 * reservoir of a tenth of its items (between `smallest` and `capacity`), where a uniform draw stands for one by r_i, and a
 * partner x of q is accepted with chance min(T_p, r(q,x)) / r_x (paper, section 5.2, with T_p), divided by the largest
 * such ratio, since it would be about 1 / n otherwise. r_i is estimated from the first items of the pass.
 * @param size items of the category, >= 2
 */
export function makeCategoryBuffer(size: number, options: BufferOptions, saved?: BufferState): CategoryBuffer {
  const { relevance, capacity, smallest } = options;
  const isWhole = size <= capacity;
  const kept = isWhole ? size : Math.min(capacity, Math.max(smallest, Math.ceil(size / 10)));
  const wanted = isWhole ? size : mostReferences;
  let current: Sample | null = saved?.current ?? null;
  let { seen, sum } = saved ?? { seen: 0, sum: 0 };
  let references: number[] = [...(saved?.references ?? [])];
  let reservoir: Reservoir = makeReservoir(kept, saved?.kept);

  /** r_i from the references. */
  const totalOf = (item: number): number => {
    let total = 0;
    let others = 0;
    for (const other of references) {
      if (other === item) continue;
      total += relevance(item, other);
      others++;
    }
    return others === 0 ? 0 : (total / others) * (size - 1);
  };
  const keep = (item: number, random: Random): void => {
    const weight = totalOf(item);
    sum += weight;
    reservoir.offer(item, weight, random);
  };
  /** In the first pass there is nothing else to draw from than the first items, a uniform sample. */
  const provide = (): void => {
    const count = references.length;
    const isPowerOfTwo = (count & (count - 1)) === 0;
    if (count < 4 || !isPowerOfTwo || current?.isFirst === false) return;
    current = uniformSample([...references], references.map(totalOf), true, options);
  };
  const complete = (): void => {
    current = isWhole
      ? uniformSample(references, references.map(totalOf), false, options)
      : weightedSample(reservoir, sum / seen, options);
    [seen, sum, references, reservoir] = [0, 0, [], makeReservoir(kept)];
  };

  return {
    offer: (item, random) => {
      seen++;
      if (references.length < wanted) {
        references.push(item);
        // Their own relevance is known when all of them are.
        if (references.length === wanted && !isWhole) for (const first of references) keep(first, random);
        provide();
      } else keep(item, random);
      if (seen === size) complete();
    },
    isReady: () => current !== null,
    mean: () => current?.mean ?? 0,
    drawQuery: (random) => current && drawQuery(current, random),
    drawPartner: (q, random) => current && drawPartner(current, q, options, random),
    state: () => ({ current, seen, sum, references: [...references], kept: [...reservoir.entries()] }),
  };
}

/** Every item is in it as likely as any other. */
function uniformSample(items: number[], totals: number[], isFirst: boolean, options: BufferOptions): Sample {
  const mean = totals.reduce((sum, total) => sum + total, 0) / totals.length;
  return scaled({ items, totals, inclusion: items.map(() => 1), mean, isFirst }, options);
}

/** An item is in it in proportion to its r_i. */
function weightedSample(reservoir: Reservoir, mean: number, options: BufferOptions): Sample {
  const items = reservoir.entries().map(({ item }) => item);
  const totals = reservoir.entries().map(({ weight }) => weight);
  return scaled({ items, totals, inclusion: totals, mean, isFirst: false }, options);
}

function scaled(sample: Omit<Sample, 'queryScale' | 'partnerScale'>, options: BufferOptions): Sample {
  let [queryScale, partnerScale] = [0, 0];
  for (const [at, item] of sample.items.entries()) {
    queryScale = Math.max(queryScale, sample.totals[at]! / sample.inclusion[at]!);
    for (const q of sample.items) partnerScale = Math.max(partnerScale, partnerWeight(sample, at, q, item, options));
  }
  return { ...sample, queryScale, partnerScale };
}

/** min(T_p, r(q,x)) / inclusion_x, 0 for q itself. */
function partnerWeight(
  { inclusion }: Pick<Sample, 'inclusion'>,
  at: number,
  q: number,
  item: number,
  { relevance, positiveCap }: BufferOptions,
): number {
  return item === q ? 0 : Math.min(positiveCap, relevance(q, item)) / inclusion[at]!;
}

function drawQuery({ items, totals, inclusion, queryScale }: Sample, random: Random): number | null {
  const at = drawByWeight(items.length, (i) => totals[i]! / inclusion[i]!, queryScale, random);
  return at === null ? null : items[at]!;
}

function drawPartner(sample: Sample, q: number, options: BufferOptions, random: Random): number | null {
  const { items, partnerScale } = sample;
  const weight = (at: number): number => partnerWeight(sample, at, q, items[at]!, options);
  const at = drawByWeight(items.length, weight, partnerScale, random);
  return at === null ? null : items[at]!;
}

/** An index in proportion to its weight, none of which is above `largest`; null when all are 0. */
function drawByWeight(count: number, weight: (at: number) => number, largest: number, random: Random): number | null {
  if (!(largest > 0)) return null;
  for (let trial = 0; trial < maxTrials; trial++) {
    const at = random.int(count);
    if (random.next() * largest < weight(at)) return at;
  }
  return makeAliasTable(Float64Array.from({ length: count }, (_, at) => weight(at)))?.draw(random) ?? null;
}
