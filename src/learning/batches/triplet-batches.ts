import { z } from 'zod';
import type { BatchPlan, BatchSource } from '../batch.ts';
import { makeRandom, type Random } from '../random.ts';
import type { Relevance } from '../relevance.ts';
import type { Triplet, TripletSampler } from '../sampler.ts';
import { counter, parseState, randomState, uint32 } from '../source-state.ts';
import { type BatchCatalog, checkTrained, pictureCount } from './catalog.ts';

export type TripletBatchOptions = {
  readonly catalog: BatchCatalog;
  /** Catalog item by the sampler's index; all of the split train. */
  readonly items: Int32Array;
  /** Exact or online. */
  readonly sampler: TripletSampler;
  /** B >= 1; a batch has 3 B rows. */
  readonly triplets: number;
  readonly gap: Gap;
  readonly seed: number;
};

/** g of a triplet. The paper's is `least` for all; or least + perRelevance (r(q,p) - r(q,n)), which is cut off below 4. */
export type Gap = {
  /** In (0, 4). */
  readonly least: number;
  /** >= 0; 0 in the paper. */
  readonly perRelevance: number;
  /** By the sampler's indices; not asked where `perRelevance` is 0. */
  readonly relevance: Relevance;
};

/** Squared distances of unit vectors are at most 4, and so is what a gap can ask for. */
const LARGEST_GAP = 3.99;

const stateSchema = z.object({ random: randomState, sampler: z.unknown(), triplets: counter });

/**
 * Batches of the paper's hinge: queries, their positives, their negatives. An item shows its first picture; where it is
 * its own positive another of its pictures, or the same one, which augmentation makes another view. A query and its
 * positive are of one group, the negative of its own.
 * @throws Error when an item is held out
 */
export function tripletBatches(options: TripletBatchOptions): BatchSource {
  const { catalog, items, sampler, triplets, gap } = options;
  if (!(gap.least > 0 && gap.least < 4 && gap.perRelevance >= 0)) throw new Error('A gap lies between 0 and 4');
  checkTrained(catalog, items);
  const random = makeRandom(options.seed);
  let given = 0;
  return {
    next: () => {
      const drawn = Array.from({ length: triplets }, () => sampler.next());
      given += triplets;
      return planOf(drawn, options, random);
    },
    state: () => ({ random: random.state(), sampler: sampler.state(), triplets: given }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'triplet batches');
      random.restore(saved.random);
      sampler.restore(saved.sampler);
      given = saved.triplets;
    },
    counts: () => ({ triplets: given, ...sampler.counts() }),
  };
}

function planOf(drawn: readonly Triplet[], { catalog, items, gap }: TripletBatchOptions, random: Random): BatchPlan {
  const count = drawn.length;
  const pictures = new Int32Array(3 * count);
  const groups = new Int32Array(3 * count);
  const gaps = new Float32Array(count);
  for (const [t, { q, p, n }] of drawn.entries()) {
    const [query, positive, negative] = [items[q]!, items[p]!, items[n]!];
    pictures[t] = catalog.starts[query]!;
    pictures[count + t] = p === q ? otherPicture(catalog, query, random) : catalog.starts[positive]!;
    pictures[2 * count + t] = catalog.starts[negative]!;
    groups[t] = t;
    groups[count + t] = t;
    groups[2 * count + t] = count + t;
    gaps[t] = gapOf({ q, p, n }, gap);
  }
  return { pictures, groups, loss: { kind: 'tripletHinge', gaps }, seed: uint32(random) };
}

/** Of an item that is its own positive: another of its pictures, where it has one. */
export function otherPicture(catalog: BatchCatalog, item: number, random: Random): number {
  const others = pictureCount(catalog, item) - 1;
  return catalog.starts[item]! + (others > 0 ? 1 + random.int(others) : 0);
}

function gapOf({ q, p, n }: Triplet, { least, perRelevance, relevance }: Gap): number {
  if (perRelevance === 0) return least;
  return Math.min(LARGEST_GAP, Math.max(least, least + perRelevance * (relevance(q, p) - relevance(q, n))));
}
