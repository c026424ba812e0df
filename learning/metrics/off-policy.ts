import type { Random } from '../numbers/random.ts';
import type { Examination } from '../relevance/examination.ts';
import { PRIOR } from '../relevance/propensity.ts';
import type { SeenPair } from '../relevance/seen-pairs.ts';
import { type Interval, total } from './intervals.ts';

/** Log of one anchor, and the lists that systems would show there. */
export type LoggedAnchor = {
  /** All that was seen in its lists. */
  readonly pairs: readonly SeenPair[];
  /** By system: the items that it ranks first, K of them or fewer. */
  readonly rankings: readonly (readonly number[])[];
};

/** Choices a view of the first K places, as a system would have got them, with 95 % intervals. */
export type OffPolicyRate = {
  /** Self-normalised inverse propensity scores, over the places whose items were seen; null: none was, so nothing is measured. */
  readonly snips: Interval | null;
  /** Doubly robust: a model of every item's attraction, corrected by what was seen. */
  readonly doublyRobust: Interval;
  /** Impressions of equal weight that say as much as those that were seen, with theirs (Kish 1965). */
  readonly effectiveImpressions: number;
  /** Share of the examined places whose items were ever seen beside the anchor, 0 to 1. */
  readonly seen: number;
};

export type OffPolicy = {
  /** Rates by system. */
  readonly rates: readonly OffPolicyRate[];
  /** Each later system minus the first one, doubly robust and paired by anchor. */
  readonly differences: readonly Interval[];
};

type Options = {
  /** Exponents of how far shoppers look, as far as they are known (learning/relevance/examination.ts). */
  readonly examination: Examination;
  readonly random: Random;
  /** Default 1000. */
  readonly draws?: number;
  /** Waited for now and then: a process may have other things to do. */
  readonly pause?: () => Promise<unknown>;
};

/** Examined impressions that the model of an anchor's mean is worth beside what was seen of an item. */
const STRENGTH = 10;
const TAIL = 0.025;
/** Draws in a row, some tenths of a second in a large shop. */
const AT_ONCE = 50;

/**
 * Off-policy estimates under the position-based model: an item of attraction g at place k is chosen in theta_k g of the views, with
 * theta_k = k^-eta, of an attraction and an exponent of their own in each placement. Of an anchor with V views in a placement and a ranking
 * i_1 … i_K, from c_k choices in n_k impressions of an item at place k there:
 *
 *   g^ = sum c_k / sum n_k theta_k                 (self-normalised, per item; Swaminathan and Joachims 2015)
 *   g~ = (sum c_k + M m) / (sum n_k theta_k + M)   (a model: m is the anchor's mean attraction there)
 *   SNIPS = (sum theta_k g^ / sum theta_k, both over items that were seen) · sum theta_k
 *   DR    = sum theta_k (g~ + min(1, n / V) (g^ - g~))   (Dudik, Langford and Li 2011)
 *
 * each weighed by V over anchors and placements. Intervals are percentiles of draws in which anchors are resampled and eta is drawn anew
 * around its mode (`widthOf`), so that what is not known of examination is in them; exponents of placements are drawn together, all as far from
 * their modes: they share what is known of the shop's, and an interval is rather too wide. A draw of anchors beside which nothing was seen of what a
 * system ranks has no SNIPS, and its interval is that of the others. NaN without views.
 */
export async function offPolicyRates(
  anchors: readonly LoggedAnchor[],
  { examination, random, draws = 1000, pause = async () => {} }: Options,
): Promise<OffPolicy> {
  const logs = anchors.map(logsOf).filter((own) => own.length > 0);
  const systems = anchors[0]?.rankings.map((_, system) => system) ?? [];
  const all = logs.flat();
  const thetasAt = thetasOf(all, examination);
  const at = (normal: number, times: Int32Array) => {
    const thetas = thetasAt(normal);
    const sums = systems.map(() => new Float64Array(SUMS));
    for (const [anchor, own] of logs.entries())
      for (const log of times[anchor]! > 0 ? own : []) addTo(sums, log, thetas.get(log.placement)!, times[anchor]!);
    return sums.map(estimateOf);
  };
  const point = at(0, new Int32Array(logs.length).fill(1));
  const drawn: (readonly Estimate[])[] = [];
  for (let draw = 0; draw < draws; draw++) {
    if (draw % AT_ONCE === 0) await pause();
    const normal = random.gaussian();
    const times = new Int32Array(logs.length);
    for (let i = 0; i < logs.length; i++) times[random.int(logs.length)]!++;
    drawn.push(at(normal, times));
  }
  const interval = (of: (estimates: readonly Estimate[]) => number): Interval => {
    const values = Float64Array.from(drawn, of)
      .filter((value) => !Number.isNaN(value))
      .sort();
    const tail = Math.floor(TAIL * values.length);
    return { mean: of(point), low: values[tail] ?? Number.NaN, high: values.at(-1 - tail) ?? Number.NaN };
  };
  return {
    rates: systems.map((system) => ({
      snips: point[system]!.seen > 0 ? interval((estimates) => estimates[system]!.snips) : null,
      doublyRobust: interval((estimates) => estimates[system]!.doublyRobust),
      effectiveImpressions: effectiveOf(all, system, thetasAt(0)),
      seen: point[system]!.seen,
    })),
    differences: systems
      .slice(1)
      .map((system) => interval((estimates) => estimates[system]!.doublyRobust - estimates[0]!.doublyRobust)),
  };
}

