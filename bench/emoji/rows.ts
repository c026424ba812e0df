import { bootstrapInterval, deviation, type Interval, meanOf, pairedDifference } from '../../src/learning/intervals.ts';
import { makeRandom } from '../../src/learning/random.ts';
import type { Measured, Metric } from './measure.ts';

/** One line of the table: a system, its measures by seed, and what it gains over the best mix without a network. */
export type Row = {
  system: string;
  seeds: number;
  metrics: Record<Metric, Interval & { /** Over seeds; NaN with one. */ sd: number }>;
  /** mAP minus that of the best mix, paired by query; null for the mix itself. */
  gain: Interval | null;
};

const SEED = 3;
const METRICS = ['p1', 'map', 'recall', 'triplets'] as const satisfies readonly Metric[];

/** @param runs one per seed; @param reference what is compared with. */
export function rowOf(system: string, runs: readonly Measured[], reference: Measured | null): Row {
  const metrics = Object.fromEntries(
    METRICS.map((metric) => {
      const each = runs.map((run) => run[metric]);
      const interval = bootstrapInterval(each, makeRandom(SEED));
      return [metric, { ...interval, sd: deviation(each.map((run) => meanOf(run.flat()))) }];
    }),
  ) as Row['metrics'];
  const gain =
    reference &&
    pairedDifference(
      runs.map(({ map }) => map),
      [reference.map],
      makeRandom(SEED),
    );
  return { system, seeds: runs.length, metrics, gain };
}

const digits = (value: number): number => Number(value.toFixed(3));

/** For --json and console.table. */
export function flat({ system, seeds, metrics, gain }: Row): Record<string, string | number> {
  const { p1, map, recall, triplets } = metrics;
  return {
    ...{ system, seeds, p1: digits(p1.mean), p1Low: digits(p1.low), p1High: digits(p1.high) },
    ...{ map: digits(map.mean), mapLow: digits(map.low), mapHigh: digits(map.high) },
    ...(seeds > 1 ? { mapSd: Number(map.sd.toFixed(4)), p1Sd: Number(p1.sd.toFixed(4)) } : {}),
    ...{ recallAt10: digits(recall.mean), tripletPrecision: digits(triplets.mean) },
    ...(gain ? { gain: digits(gain.mean), gainLow: digits(gain.low), gainHigh: digits(gain.high) } : {}),
  };
}

/** The table of docs/quality.md. */
export function markdown(rows: readonly Row[]): string {
  const number = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
  const range = ({ low, high }: Interval): string => `[${number(low)}, ${number(high)}]`;
  const spread = (sd: number): string => (Number.isNaN(sd) ? '' : ` ± ${number(sd)}`);
  const lines = rows.map(({ system, seeds, metrics: { p1, map, recall, triplets }, gain }) => [
    ...[system, String(seeds), `${number(p1.mean)}${spread(p1.sd)} ${range(p1)}`],
    ...[`${number(map.mean)}${spread(map.sd)} ${range(map)}`, number(recall.mean), number(triplets.mean)],
    gain ? `${gain.mean < 0 ? '' : '+'}${number(gain.mean)} ${range(gain)}` : '',
  ]);
  const head = ['system', 'seeds', 'P@1', 'mAP', 'recall@10', 'triplet precision', 'mAP over the best mix'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
