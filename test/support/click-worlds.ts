import type { LoggedAnchor } from '../../learning/metrics/off-policy.ts';
import { makeRandom, type Random } from '../../learning/numbers/random.ts';
import { shuffled } from '../../learning/numbers/shuffled.ts';
import type { WeightedTriplet } from '../../learning/relevance/relevance.ts';
import type { SeenPair } from '../../learning/relevance/seen-pairs.ts';
import { propensityOf } from '../../src/similarity/exploration.ts';
import { qualityGates } from '../../workers/evaluation/gates.ts';
import { differenceOf, differenceOfChoices, spanOf } from '../../workers/evaluation/measure.ts';
import { learnedByExponent } from '../../workers/evaluation/set.ts';
import { learnFromClicks } from '../../workers/training/triplets/clicks.ts';

/**
 * served: shoppers want just what is shown, in its order. none: they want all alike. noisy: the order is good, with errors.
 * popular: as noisy, of products that stand in several lists, and some are chosen many times as often as others wherever they stand.
 */
export type WorldKind = 'served' | 'none' | 'noisy' | 'popular';
/** An order that might serve instead: by chance, the other way round, the one that shoppers want beside the anchor, or by what is chosen everywhere. */
export type Candidate = 'random' | 'reversed' | 'better' | 'popular';

const ANCHORS = 60;
const PLACES = 24;
/** Shoppers look at place k with k^-EXAMINED. */
const EXAMINED = 0.7;
const CLICKS_A_VIEW = 0.21;
/** How much more the first place is wanted than the last, where the order is right. */
const FALL = 4.4;
/** A candidate's loss of agreement with categories, in precision, 0 to 1. */
const WORSE = 0.09;
/** Half of its interval. */
const UNSURE = 0.009;

/** Products of a popular world; a list has 24 of 48 that are neighbours in a circle. */
const POOL = 120;
const NEIGHBOURS = 48;
/** Standard deviation of the logarithm of how often a product of a popular world is chosen: in 100, the tenth has 13 times what the ninetieth has. */
const POPULARITY = 1;

export type World = {
  pairs: SeenPair[];
  /** Logarithm of how much an item is wanted beside an anchor. */
  wanted(anchor: number, item: number): number;
  /** From 0. */
  placeOf(anchor: number, item: number): number;
  /** Logarithm of how often an item is chosen wherever it stands. */
  popularity(item: number): number;
};
const itemAt = (anchor: number, place: number) => ANCHORS + anchor * PLACES + place;

/** Held-out anchors with a list each that was shown `views` times, always in the same order: nothing says how far shoppers look. */
export function clickWorld(kind: WorldKind, views: number, seed: number): World {
  const random = makeRandom(seed);
  const lists = listsOf(kind, random);
  const popularities = Array.from({ length: POOL }, () => (kind === 'popular' ? POPULARITY * random.gaussian() : 0));
  const popularity = (item: number) => popularities[item - ANCHORS] ?? 0;
  const wants = lists.map((list) =>
    list.map((_, place) => {
      if (kind === 'none') return 0;
      return kind === 'served'
        ? (-Math.log(FALL) * place) / (PLACES - 1)
        : -0.06 * (place + 1) + 0.8 * random.gaussian();
    }),
  );
  const pairs = wants.flatMap((own, anchor) => {
    const list = lists[anchor]!;
    const chances = own.map((want, place) => Math.exp(want + popularity(list[place]!)) * (place + 1) ** -EXAMINED);
    const scale = CLICKS_A_VIEW / chances.reduce((sum, chance) => sum + chance, 0);
    return chances.map((chance, place): SeenPair => {
      const clicks = binomial(views, Math.min(1, scale * chance), random);
      return { anchor, item: list[place]!, position: place + 1, impressions: views, clicks, value: clicks };
    });
  });
  const placeOf = (anchor: number, item: number) => lists[anchor]!.indexOf(item);
  return { pairs, wanted: (anchor, item) => wants[anchor]![placeOf(anchor, item)]!, placeOf, popularity };
}