type Seen = { readonly position: number; readonly impressions: number; readonly clicks: number };
/** An item by the places where it was seen. */
type Item = { readonly seen: Seen[]; clicks: number; impressions: number };
/** Feedback on one anchor in one placement. */
type Log = {
  readonly placement: string | undefined;
  readonly views: number;
  /** Clicks on any of its items. */
  readonly chosen: number;
  readonly items: readonly Item[];
  /** By system: the number of the item at each of its places; -1: it was never seen. */
  readonly ranked: readonly Int32Array[];
};

/** Logs of an anchor by placement; views: impressions at the place where there were most; a list has one item at each. */
function logsOf({ pairs, rankings }: LoggedAnchor): Log[] {
  const placements = new Map<string | undefined, { items: Map<number, Item>; byPlace: Map<number, number> }>();
  for (const { item, position, placement, impressions, clicks } of pairs) {
    if (impressions <= 0) continue; // a lost beacon
    const { items, byPlace } = placements.get(placement) ?? { items: new Map(), byPlace: new Map() };
    placements.set(placement, { items, byPlace });
    const own = items.get(item) ?? { seen: [], clicks: 0, impressions: 0 };
    items.set(item, own);
    own.seen.push({ position, impressions, clicks });
    own.clicks += clicks;
    own.impressions += impressions;
    byPlace.set(position, (byPlace.get(position) ?? 0) + impressions);
  }
  return [...placements].map(([placement, { items, byPlace }]) => {
    const numbers = new Map([...items.keys()].map((item, number) => [item, number]));
    return {
      placement,
      views: Math.max(...byPlace.values()),
      chosen: total([...items.values()].map((item) => item.clicks)),
      items: [...items.values()],
      ranked: rankings.map((ranking) => Int32Array.from(ranking, (item) => numbers.get(item) ?? -1)),
    };
  });
}

/**
 * Standard deviation with which an exponent is drawn. The prior takes an estimate to where it is safe, which is not where shoppers are: so it makes it no
 * surer. The width is that of what was heard, 1 / sqrt(1 / sd^2 - 1 / .25^2), at most the prior's own .25; sd, where placements differ by more.
 */
function widthOf(deviation: number): number {
  const prior = 1 / PRIOR.deviation ** 2;
  return Math.max(deviation, 1 / Math.sqrt(Math.max(prior, 1 / deviation ** 2 - prior)));
}

/** theta by place, from 1. */
type Theta = Float64Array;
type Thetas = ReadonlyMap<string | undefined, Theta>;

/** Tables of theta by placement, where exponents are so many of their widths from their modes. */
function thetasOf(logs: readonly Log[], examination: Examination): (normal: number) => Thetas {
  const places = logs.flatMap(({ items, ranked }) => [
    ...items.flatMap(({ seen }) => seen.map(({ position }) => position)),
    ...ranked.map(({ length }) => length),
  ]);
  const last = places.reduce((most, place) => Math.max(most, place), 0);
  const placements = [...new Set(logs.map(({ placement }) => placement))];
  return (normal) =>
    new Map(
      placements.map((placement) => {
        const { eta: mode, deviation } = examination(placement);
        const eta = Math.max(0, mode + widthOf(deviation) * normal);
        return [placement, Float64Array.from({ length: last + 1 }, (_, place) => place ** -eta)];
      }),
    );
}

type Estimate = { snips: number; doublyRobust: number; seen: number };
/** Views, chosen, examined of what was seen, examined, and doubly robust: all that an estimate is made of adds up over logs. */
const SUMS = 5;

/** @param sums of each system @param times how often the log is drawn */
function addTo(
  sums: readonly Float64Array[],
  { views, chosen, items, ranked }: Log,
  theta: Theta,
  times: number,
): void {
  const examined = items.map(({ seen }) => examinedOf(seen, theta));
  const mean = chosen / total(examined);
  for (const [system, own] of sums.entries()) {
    own[0]! += times * views;
    for (const [i, number] of ranked[system]!.entries()) {
      const weight = times * views * theta[i + 1]!;
      own[3]! += weight;
      if (number < 0) {
        own[4]! += weight * mean;
        continue;
      }
      const { clicks, impressions } = items[number]!;
      const model = (clicks + STRENGTH * mean) / (examined[number]! + STRENGTH);
      const attraction = clicks / examined[number]!;
      own[1]! += weight * attraction;
      own[2]! += weight;
      own[4]! += weight * (model + Math.min(1, impressions / views) * (attraction - model));
    }
  }
}

function estimateOf(sums: Float64Array): Estimate {
  const [views, chosen, seenExamined, examined, robust] = sums as unknown as [number, number, number, number, number];
  return {
    snips: ((chosen / seenExamined) * examined) / views,
    doublyRobust: robust / views,
    seen: seenExamined / examined,
  };
}

/** Kish's number of what was seen of a system's items, weighed by where it would stand. */
function effectiveOf(logs: readonly Log[], system: number, thetas: Thetas): number {
  let [weights, squares] = [0, 0];
  for (const { placement, items, ranked } of logs) {
    const theta = thetas.get(placement)!;
    for (const [i, number] of ranked[system]!.entries())
      for (const { position, impressions } of items[number]?.seen ?? []) {
        const weight = theta[i + 1]! / theta[position]!;
        weights += impressions * weight;
        squares += impressions * weight ** 2;
      }
  }
  return squares > 0 ? weights ** 2 / squares : 0;
}

const examinedOf = (seen: readonly Seen[], theta: Theta): number =>
  seen.reduce((sum, { position, impressions }) => sum + impressions * theta[position]!, 0);
