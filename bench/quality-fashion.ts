import { join } from 'node:path';
import type { Report } from '../cli/evaluate/report.ts';
import { evaluate } from '../cli/evaluate/run.ts';
import { loadConfig } from '../src/config.ts';
import type { QualityOptions } from './quality.ts';
import { fashionFolder } from './table-sets.ts';

const OUT = new URL('out/table', import.meta.url).pathname;
const METHODS = ['golden', 'encoder', 'encoderGolden', 'encoderHead', 'infoNce', 'served'];
const [SET, FIRST] = ['Fashion-MNIST', 'encoderGolden'];
/** From commit 674c2d4's own run, docs/results.md. */
const BEFORE = { set: SET, system: 'served by commit 674c2d4 (its own run)', seeds: 3, p1: 0.844, map: 0.575 };

type Options = Pick<QualityOptions, 'seeds' | 'minutes' | 'preset'>;
type Cells = Record<string, string | number>;

/**
 * The same question of a catalog of categories, one picture a product, by the command that users have: the network beside all that is
 * there without training (`served`), and the head. [] where Debian's dataset-fashion-mnist is not installed.
 */
export async function fashionRows({ seeds, minutes, preset }: Options): Promise<Cells[]> {
  const folder = await fashionFolder(OUT);
  if (!folder) return [];
  const isTrained = seeds > 0 && minutes > 0;
  const report = await evaluate({
    ...{ images: folder.images, labels: folder.labels, triplets: null, preset, steps: null, k: 30, seed: 1 },
    methods: isTrained ? METHODS : METHODS.slice(0, METHODS.indexOf(FIRST) + 1),
    ...{ seeds: Math.max(1, seeds), minutes: Math.max(1, minutes * seeds), command: 'npm run bench -- quality' },
    out: join(OUT, 'fashion-quality'),
    config: loadConfig({ ...process.env, SIMILI_DATA_DIR: join(OUT, 'data') }),
    signal: new AbortController().signal,
  });
  return [BEFORE, ...rowsOf(report)];
}

/** A row for every method: what it reaches, and what it has more than the first model, paired by query. */
export function rowsOf({ methods, comparisons }: Pick<Report, 'methods' | 'comparisons'>): Cells[] {
  const digits = (value: number | null): number => Number((value ?? Number.NaN).toFixed(3));
  const over = (name: string, metric: 'p1' | 'map'): Cells => {
    const found = comparisons.find((each) => each.a === name && each.b === FIRST && each.metric === metric);
    if (!found) return {};
    const { mean, low, high } = found.difference;
    return { [metric === 'p1' ? 'overFirstP1' : 'overFirstMap']: `${digits(mean)} [${digits(low)}, ${digits(high)}]` };
  };
  return methods.map(({ name, title, seeds, metrics: { p1, map } }) => ({
    ...{ set: SET, system: title, seeds, p1: digits(p1.mean), p1Low: digits(p1.low), p1High: digits(p1.high) },
    ...{ map: digits(map.mean), mapLow: digits(map.low), mapHigh: digits(map.high) },
    ...{ ...over(name, 'p1'), ...over(name, 'map') },
  }));
}
