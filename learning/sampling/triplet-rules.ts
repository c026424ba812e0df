import type { Random } from '../numbers/random.ts';
import type { Relevance, WeightedTriplet } from '../relevance/relevance.ts';
import { makeAliasTable } from './alias.ts';

/** Indices of items. p === q: another augmented view of the same picture is the positive (never with `onlyOthers`). n is neither. */
export type Triplet = { readonly q: number; readonly p: number; readonly n: number };

export type SamplerOptions = {
  /** Category per item, at least two items; -1 = none: such an item is in a class of its own. */
  readonly categories: Int32Array;
  /** r(i, j) >= 0 within a category; r(i, i) is what an item is to a view of itself, e.g. 1. */
  readonly relevance: Relevance;
  /**
   * Weight by which queries and partners are drawn (eqs. 6 and 7), where it is not the relevance: `() => 1` is the paper's uniform
   * sampling (fig. 6). The margin of eq. 8 is always one of relevance.
   */
  readonly drawnBy?: Relevance;
  /** T_p > 0 of eq. 7: relevance above it does not make a positive more likely. */
  readonly positiveCap: number;
  /** T_r >= 0 of eq. 8; by query where it is not the same for all (`gapsBySpread`). */
  readonly minimumGap: number | ((query: number) => number);
  /** Share of triplets whose negative is of another class; the paper: 0.2. */
  readonly outOfClassShare: number;
  /** Trials for an in-class negative that keeps eq. 8 before the example is dropped, >= 1. */
  readonly maxFailures: number;
  /** Share of triplets whose positive is the query itself. Default 0. */
  readonly selfShare?: number;
  /** As published: no query is ever its own positive, and whoever has no relevant partner is no query. Default false. */
  readonly onlyOthers?: boolean;
  readonly clickTriplets?: readonly WeightedTriplet[];
  /** Share of triplets drawn from `clickTriplets`, in proportion to their weight; nothing where there are none. Default 0. */
  readonly clickShare?: number;
};

export type TripletSampler = {
  /**
   * Answers always; see `makeTripletSampler` for what happens where the rules leave nothing.
   * @throws Error with `onlyOthers` where there is no triplet at all, as of two items
   */
  next(): Triplet;
  /** Since the start: examples dropped by eq. 8, and triplets given in spite of it as nothing else was found. */
  counts(): TripletCounts;
  /** All that the next triplets depend on, as JSON, and the counts. */
  state(): unknown;
  /** Goes on from the state of a sampler made with the same options: the same triplets follow. @throws Error when it is not a state of such a sampler. */
  restore(state: unknown): void;
};

export type TripletCounts = { readonly dropped: number; readonly forced: number };

/** Rules of `drawNegative`: the sampler's options, less strict where a triplet is forced. */
export type NegativeRules = Pick<SamplerOptions, 'relevance' | 'minimumGap' | 'outOfClassShare' | 'maxFailures'>;

/** Dropped examples in a row after which a triplet is forced. */
const maxDropped = 100;
/** Trials for one of another query and positive that breaks the margin only. */
const maxForced = 1000;

/** Rules of both samplers (paper, section 5.1): margins, dropped examples, clicks, and what to do when all fails. */
export type TripletRules = {
  /** @param drawExample a triplet that keeps the rules, or null: the example is dropped */
  next(drawExample: (rules: NegativeRules) => Triplet | null): Triplet;
  counts(): TripletCounts;
  restore(counts: TripletCounts): void;
};

/** @throws Error with fewer than two items */
export function makeTripletRules(options: SamplerOptions, random: Random): TripletRules {
  const { clickShare = 0, clickTriplets = [], onlyOthers = false } = options;
  const items = options.categories.length;
  if (items < 2) throw new Error('Triplets need two items');
  const clicks = makeAliasTable(clickTriplets.map(({ weight }) => weight));
  let counts = { dropped: 0, forced: 0 };
  return {
    next: (drawExample) => {
      if (clicks && random.next() < clickShare) {
        const { q, p, n } = clickTriplets[clicks.draw(random)]!;
        return { q, p, n };
      }
      for (let trial = 0; trial < maxDropped; trial++) {
        const triplet = drawExample(options);
        if (triplet) return triplet;
        counts.dropped++;
      }
      counts.forced++;
      if (onlyOthers) return withoutMargin(options, drawExample);
      const q = random.int(items);
      return { q, p: q, n: (q + 1 + random.int(items - 1)) % items };
    },
    counts: () => ({ ...counts }),
    restore: ({ dropped, forced }) => {
      counts = { dropped, forced };
    },
  };
}

/** A triplet of the order that relevance gives, by however little; out of class where nothing else is left. */
function withoutMargin(options: NegativeRules, drawExample: (rules: NegativeRules) => Triplet | null): Triplet {
  const rules = { ...options, minimumGap: 0, outOfClassShare: Math.max(options.outOfClassShare, 0.5) };
  for (let trial = 0; trial < maxForced; trial++) {
    const triplet = drawExample(rules);
    if (triplet) return triplet;
  }
  throw new Error('There is no triplet: no two items are relevant to each other beside a third');
}

/**
 * A negative for a query and its positive, with the margin of eq. 8; null where none is found.
 * @param outside draws uniformly from other classes; null where there is none
 * @param inside draws by eq. 7 from the query's class; null where it has no partners
 */
export function drawNegative(
  { q, p }: Omit<Triplet, 'n'>,
  { relevance, minimumGap, outOfClassShare, maxFailures }: NegativeRules,
  random: Random,
  { outside, inside }: { outside: (() => number) | null; inside: (() => number | null) | null },
): Triplet | null {
  const gain = relevance(q, p);
  const margin = typeof minimumGap === 'number' ? minimumGap : minimumGap(q);
  if (outside && (!inside || random.next() < outOfClassShare)) {
    return gain >= margin ? { q, p, n: outside() } : null;
  }
  if (!inside) return null;
  for (let trial = 0; trial < maxFailures; trial++) {
    const n = inside();
    if (n !== null && n !== p && gain - relevance(q, n) >= margin) return { q, p, n };
  }
  return null;
}
