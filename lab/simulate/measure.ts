import type { Random } from '@simili/learning/numbers/random';
import { bootstrapMean, concordance, type Interval } from './agreement.ts';
import type { Ranking } from './ranking.ts';
import type { Taste } from './taste.ts';

/** How well lists order held-out products as the hidden taste does; .5 is chance. Intervals: 95 %, over anchors. */
export type Measurement = { before: Interval; after: Interval; difference: Interval; anchors: number };

/** @returns null when no anchor has two products that the taste tells apart. */
export function measure(
  rankings: readonly Ranking[],
  { utility }: Pick<Taste, 'utility'>,
  random: Random,
): Interval | null {
  const scores = rankings.flatMap(({ anchor, ids }) => concordance(ids.map((id) => utility(anchor, id))) ?? []);
  return scores.length ? bootstrapMean(scores, random) : null;
}

/** The same anchors and the same pairs twice: products that are missing from either list of an anchor are left out. */
export function compare(
  before: readonly Ranking[],
  after: readonly Ranking[],
  { utility }: Pick<Taste, 'utility'>,
  random: Random,
): Measurement | null {
  const later = new Map(after.map(({ anchor, ids }) => [anchor, ids]));
  const scores = before.flatMap(({ anchor, ids }) => {
    const idsAfter = later.get(anchor) ?? [];
    const score = (list: readonly string[], other: readonly string[]) => {
      const common = new Set(other);
      return concordance(list.filter((id) => common.has(id)).map((id) => utility(anchor, id)));
    };
    const [was, is] = [score(ids, idsAfter), score(idsAfter, ids)];
    return was === null || is === null ? [] : [{ was, is }];
  });
  if (scores.length === 0) return null;
  return {
    before: bootstrapMean(
      scores.map(({ was }) => was),
      random,
    ),
    after: bootstrapMean(
      scores.map(({ is }) => is),
      random,
    ),
    difference: bootstrapMean(
      scores.map(({ was, is }) => is - was),
      random,
    ),
    anchors: scores.length,
  };
}
