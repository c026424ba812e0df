import type { Random } from '../numbers/random.ts';
import type { Examination } from '../relevance/examination.ts';
import { PRIOR } from '../relevance/propensity.ts';
import type { SeenPair } from '../relevance/seen-pairs.ts';
import type { Interval } from './intervals.ts';

/** Log of one anchor, and the lists that systems would show there. */
export type LoggedAnchor = {
  /** All that was seen in its lists. */
  readonly pairs: readonly SeenPair[];
  /** By system: the items that it ranks first, K of them or fewer. */
  readonly rankings: readonly (readonly number[])[];
};

/** Choices a view of the first K places, as a system would have got them, with 95 % intervals. */
export type OffPolicyRate = {
  /** Self-normalised inverse propensity scores, over the places whose items were seen. */
  readonly snips: Interval;
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
};

/** Examined impressions that the model of an anchor's mean is worth beside what was seen of an item. */
const STRENGTH = 10;
const TAIL = 0.025;

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
 * their modes: they share what is known of the shop's, and an interval is rather too wide. NaN without views.
 */
export function offPolicyRates(
  anchors: readonly LoggedAnchor[],
  { examination, random, draws = 1000 }: Options,
): OffPolicy {
  const logs = anchors.map(logsOf).filter((own) => own.length > 0);
  const systems = anchors[0]?.rankings.map((_, system) => system) ?? [];
  const at = (normal: number, chosen: readonly (readonly Log[])[]) => {
    const flat = chosen.flat();
    return systems.map((system) => estimate(flat, system, examination, normal));
  };
  const point = at(0, logs);
  const drawn = Array.from({ length: draws }, () => {
    const normal = random.gaussian();
    return at(
      normal,
      logs.map(() => logs[random.int(logs.length)]!),
    );
  });
  const interval = (of: (estimates: readonly Estimate[]) => number): Interval => {
    const values = Float64Array.from(drawn, of).sort();
    const tail = Math.floor(TAIL * draws);
    return { mean: of(point), low: values[tail]!, high: values[draws - 1 - tail]! };
  };
  return {
    rates: systems.map((system) => ({
      snips: interval((estimates) => estimates[system]!.snips),
      doublyRobust: interval((estimates) => estimates[system]!.doublyRobust),
      effectiveImpressions: point[system]!.effective,
      seen: point[system]!.seen,
    })),
    differences: systems
      .slice(1)
      .map((system) => interval((estimates) => estimates[system]!.doublyRobust - estimates[0]!.doublyRobust)),
  };
}

type Seen = { readonly position: number; readonly impressions: number; readonly clicks: number };
/** Feedback on one anchor in one placement. */
type Log = {
  readonly placement: string | undefined;
  readonly views: number;
  readonly items: ReadonlyMap<number, readonly Seen[]>;
  readonly rankings: LoggedAnchor['rankings'];
};

/** Logs of an anchor by placement; views: impressions at the place where there were most; a list has one item at each. */
function logsOf({ pairs, rankings }: LoggedAnchor): Log[] {
  const placements = new Map<string | undefined, { items: Map<number, Seen[]>; byPlace: Map<number, number> }>();
  for (const { item, position, placement, impressions, clicks } of pairs) {
    if (impressions <= 0) continue; // a lost beacon
    const { items, byPlace } = placements.get(placement) ?? { items: new Map(), byPlace: new Map() };
    placements.set(placement, { items, byPlace });
    const own = items.get(item) ?? [];
    items.set(item, own);
    own.push({ position, impressions, clicks });
    byPlace.set(position, (byPlace.get(position) ?? 0) + impressions);
  }
  return [...placements].map(([placement, { items, byPlace }]) => ({
    placement,
    views: Math.max(...byPlace.values()),
    items,
    rankings,
  }));
}

/**
 * Standard deviation with which an exponent is drawn. The prior takes an estimate to where it is safe, which is not where shoppers are: so it makes it no
 * surer. The width is that of what was heard, 1 / sqrt(1 / sd^2 - 1 / .25^2), at most the prior's own .25; sd, where placements differ by more.
 */
function widthOf(deviation: number): number {
  const prior = 1 / PRIOR.deviation ** 2;
  return Math.max(deviation, 1 / Math.sqrt(Math.max(prior, 1 / deviation ** 2 - prior)));
}

type Estimate = { snips: number; doublyRobust: number; effective: number; seen: number };

/** @param normal how many of their widths exponents are from their modes */
function estimate(logs: readonly Log[], system: number, examination: Examination, normal: number): Estimate {
  let [views, chosen, seenExamined, examined, robust, weights, squares] = [0, 0, 0, 0, 0, 0, 0];
  for (const log of logs) {
    const { eta: mode, deviation } = examination(log.placement);
    const eta = Math.max(0, mode + widthOf(deviation) * normal);
    const theta = (place: number) => place ** -eta;
    const mean = meanAttraction(log, theta);
    views += log.views;
    for (const [i, item] of log.rankings[system]!.entries()) {
      const place = theta(i + 1);
      examined += log.views * place;
      const seen = log.items.get(item);
      const own = sums(seen ?? [], theta);
      const model = (own.clicks + STRENGTH * mean) / (own.examined + STRENGTH);
      if (!seen) {
        robust += log.views * place * model;
        continue;
      }
      const attraction = own.clicks / own.examined;
      chosen += log.views * place * attraction;
      seenExamined += log.views * place;
      robust += log.views * place * (model + Math.min(1, own.impressions / log.views) * (attraction - model));
      for (const { position, impressions } of seen) {
        const weight = place / theta(position);
        weights += impressions * weight;
        squares += impressions * weight ** 2;
      }
    }
  }
  return {
    snips: ((chosen / seenExamined) * examined) / views,
    doublyRobust: robust / views,
    effective: squares > 0 ? weights ** 2 / squares : 0,
    seen: seenExamined / examined,
  };
}

type Theta = (place: number) => number;

function meanAttraction({ items }: Log, theta: Theta): number {
  let [clicks, examined] = [0, 0];
  for (const seen of items.values()) {
    const own = sums(seen, theta);
    clicks += own.clicks;
    examined += own.examined;
  }
  return clicks / examined;
}

function sums(seen: readonly Seen[], theta: Theta) {
  let [clicks, impressions, examined] = [0, 0, 0];
  for (const one of seen) {
    clicks += one.clicks;
    impressions += one.impressions;
    examined += one.impressions * theta(one.position);
  }
  return { clicks, impressions, examined };
}