/** Items of every anchor's list, in the order in which they are served. */
const listsOf = (kind: WorldKind, random: Random): number[][] =>
  Array.from({ length: ANCHORS }, (_, anchor) => {
    if (kind !== 'popular') return Array.from({ length: PLACES }, (_place, place) => itemAt(anchor, place));
    const first = (anchor * POOL) / ANCHORS;
    const near = Array.from({ length: NEIGHBOURS }, (_near, i) => ANCHORS + ((first + i) % POOL));
    return shuffled(near, random).slice(0, PLACES);
  });

/** Hits among so many tries: the tries between two hits are geometric, so that it costs as much as there are hits or misses. */
function binomial(tries: number, chance: number, random: Random): number {
  if (chance > 0.5) return tries - binomial(tries, 1 - chance, random);
  if (chance <= 0) return 0;
  let hits = 0;
  for (let at = 0; ; hits++) {
    at += 1 + Math.floor(Math.log(1 - random.next()) / Math.log1p(-chance));
    if (at > tries) return hits;
  }
}

/**
 * Feedback on lists of 12 of which a share explores: `lists` of them, over the anchors, in an order that is good with errors.
 * @param examined exponent of the shoppers' looking
 */
export function exploringWorld({ lists, share, examined, seed }: Exploring): ExploringWorld {
  const random = makeRandom(seed);
  const views = Math.round(lists / ANCHORS);
  const attractions = attractionsOf(examined, random);
  const pairs = attractions.flatMap((own, anchor) => shownPairs(anchor, own, { views, share, examined }, random));
  return { pairs, attractions };
}

/** Attractions of what is ranked first, second, … of each anchor's list. */
const attractionsOf = (examined: number, random: Random, kind: PlacedKind = 'noisy'): number[][] =>
  Array.from({ length: ANCHORS }, () => {
    const wants = Array.from({ length: PAGE }, (_w, i) =>
      kind === 'none' ? 1 : Math.exp(-0.06 * (i + 1) + 0.8 * random.gaussian()),
    );
    const scale = CLICKS_A_VIEW / wants.reduce((sum, want, i) => sum + want * (i + 1) ** -examined, 0);
    return wants.map((want) => scale * want);
  });

/** Feedback on one anchor's list, shown `views` times. */
function shownPairs(
  anchor: number,
  attractions: readonly number[],
  { views, share, examined, placement }: { views: number; share: number; examined: number; placement?: string },
  random: Random,
): SeenPair[] {
  const places = { first: 1, count: PAGE };
  return attractions.flatMap((attraction, i) =>
    [i, i + 1, i + 2].flatMap((position): SeenPair[] => {
      const impressions = binomial(views, propensityOf(i + 1, position, places, { share, swapped: 0 }), random);
      if (impressions === 0) return [];
      const clicks = binomial(impressions, Math.min(1, attraction * position ** -examined), random);
      const seen = { anchor, item: itemAt(anchor, i), position, impressions, clicks, value: clicks };
      return [placement === undefined ? seen : { ...seen, placement }];
    }),
  );
}

/**
 * As `exploringWorld`, of lists in two placements: in `row` shoppers look at nearly all places, in `column` hardly beyond the first ones. Of every second
 * anchor four lists in five stand in the one, of the others in the other.
 * @param examined exponents of the two
 */
export function placedWorld({ kind, lists, share, examined, seed }: Placed): World {
  const random = makeRandom(seed);
  const views = lists / ANCHORS;
  const attractions = attractionsOf((examined.row + examined.column) / 2, random, kind);
  const pairs = attractions.flatMap((own, anchor) =>
    PLACEMENTS.flatMap((placement, i) => {
      const part = anchor % 2 === i ? MOSTLY : 1 - MOSTLY;
      const shown = { views: Math.round(part * views), share, examined: examined[placement], placement };
      return shownPairs(anchor, own, shown, random);
    }),
  );
  const placeOf = (anchor: number, item: number) => item - itemAt(anchor, 0);
  const wanted = (anchor: number, item: number) => Math.log(attractions[anchor]![placeOf(anchor, item)]!);
  return { pairs, wanted, placeOf, popularity: () => 0 };
}
export const PLACEMENTS = ['row', 'column'] as const;
const MOSTLY = 0.8;
type PlacedKind = Extract<WorldKind, 'none' | 'noisy'>;
type Placed = Omit<Exploring, 'examined'> & { kind: PlacedKind; examined: Record<(typeof PLACEMENTS)[number], number> };
/** The same world of a storefront that names no placement. */
export const unplaced = (world: World): World => ({
  ...world,
  pairs: world.pairs.map(({ placement: _, ...pair }) => pair),
});
type Exploring = { lists: number; share: number; examined: number; seed: number };
/** `attractions`: by anchor, of what is ranked first, second, … */
type ExploringWorld = { pairs: SeenPair[]; attractions: number[][] };
export const exploringPairs = (options: Exploring): SeenPair[] => exploringWorld(options).pairs;

