import {
  bootstrapInterval,
  deviation,
  type Interval,
  meanOf,
  pairedDifference,
} from '../../learning/metrics/intervals.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { metrics, type Values } from './arena.ts';

type Figure = Interval & { /** Over seeds; NaN with one. */ readonly sd: number };
type ByMetric<T> = Readonly<Record<(typeof metrics)[number], T>>;

/** One line of a table: a system, its measures by seed, and what it gains, paired by query. */
export type Row = {
  readonly set: string;
  readonly system: string;
  readonly seeds: number;
  readonly figures: ByMetric<Figure>;
  /** Minus the first model, which is there without training; null: there is no such comparison. */
  readonly over: ByMetric<Interval> | null;
};

const SEED = 3;

/**
 * @param runs one per seed
 * @param first what they are compared with: one run of the same queries
 */
export function rowOf(set: string, system: string, runs: readonly Values[], first: Values | null): Row {
  return {
    set,
    system,
    seeds: runs.length,
    figures: byMetric((metric) => {
      const each = runs.map((run) => run[metric]);
      const sd = deviation(each.map((run) => meanOf(run.flat())));
      return { ...bootstrapInterval(each, makeRandom(SEED)), sd };
    }),
    over:
      first &&
      byMetric((metric) =>
        pairedDifference(
          runs.map((run) => run[metric]),
          [first[metric]],
          makeRandom(SEED),
        ),
      ),
  };
}

/** Row of a run of which only the means are known. */
export function knownRow(set: string, system: string, seeds: number, means: ByMetric<number>): Row {
  const unknown = { low: Number.NaN, high: Number.NaN, sd: Number.NaN };
  return {
    set,
    system,
    seeds,
    over: null,
    figures: byMetric((metric) => ({ mean: means[metric], ...unknown })),
  };
}

const byMetric = <T>(of: (metric: (typeof metrics)[number]) => T): ByMetric<T> =>
  Object.fromEntries(metrics.map((metric) => [metric, of(metric)])) as ByMetric<T>;

const number = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
const between = ({ low, high }: Interval): string => (Number.isNaN(low) ? '' : ` [${number(low)}, ${number(high)}]`);
const figure = (value: Figure): string =>
  `${number(value.mean)}${Number.isNaN(value.sd) ? '' : ` ± ${number(value.sd)}`}${between(value)}`;
const difference = (value: Interval): string => `${value.mean < 0 ? '' : '+'}${number(value.mean)}${between(value)}`;

/** For --json and console.table. */
export const flat = ({ set, system, seeds, figures, over }: Row): Record<string, string | number> => ({
  set,
  system,
  seeds,
  'P@1': figure(figures.p1),
  mAP: figure(figures.map),
  'P@1 over the first model': over ? difference(over.p1) : '',
  'mAP over it': over ? difference(over.map) : '',
});

/** A table of docs/quality.md, of one set. */
export function markdown(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const { set: _set, ...own } = flat(row);
    return own;
  });
  const head = Object.keys(cells[0] ?? {});
  const lines = [head, head.map(() => '---'), ...cells.map((own) => head.map((name) => String(own[name])))];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}
