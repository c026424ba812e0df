import { z } from 'zod';
import { makeRandom, type Random } from '../numbers/random.ts';
import type { Relevance } from '../relevance/relevance.ts';
import { type AliasTable, makeAliasTable } from './alias.ts';
import { counter, parseState, randomState } from './source-state.ts';
import {
  drawNegative,
  makeTripletRules,
  type NegativeRules,
  type SamplerOptions,
  type Triplet,
  type TripletSampler,
} from './triplet-rules.ts';

export type { SamplerOptions, Triplet, TripletSampler } from './triplet-rules.ts';

/** Categories up to this size are exact; of larger ones an alias table holds a fixed random part of this size. */
export const maxCandidates = 2000;
/** So many others tell r_i of a category, where the relevance of all pairs would be too much. */
const totalCandidates = 100;
/** Pairs whose relevance is computed at the start. */
const maxPairs = 10_000_000;
/** Entries of alias tables kept at a time: 12 bytes each. */
const maxEntries = 8_000_000;
/** Draws without a table before one is made after all. */
const maxTrials = 100;
const stateSchema = z.object({ random: randomState, dropped: counter, forced: counter });

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
 * other item as negative is given, whatever eq. 8 says. With `onlyOthers` nothing of that: as published, no query is its own
 * positive, and a triplet that is forced keeps eq. 8 with T_r = 0.
 *
 * All state is in `random`, which nothing else may draw from.
 * @throws Error with fewer than two items; with `onlyOthers` where no item has a relevant partner
 */
export function makeTripletSampler(options: SamplerOptions, random: Random): TripletSampler {
  const { selfShare = 0, onlyOthers = false } = options;
  const items = options.categories.length;
  const rules = makeTripletRules(options, random);
  const classes = makeClasses(options.categories);
  const { relevance, positiveCap, drawnBy = relevance } = options;
  const partners = makePartners({ relevance: drawnBy, positiveCap }, classes);
  const totals = partners.totals();
  const queries = makeAliasTable(totals);
  const lonely = Int32Array.from(totals.keys()).filter((i) => !(totals[i]! > 0));

  if (onlyOthers && !queries) throw new Error('No item has a relevant partner');

  const drawQuery = (): { q: number; self: boolean } => {
    if (onlyOthers) return { q: queries!.draw(random), self: false };
    if (random.next() < selfShare) return { q: random.int(items), self: true };
    if (!queries || random.next() < lonely.length / items) return { q: lonely[random.int(lonely.length)]!, self: true };
    return { q: queries.draw(random), self: false };
  };

  const drawExample = (negative: NegativeRules): Triplet | null => {
    const { q, self } = drawQuery();
    const p = self ? q : partners.draw(q, random);
    if (p === null) return null;
    return drawNegative({ q, p }, negative, random, {
      outside: classes.others(q) > 0 ? () => classes.drawOther(q, random) : null,
      inside: totals[q]! > 0 ? () => partners.draw(q, random) : null,
    });
  };

  return {
    next: () => rules.next(drawExample),
    counts: rules.counts,
    state: () => ({ random: random.state(), ...rules.counts() }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'the exact triplet sampler');
      random.restore(saved.random);
      rules.restore(saved);
    },
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
    order,
    /** Pairs within classes, counting at most `most` partners of each item. */
    pairs: (most: number): number => order.reduce((sum, i) => sum + Math.min(most, ends[i]! - starts[i]!), 0),
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

/**
 * Eqs. 6 and 7. Where the alias tables of all items fit they are built as they are needed and kept. Where they do not, a
 * uniform draw is accepted with chance min(T_p, r) / T_p: the same law without a table, at T_p / mean(min(T_p, r)) trials,
 * whatever the size of the category. Only queries with hardly a relevant partner get a table then.
 */
function makePartners(
  { relevance, positiveCap }: Pick<SamplerOptions, 'relevance' | 'positiveCap'>,
  classes: ReturnType<typeof makeClasses>,
) {
  const tables = makeTables((q) => {
    const members = classes.members(q);
    const candidates = members.length <= maxCandidates ? members : randomPart(q, members, maxCandidates);
    const weights = Float64Array.from(candidates, (j) => (j === q ? 0 : Math.min(positiveCap, relevance(q, j))));
    return { candidates, table: makeAliasTable(weights) };
  });
  const allFit = classes.pairs(maxCandidates) <= maxEntries || !Number.isFinite(positiveCap);
  const trials = allFit ? 0 : maxTrials;

  return {
    /** null where the random part of a large category has none of the few that are relevant. */
    draw: (q: number, random: Random): number | null => {
      const members = classes.members(q);
      for (let trial = 0; trial < trials; trial++) {
        const j = members[random.int(members.length)]!;
        if (j !== q && random.next() * positiveCap < relevance(q, j)) return j;
      }
      const { candidates, table } = tables(q);
      return table && candidates[table.draw(random)]!;
    },
    /** r_i of eq. 6 for every item; where all pairs are too many, those of large categories are estimated. */
    totals: (): Float64Array => {
      const exactUpTo = classes.pairs(maxCandidates) <= maxPairs ? maxCandidates : totalCandidates;
      return Float64Array.from(classes.order.keys(), (q) => {
        const members = classes.members(q);
        return members.length <= exactUpTo ? total(q, members, relevance) : estimatedTotal(q, members, relevance);
      });
    },
  };
}

function total(q: number, members: Int32Array, relevance: Relevance): number {
  let sum = 0;
  for (const j of members) if (j !== q) sum += relevance(q, j);
  return sum;
}

/** From `totalCandidates` others, drawn from q alone. */
function estimatedTotal(q: number, members: Int32Array, relevance: Relevance): number {
  const own = makeRandom(q);
  let sum = 0;
  for (let drawn = 0; drawn < totalCandidates; ) {
    const j = members[own.int(members.length)]!;
    if (j === q) continue;
    sum += relevance(q, j);
    drawn++;
  }
  return (sum * (members.length - 1)) / totalCandidates;
}

type PartnerTable = { readonly candidates: Int32Array; readonly table: AliasTable | null };

/** Tables are built when first asked for, and the longest unused go when they get too many. */
function makeTables(build: (q: number) => PartnerTable): (q: number) => PartnerTable {
  const tables = new Map<number, PartnerTable>();
  let entries = 0;
  return (q) => {
    const found = tables.get(q);
    const entry = found ?? build(q);
    // A Map keeps the order of insertion: the first key is the one not used for longest.
    tables.delete(q);
    tables.set(q, entry);
    if (!found) entries += entry.candidates.length;
    for (const [oldest, { candidates }] of tables) {
      if (entries <= maxEntries || oldest === q) break;
      tables.delete(oldest);
      entries -= candidates.length;
    }
    return entry;
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
