import { z } from 'zod';
import { makeRandom, type Random } from '../numbers/random.ts';
import type { Relevance } from '../relevance/relevance.ts';
import type { Triplet, TripletSampler } from '../sampling/sampler.ts';
import { counter, parseState, randomState, uint32 } from '../sampling/source-state.ts';
import type { BatchPlan, BatchSource } from './batch.ts';
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
 * Batches of the paper's hinge: queries, their positives, their negatives, each by any of its item's pictures. Where an
 * item has one picture and is its own positive, augmentation makes another view of it. A query and its positive are of one
 * group, the negative of its own.
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
  for (const [t, triplet] of drawn.entries()) {
    const shown = picturesOf(catalog, items, triplet, random);
    pictures[t] = shown.q;
    pictures[count + t] = shown.p;
    pictures[2 * count + t] = shown.n;
    groups[t] = t;
    groups[count + t] = t;
    groups[2 * count + t] = count + t;
    gaps[t] = gapOf(triplet, gap);
  }
  return { pictures, groups, loss: { kind: 'tripletHinge', gaps }, seed: uint32(random) };
}

/**
 * A picture of each, any of those that the item has: the paper's triplets are of pictures. An item that is its own
 * positive shows two of its pictures, where it has two.
 * @param triplet by indices into `items`
 * @returns pictures by their index in the catalog
 */
export function picturesOf(catalog: BatchCatalog, items: Int32Array, { q, p, n }: Triplet, random: Random): Triplet {
  const any = (row: number): number => catalog.starts[items[row]!]! + random.int(pictureCount(catalog, items[row]!));
  const query = any(q);
  return { q: query, p: p === q ? otherPicture(catalog, items[q]!, query, random) : any(p), n: any(n) };
}

function otherPicture(catalog: BatchCatalog, item: number, picture: number, random: Random): number {
  const others = pictureCount(catalog, item) - 1;
  if (others === 0) return picture;
  const other = catalog.starts[item]! + random.int(others);
  return other < picture ? other : other + 1;
}

function gapOf({ q, p, n }: Triplet, { least, perRelevance, relevance }: Gap): number {
  if (perRelevance === 0) return least;
  return Math.min(LARGEST_GAP, Math.max(least, least + perRelevance * (relevance(q, p) - relevance(q, n))));
}