/** An order of the places of a page, for every anchor: by chance, the other way round, as shoppers want, or as served. */
export function ordersOf(
  { attractions }: ExploringWorld,
  candidate: Exclude<Candidate, 'popular'> | 'serving',
  seed: number,
): number[][] {
  const random = makeRandom(seed);
  return attractions.map((own) => {
    const places = own.map((_, i) => i);
    const key: Record<typeof candidate, (i: number) => number> = {
      serving: (i) => i,
      reversed: (i) => -i,
      better: (i) => -own[i]!,
      random: () => random.next(),
    };
    const keys = places.map(key[candidate]);
    return places.sort((a, b) => keys[a]! - keys[b]!);
  });
}

/** Choices a view that an order really gets. */
export const trueRate = ({ attractions }: ExploringWorld, orders: readonly number[][], examined: number): number =>
  orders.reduce(
    (sum, order, a) => sum + order.reduce((own, i, k) => own + attractions[a]![i]! * (k + 1) ** -examined, 0),
    0,
  ) / attractions.length;

/** Logs that an off-policy estimate is made from: what was seen, and two orders that might serve. */
export function loggedAnchors({ pairs }: ExploringWorld, ...systems: number[][][]): LoggedAnchor[] {
  return Array.from({ length: ANCHORS }, (_, anchor) => ({
    pairs: pairs.filter((pair) => pair.anchor === anchor),
    rankings: systems.map((orders) => orders[anchor]!.map((i) => itemAt(anchor, i))),
  }));
}
const PAGE = 12;

/** All are products of their own that no version trains on. */
const columns = {
  categories: new Int32Array(ANCHORS * (PLACES + 1)),
  splits: new Uint8Array(ANCHORS * (PLACES + 1)).fill(2),
};

const learnedOf = ({ pairs }: World) => learnFromClicks(pairs, columns, () => 0.1, 'test');
export const triplets = (world: World): WeightedTriplet[] => learnedOf(world).triplets;

/** Share of triplets whose positive is wanted more. */
export function agreement({ wanted }: World, learned: readonly WeightedTriplet[]): number {
  return learned.filter(({ q, p, n }) => wanted(q, p) > wanted(q, n)).length / learned.length;
}

/** Whether the gates let a candidate serve that is 9 points worse on categories. */
export function isPromoted(world: World, candidate: Candidate, seed: number): boolean {
  const random = makeRandom(seed);
  const chance = Float64Array.from({ length: ANCHORS * (PLACES + 1) }, () => random.next());
  const ranks: Record<Candidate | 'serving', (anchor: number, item: number) => number> = {
    serving: world.placeOf,
    reversed: (anchor, item) => -world.placeOf(anchor, item),
    random: (_anchor, item) => chance[item]!,
    better: (anchor, item) => -world.wanted(anchor, item),
    popular: (_anchor, item) => -world.popularity(item),
  };
  const learned = learnedByExponent(world.pairs, columns, 'test');
  const none = { triplets: 0, precision: 0, interval: null };
  const clicks = { ...none, triplets: learned[0].triplets.length };
  const own = { structure: { ...none, triplets: 1000 }, clicks, later: none, ratings: none, spread: 1 };
  const differences = {
    structure: { mean: -WORSE, low: -WORSE - UNSURE, high: -WORSE + UNSURE },
    clicks: spanOf(learned.map(({ triplets }) => differenceOf(triplets, ranks[candidate], ranks.serving))),
    choices: spanOf(learned.map(({ sets }) => differenceOfChoices(sets, ranks[candidate], ranks.serving))),
    later: null,
    ratings: null,
  };
  const reach = { structure: 1000, clicks: clicks.triplets, later: 0, ratings: 0, vectors: 1000 };
  const rival = { name: 'serving', reach, differences, rate: null };
  return qualityGates(own, [rival], { missing: 0, beside: null }).every(({ passed }) => passed);
}
