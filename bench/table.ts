import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toMarkdown } from '../cli/evaluate/markdown.ts';
import { evaluate } from '../cli/evaluate/run.ts';
import { loadConfig } from '../src/config.ts';
import { emojiFolder, fashionFolder, type LabelledFolder } from './table-sets.ts';

/**
 * npm run bench:table: the paper's whole table on the development sets, with the very command that users have, into
 * docs/results.md. Everything is made in bench/out/table.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    // Of the trainings; hand-made features take some minutes besides.
    minutes: { type: 'string', default: '28' },
    'fashion-minutes': { type: 'string', default: '12' },
  },
});

const OUT = new URL('out/table', import.meta.url).pathname;
const RESULTS = new URL('../docs/results.md', import.meta.url);
const [BEGIN, END] = ['<!-- results -->', '<!-- end of results -->'];

const config = loadConfig({ ...process.env, SIMILI_DATA_DIR: join(OUT, 'data') });
const never = new AbortController().signal;

async function sectionOf(folder: LabelledFolder, minutes: number, methods: readonly string[]): Promise<string> {
  const out = join(OUT, folder.name.toLowerCase());
  const report = await evaluate({
    ...{ images: folder.images, labels: folder.labels, triplets: null, methods, preset: 'tiny' },
    ...{ seeds: Number(values.seeds), minutes, steps: null, k: 30, seed: 1, out, config, signal: never },
    command: `npm run bench:table -- --seeds ${values.seeds} --minutes ${values.minutes} --fashion-minutes ${values['fashion-minutes']}`,
  });
  const text = toMarkdown(report)
    .replace('# Evaluation', `## ${folder.name}\n\n${folder.about}.`)
    .replaceAll('\n## What', '\n### What')
    .replaceAll('\n## Share', '\n### Share')
    .replaceAll('\n## Not', '\n### Not');
  return text.replaceAll('\n## Lines', '\n### Lines');
}

const everything = [
  'random',
  'pixels',
  'wavelet',
  'colour',
  'sift',
  'fisher',
  'hog',
  'texton',
  'l1HashKpca',
  'oasis',
  'golden',
  'convNet',
  'singleScale',
  'deepRanking',
  'deepRankingUniform',
  'infoNce',
  'singleScaleOasis',
  'singleScaleVisual',
  'served',
];
const sections = [await sectionOf(await emojiFolder(OUT), Number(values.minutes), [...everything, 'sweep'])];
const fashion = await fashionFolder(OUT);
if (fashion) sections.push(await sectionOf(fashion, Number(values['fashion-minutes']), everything));
else process.stderr.write('Fashion-MNIST is left out: install Debian’s dataset-fashion-mnist\n');

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const text = await readFile(RESULTS, 'utf8');
const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
if (before < 0 || after < 0) throw new Error(`docs/results.md has no place for results: ${BEGIN} … ${END}`);
await writeFile(
  RESULTS,
  `${text.slice(0, before)}${BEGIN}\n\nCommit ${commit}.\n\n${sections.join('\n\n')}\n\n${text.slice(after)}`,
);
