import { z } from 'zod';
import type { Random } from '../numbers/random.ts';
import { bufferSchema, type CategoryBuffer, makeCategoryBuffer } from './category-buffer.ts';
import { makePasses, passesState } from './passes.ts';
import { counter, parseState, randomState, uint32 } from './source-state.ts';
import {
  drawNegative,
  makeTripletRules,
  type NegativeRules,
  type SamplerOptions,
  type Triplet,
  type TripletSampler,
} from './triplet-rules.ts';

export type OnlineOptions = SamplerOptions & {
  /** Items kept of a category, >= 16. Categories up to this size are kept whole; of larger ones about a tenth. Default 64. */
  readonly capacity?: number;
  /**
   * Whose category gives the triplet. 'relevance': P(category) ~ sum of its r_i, so that P(query) ~ r_i over the whole
   * catalog (eq. 6). 'stream': that of the item that was just offered, as the paper's text reads, so that large categories
   * count by their size alone. Default 'relevance'.
   */
  readonly categoryBy?: 'relevance' | 'stream';
};

const defaultCapacity = 64;
const smallestCapacity = 16;
/** Draws of a category, or of an item of another class, before something simpler is done. */
const maxTrials = 1000;
const firstTrials = 20;

const stateSchema = z.object({
  random: randomState,
  passes: passesState,
  dropped: counter,
  forced: counter,
  largestMean: z.number(),
  lastReady: z.int(),
  buffers: z.array(z.tuple([counter, bufferSchema])),
});

/**
 * The online sampler of the paper, section 5.2: the catalog streams by in shuffled passes, an item per triplet, and every
 * category keeps a small weighted sample of its items (category-buffer.ts), from which queries, positives and in-class
 * negatives are drawn. Memory is a buffer per category, and 4 bytes an item for the order of the pass; the relevance
 * of a bounded number of pairs is computed per triplet, however large the catalog is.
 *
 * The law is that of `makeTripletSampler`, with these differences: r_i is estimated from a few dozen others where a
 * category is larger than `capacity`, and within a pass such a category gives triplets of what its buffer holds only, so that the
 * law is that of many passes; an item without a relevant partner is a query only where it is alone, or all of its category
 * are like it; and in the first pass a category takes part as soon as four of its items have come by.
 * @param random nothing else may draw from it
 * @throws Error with fewer than two items, or a capacity below 16
 */
export function makeOnlineSampler(options: OnlineOptions, random: Random): TripletSampler {
  const { categories, capacity = defaultCapacity, categoryBy = 'relevance', onlyOthers = false } = options;
  const selfShare = onlyOthers ? 0 : (options.selfShare ?? 0);
  if (!(capacity >= smallestCapacity)) throw new Error(`capacity ${capacity} is below ${smallestCapacity}`);
  const items = categories.length;
  const rules = makeTripletRules(options, random);
  const sizes = sizesOf(categories);
  const sizeOf = (item: number): number => sizes.get(categories[item]!) ?? 1;
  const passes = makePasses(items, uint32(random));
  const relevance = options.drawnBy ?? options.relevance;
  const bufferOptions = { ...options, relevance, capacity, smallest: smallestCapacity };
  const buffers = new Map<number, CategoryBuffer>();
  let largestMean = 0;
  let lastReady = -1;

  const bufferOf = (item: number): CategoryBuffer | null =>
    sizeOf(item) > 1 ? (buffers.get(categories[item]!) ?? null) : null;

  const offer = (): number => {
    const item = passes.next();
    const size = sizeOf(item);
    if (size < 2) return item;
    const buffer = buffers.get(categories[item]!) ?? makeCategoryBuffer(size, bufferOptions);
    buffers.set(categories[item]!, buffer);
    buffer.offer(item, random);
    largestMean = Math.max(largestMean, buffer.mean());
    if (buffer.isReady()) lastReady = item;
    return item;
  };

  /** The item that decides about the category. */
  const pick = (offered: number): number | null => {
    if (categoryBy === 'stream') return offered;
    const first = random.int(items);
    if (!onlyOthers && isAlone(first)) return first;
    // In the first pass most categories are not there yet.
    const trials = passes.passes() > 1 ? maxTrials : firstTrials;
    for (let trial = 0, item = first; trial < trials; trial++, item = random.int(items)) {
      const mean = isAlone(item) ? 0 : (bufferOf(item)?.mean() ?? 0);
      if (random.next() * largestMean < mean) return item;
    }
    return lastReady < 0 ? null : lastReady;
  };

  /** Whether an item is of a class of one, or of one whose items have nothing to do with each other. */
  const isAlone = (item: number): boolean =>
    sizeOf(item) === 1 || (bufferOf(item)?.isReady() === true && bufferOf(item)?.mean() === 0);

  const drawOutside = (q: number): number | null => {
    const category = categories[q]!;
    for (let trial = 0; trial < maxTrials; trial++) {
      const n = random.int(items);
      if (n !== q && (category < 0 || categories[n] !== category)) return n;
    }
    return null;
  };

  const drawExample = (negative: NegativeRules): Triplet | null => {
    const offered = offer();
    const self = random.next() < selfShare;
    const picked = self ? random.int(items) : pick(offered);
    if (picked === null) return null;
    const buffer = bufferOf(picked);
    const inside = buffer && buffer.mean() > 0 ? buffer : null;
    const alone = self || isAlone(picked);
    if (alone && onlyOthers) return null;
    const q = alone ? picked : (inside?.drawQuery(random) ?? null);
    if (q === null) return null;
    const p = alone ? q : (inside?.drawPartner(q, random) ?? null);
    if (p === null) return null;
    const other = sizeOf(q) < items ? drawOutside(q) : null;
    return drawNegative({ q, p }, negative, random, {
      outside: other === null ? null : () => other,
      inside: inside ? () => inside.drawPartner(q, random) : null,
    });
  };

  /** Nothing can be drawn before the first category has come by. */
  const begin = (): void => {
    const waits = [...sizes.values()].some((size) => size > 1);
    while (waits && lastReady < 0) offer();
  };

  return {
    next: () => {
      if (lastReady < 0) begin();
      return rules.next(drawExample);
    },
    counts: rules.counts,
    state: () => ({
      random: random.state(),
      passes: passes.state(),
      ...rules.counts(),
      largestMean,
      lastReady,
      buffers: [...buffers].map(([category, buffer]) => [category, buffer.state()]),
    }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'the online triplet sampler');
      random.restore(saved.random);
      passes.restore(saved.passes);
      rules.restore(saved);
      ({ largestMean, lastReady } = saved);
      buffers.clear();
      for (const [category, buffer] of saved.buffers) {
        buffers.set(category, makeCategoryBuffer(sizes.get(category) ?? 1, bufferOptions, buffer));
      }
    },
  };
}

function sizesOf(categories: Int32Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const category of categories) if (category >= 0) sizes.set(category, (sizes.get(category) ?? 0) + 1);
  return sizes;
}
