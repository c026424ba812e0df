import { bootstrapInterval, deviation, type Interval, meanOf, pairedDifference } from '../../src/learning/intervals.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Measured, Metric } from './measure.ts';

/** What systems are compared with; null: there is no such comparison. */
export type References = {
  /** The best mix of hand-made features. */
  readonly mix: Measured | null;
  /** The first model: all that is there without training. */
  readonly first: Measured | null;
};

/** One line of the table: a system, its measures by seed, and what it gains, paired by query. */
export type Row = {
  system: string;
  seeds: number;
  metrics: Record<Metric, Interval & { /** Over seeds; NaN with one. */ sd: number }>;
  /** mAP minus that of the best mix. */
  gain: Interval | null;
  /** P@1 and mAP minus those of the first model. */
  overFirst: Readonly<Record<'p1' | 'map', Interval>> | null;
};

const SEED = 3;
const METRICS = ['p1', 'map', 'recall', 'triplets'] as const satisfies readonly Metric[];

/** @param runs one per seed */
export function rowOf(system: string, runs: readonly Measured[], { mix, first }: References): Row {
  const metrics = Object.fromEntries(
    METRICS.map((metric) => {
      const each = runs.map((run) => run[metric]);
      const interval = bootstrapInterval(each, makeRandom(SEED));
      return [metric, { ...interval, sd: deviation(each.map((run) => meanOf(run.flat()))) }];
    }),
  ) as Row['metrics'];
  const over = (reference: Measured, metric: 'p1' | 'map'): Interval =>
    pairedDifference(
      runs.map((run) => run[metric]),
      [reference[metric]],
      makeRandom(SEED),
    );
  return {
    ...{ system, seeds: runs.length, metrics },
    gain: mix && over(mix, 'map'),
    overFirst: first && { p1: over(first, 'p1'), map: over(first, 'map') },
  };
}

const number = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
/** A difference with its interval. */
const range = ({ mean, low, high }: Interval): string =>
  `${mean < 0 ? '' : '+'}${number(mean)} [${number(low)}, ${number(high)}]`;
const digits = (value: number): number => Number(value.toFixed(3));

/** For --json and console.table. */
export function flat({ system, seeds, metrics, gain, overFirst }: Row): Record<string, string | number> {
  const { p1, map, recall, triplets } = metrics;
  return {
    ...{ system, seeds, p1: digits(p1.mean), p1Low: digits(p1.low), p1High: digits(p1.high) },
    ...{ map: digits(map.mean), mapLow: digits(map.low), mapHigh: digits(map.high) },
    ...(seeds > 1 ? { mapSd: Number(map.sd.toFixed(4)), p1Sd: Number(p1.sd.toFixed(4)) } : {}),
    ...{ recallAt10: digits(recall.mean), tripletPrecision: digits(triplets.mean) },
    ...(gain ? { gain: digits(gain.mean), gainLow: digits(gain.low), gainHigh: digits(gain.high) } : {}),
    ...(overFirst && { overFirstP1: range(overFirst.p1), overFirstMap: range(overFirst.map) }),
  };
}

/** The table of docs/quality.md. */
export function markdown(rows: readonly Row[]): string {
  const between = ({ low, high }: Interval): string => `[${number(low)}, ${number(high)}]`;
  const spread = (sd: number): string => (Number.isNaN(sd) ? '' : ` ± ${number(sd)}`);
  const lines = rows.map(({ system, seeds, metrics: { p1, map, recall, triplets }, gain, overFirst }) => [
    ...[system, String(seeds), `${number(p1.mean)}${spread(p1.sd)} ${between(p1)}`],
    ...[`${number(map.mean)}${spread(map.sd)} ${between(map)}`, number(recall.mean), number(triplets.mean)],
    gain ? range(gain) : '',
    overFirst ? range(overFirst.p1) : '',
    overFirst ? range(overFirst.map) : '',
  ]);
  const head = [
    'system',
    'seeds',
    'P@1',
    'mAP',
    'recall@10',
    'triplet precision',
    'mAP over the best mix',
    'P@1 over the first model',
    'mAP over it',
  ];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
