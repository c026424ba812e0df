import { type AliasTable, makeAliasTable } from './alias.ts';
import { makeRandom, type Random } from './random.ts';
import type { Relevance, WeightedTriplet } from './relevance.ts';

/** Indices of items. p === q: another augmented view of the same picture is the positive. n is neither. */
export type Triplet = { readonly q: number; readonly p: number; readonly n: number };

export type SamplerOptions = {
  /** Category per item, at least two items; -1 = none: such an item is in a class of its own. */
  readonly categories: Int32Array;
  /** r(i, j) >= 0 within a category; r(i, i) is what an item is to a view of itself, e.g. 1. */
  readonly relevance: Relevance;
  /** T_p > 0 of eq. 7: relevance above it does not make a positive more likely. */
  readonly positiveCap: number;
  /** T_r >= 0 of eq. 8. */
  readonly minimumGap: number;
  /** Share of triplets whose negative is of another class; the paper: 0.2. */
  readonly outOfClassShare: number;
  /** Trials for an in-class negative that keeps eq. 8 before the example is dropped, >= 1. */
  readonly maxFailures: number;
  /** Share of triplets whose positive is the query itself. Default 0. */
  readonly selfShare?: number;
  readonly clickTriplets?: readonly WeightedTriplet[];
  /** Share of triplets drawn from `clickTriplets`, in proportion to their weight; nothing where there are none. Default 0. */
  readonly clickShare?: number;
};

export type TripletSampler = {
  /** Always answers; see `makeTripletSampler` for what happens where the rules leave nothing. */
  next(): Triplet;
  /** Since the start: examples dropped by eq. 8, and triplets given in spite of it as nothing else was found. */
  counts(): { readonly dropped: number; readonly forced: number };
};

/** Categories up to this size are exact; of larger ones every item sees a fixed random part of this size. */
export const maxCandidates = 2000;
/** Of which this many tell r_i of a large category. */
const totalCandidates = 200;
/** Dropped examples in a row after which a triplet is forced. */
const maxDropped = 100;
/** Entries of alias tables kept at a time: 12 bytes each. */
const maxEntries = 8_000_000;

/**
 * The triplet law of the paper, section 5.1, exactly, with alias tables in memory:
 *
 *   query     P(i) ~ r_i = sum of r_ij over the others of its category (eq. 6)
 *   positive  P(j) ~ min(T_p, r_ij) within the category (eq. 7)
 *   negative  with probability `outOfClassShare` uniform over all items of other classes, else by eq. 7 within it
 *   margin    r(q,p) - r(q,n) >= T_r (eq. 8), r(q,n) = 0 out of class: other negatives are drawn up to `maxFailures`
 *             times, then the example is dropped and a new query drawn
 *
 * Added to it: an item without any relevant partner (alone in its category, or without one) is a query as often as its
 * share of all items, and then ITSELF is its positive: another augmented view of the same picture, a free positive.
 * `selfShare` asks for such triplets from every item. Where there is no other class negatives are in class, and where there
 * is no partner they are out of class. After 100 dropped examples in a row a query with itself as positive and any
 * other item as negative is given, whatever eq. 8 says.
 *
 * All state is in `random`: a restored one continues the same sequence.
 * @throws Error with fewer than two items
 */
export function makeTripletSampler(options: SamplerOptions, random: Random): TripletSampler {
  const { categories, minimumGap, maxFailures, selfShare = 0, clickShare = 0, clickTriplets = [] } = options;
  const items = categories.length;
  if (items < 2) throw new Error('Triplets need two items');
  const classes = makeClasses(categories);
  const partners = makePartners(options, classes);
  const totals = Float64Array.from({ length: items }, (_, i) => partners.total(i));
  const queries = makeAliasTable(totals);
  const lonely = Array.from(totals.keys()).filter((i) => !(totals[i]! > 0));
  const clicks = makeAliasTable(clickTriplets.map(({ weight }) => weight));
  const counts = { dropped: 0, forced: 0 };

  const drawQuery = (): { q: number; self: boolean } => {
    if (random.next() < selfShare) return { q: random.int(items), self: true };
    if (!queries || random.next() < lonely.length / items) return { q: lonely[random.int(lonely.length)]!, self: true };
    return { q: queries.draw(random), self: false };
  };

  const drawExample = (): Triplet | null => {
    const { q, self } = drawQuery();
    const p = self ? q : partners.draw(q, random);
    const gain = options.relevance(q, p);
    const outside = classes.others(q) > 0;
    const inside = totals[q]! > 0;
    if (outside && (!inside || random.next() < options.outOfClassShare)) {
      return gain >= minimumGap ? { q, p, n: classes.drawOther(q, random) } : null;
    }
    if (!inside) return null;
    for (let trial = 0; trial < maxFailures; trial++) {
      const n = partners.draw(q, random);
      if (n !== p && gain - options.relevance(q, n) >= minimumGap) return { q, p, n };
    }
    return null;
  };

  const force = (): Triplet => {
    counts.forced++;
    const q = random.int(items);
    return { q, p: q, n: (q + 1 + random.int(items - 1)) % items };
  };

  return {
    next: () => {
      if (clicks && random.next() < clickShare) {
        const { q, p, n } = clickTriplets[clicks.draw(random)]!;
        return { q, p, n };
      }
      for (let trial = 0; trial < maxDropped; trial++) {
        const triplet = drawExample();
        if (triplet) return triplet;
        counts.dropped++;
      }
      return force();
    },
    counts: () => ({ ...counts }),
  };
}

