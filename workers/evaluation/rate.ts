import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Interval } from '@simili/learning/metrics/intervals';
import { type LoggedAnchor, type OffPolicyRate, offPolicyRates } from '@simili/learning/metrics/off-policy';
import { makeRandom } from '@simili/learning/numbers/random';
import { fitExamination } from '@simili/learning/relevance/examination';
import type { SeenPair } from '@simili/learning/relevance/seen-pairs';
import { nearestOf } from './nearest.ts';
import type { EvaluationSet } from './set.ts';

/** Choices a view of the first twelve places: what the candidate would have got of what was seen, and its rivals. */
export type Rates = {
  readonly candidate: OffPolicyRate;
  readonly rivals: readonly OffPolicyRate[];
  /** Candidate minus each rival, paired by anchor. */
  readonly differences: readonly Interval[];
};

type Vectors = ReadonlyMap<string, Float32Array>;

/** Anchors that were seen most: each is compared with all products. */
const MOST_ANCHORS = 400;
/** Fewer have no interval to speak of. */
const FEWEST_ANCHORS = 20;

/**
 * Off-policy estimates on anchors that no version learned from. Null: fewer than 20 of them were seen, or not the whole catalog is
 * compared, so that nobody knows what the first places would be.
 */
export async function ratesOf(
  set: EvaluationSet,
  candidate: Vectors,
  rivals: readonly Vectors[],
): Promise<Rates | null> {
  const anchors = set.isWhole ? anchorsOf(set) : [];
  if (anchors.length < FEWEST_ANCHORS) return null;
  const rankers = [candidate, ...rivals].map((vectors) =>
    nearestOf(
      set.productIds.map((id) => vectors.get(id)),
      set.groups,
    ),
  );
  const logged: LoggedAnchor[] = [];
  for (const { anchor, pairs } of anchors) {
    await nextTurn(); // each is compared with all products
    logged.push({ pairs, rankings: rankers.map((first) => first(anchor)) });
  }
  const { rates, differences } = await offPolicyRates(logged, {
    examination: fitExamination(set.seen),
    random: makeRandom(1),
    pause: nextTurn,
  });
  const [own, ...others] = rates;
  return {
    candidate: own!,
    rivals: others,
    differences: differences.map(({ mean, low, high }) => ({ mean: -mean, low: -high, high: -low })),
  };
}

/** A difference as a share of what the rival gets; null where that gets nothing. */
export const relativeTo = ({ doublyRobust }: OffPolicyRate, { mean, low, high }: Interval): Interval | null => {
  const own = doublyRobust.mean;
  return own > 0 ? { mean: mean / own, low: low / own, high: high / own } : null;
};

function anchorsOf({ seen, held }: EvaluationSet) {
  return [...seen.anchors()]
    .filter(({ anchor }) => held.has(anchor))
    .map((own) => ({ ...own, impressions: impressionsOf(seen.rows(own.from, own.to)) }))
    .filter(({ impressions }) => impressions > 0) // else only beacons that were lost: no view is known, so no rate
    .sort((a, b) => b.impressions - a.impressions)
    .slice(0, MOST_ANCHORS)
    .map(({ anchor, from, to }) => ({ anchor, pairs: [...seen.rows(from, to)] }));
}

function impressionsOf(pairs: Iterable<SeenPair>): number {
  let sum = 0;
  for (const { impressions } of pairs) sum += impressions;
  return sum;
}
