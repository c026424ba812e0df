import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { type Chart, drawCharts, type Line } from '../../lab/evaluate/line-chart.ts';
import { writeResults } from '../write-results.ts';
import type { Compared } from './compare.ts';
import { markdown } from './rows.ts';

const DOCS = new URL('../../docs/', import.meta.url);
const CURVES = 'images/learning-curves.svg';
const COLOURS = ['#0969da', '#bc4c00'];

/** Puts the tables and the curves into docs/. */
export async function writeDocs(all: readonly Compared[], command: string): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const facts = `${date}, ${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version},\n\`${command}\``;
  const tables = all.map(({ name, rows }) => `### ${name}\n\n${markdown(rows)}`);
  await writeResults(new URL('quality.md', DOCS), [facts, ...tables].join('\n\n'));
  if (all.some(({ courses }) => courses.network.losses.length > 0))
    await writeFile(new URL(CURVES, DOCS), drawCharts(chartsOf(all)));
}

function chartsOf(all: readonly Compared[]): Chart[] {
  const lines = (of: (compared: Compared) => readonly Line['points'][]): Line[] =>
    all.flatMap((compared, i) =>
      of(compared).map((points) => ({ label: compared.name, colour: COLOURS[i % COLOURS.length]!, points })),
    );
  return [
    { title: 'Loss of the network', lines: lines(({ courses }) => courses.network.losses) },
    { title: 'Validation mAP of the network alone', lines: lines(({ courses }) => [courses.network.maps]) },
    {
      title: 'Loss of the head, its trainings one after the other',
      lines: lines(({ courses }) => courses.head.losses),
    },
  ]
    .filter((chart) => chart.lines.length > 0)
    .map((chart) => ({ ...chart, x: 'steps', y: '' }));
}