/** Who is in whose class; items without a category are each a class of their own. */
function makeClasses(categories: Int32Array) {
  // Sorted by class, so that all items but one class are two runs.
  const order = Int32Array.from(categories.keys()).sort((i, j) => categories[i]! - categories[j]! || i - j);
  const starts = new Int32Array(order.length);
  const ends = new Int32Array(order.length);
  for (let start = 0; start < order.length; ) {
    const category = categories[order[start]!]!;
    let end = start + 1;
    while (category >= 0 && end < order.length && categories[order[end]!] === category) end++;
    for (let at = start; at < end; at++) {
      starts[order[at]!] = start;
      ends[order[at]!] = end;
    }
    start = end;
  }
  return {
    members: (i: number): Int32Array => order.subarray(starts[i], ends[i]),
    /** Number of items outside the class of i. */
    others: (i: number): number => order.length - (ends[i]! - starts[i]!),
    /** Uniform over them. */
    drawOther: (i: number, random: Random): number => {
      const at = random.int(order.length - (ends[i]! - starts[i]!));
      return order[at < starts[i]! ? at : at + ends[i]! - starts[i]!]!;
    },
  };
}

/** Eqs. 6 and 7: tables are built when first asked for, and the longest unused go when they get too many. */
function makePartners({ relevance, positiveCap }: SamplerOptions, classes: ReturnType<typeof makeClasses>) {
  const tables = new Map<number, { candidates: Int32Array; table: AliasTable }>();
  let entries = 0;

  const build = (q: number) => {
    const members = classes.members(q);
    const candidates = members.length <= maxCandidates ? members : randomPart(q, members, maxCandidates);
    const weights = Float64Array.from(candidates, (j) => (j === q ? 0 : Math.min(positiveCap, relevance(q, j))));
    const table = makeAliasTable(weights);
    if (!table) throw new Error(`Item ${q} has no partner to draw`);
    return { candidates, table };
  };

  const lookUp = (q: number) => {
    const found = tables.get(q);
    const entry = found ?? build(q);
    // A Map keeps the order of insertion: the first key is the one not used for longest.
    tables.delete(q);
    tables.set(q, entry);
    if (!found) entries += entry.table.length;
    for (const [oldest, { table }] of tables) {
      if (entries <= maxEntries || oldest === q) break;
      tables.delete(oldest);
      entries -= table.length;
    }
    return entry;
  };

  return {
    /** r_i of eq. 6; of a large category, estimated from the candidates. */
    total: (q: number): number => {
      const members = classes.members(q);
      const exact = members.length <= maxCandidates;
      const candidates = exact ? members : randomPart(q, members, totalCandidates);
      let sum = 0;
      for (const j of candidates) if (j !== q) sum += relevance(q, j);
      return exact ? sum : (sum * (members.length - 1)) / candidates.length;
    },
    draw: (q: number, random: Random): number => {
      const { candidates, table } = lookUp(q);
      return candidates[table.draw(random)]!;
    },
  };
}

/**
 * `size` members of a large category, without q. The part is the same each time, as it depends on q alone: the law is
 * thinned, not changed, and memory and time stay bounded.
 */
function randomPart(q: number, members: Int32Array, size: number): Int32Array {
  const own = makeRandom(q);
  const chosen = new Set<number>();
  while (chosen.size < size) {
    const j = members[own.int(members.length)]!;
    if (j !== q) chosen.add(j);
  }
  return Int32Array.from(chosen);
}
