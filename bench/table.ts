import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { onStderr } from '../cli/progress.ts';
import { toMarkdown } from '../lab/evaluate/markdown.ts';
import { evaluate } from '../lab/evaluate/run.ts';
import { methodNames } from '../lab/methods/index.ts';
import { loadConfig } from '../src/config.ts';
import { emojiFolder, fashionFolder, type LabelledFolder } from './table-sets.ts';
import { writeResults } from './write-results.ts';

/**
 * npm run bench:table: the paper's whole table on the development sets, with the very command that users have, into
 * docs/results.md. Everything is made in bench/out/table.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    // Of the trainings; starting them and hand-made features take some 20 minutes besides.
    minutes: { type: 'string', default: '26' },
    'fashion-minutes': { type: 'string', default: '10' }, // 0: without it
  },
});

const OUT = new URL('out/table', import.meta.url).pathname;
const RESULTS = new URL('../docs/results.md', import.meta.url);

const config = loadConfig({ ...process.env, SIMILI_DATA_DIR: join(OUT, 'data') });
const never = new AbortController().signal;

async function sectionOf(folder: LabelledFolder, minutes: number, methods: readonly string[]): Promise<string> {
  const out = join(OUT, folder.name.toLowerCase());
  const report = await evaluate({
    images: folder.images,
    labels: folder.labels,
    triplets: null,
    methods,
    preset: 'tiny',
    seeds: Number(values.seeds),
    minutes,
    steps: null,
    k: 30,
    seed: 1,
    out,
    config,
    signal: never,
    ...onStderr,
    command: `npm run bench:table -- --seeds ${values.seeds} --minutes ${values.minutes} --fashion-minutes ${values['fashion-minutes']}`,
  });
  const lower = toMarkdown(report).replace(/^#/gm, '##'); // a section of a document
  return lower.replace('## Evaluation', `## ${folder.name}\n\n${folder.about}.`);
}

const sections = [await sectionOf(await emojiFolder(OUT), Number(values.minutes), methodNames)];
const fashionMinutes = Number(values['fashion-minutes']);
const fashion = fashionMinutes > 0 ? await fashionFolder(OUT) : null;
if (fashion) sections.push(await sectionOf(fashion, fashionMinutes, []));
else process.stderr.write('Fashion-MNIST is left out: it takes --fashion-minutes and Debian’s dataset-fashion-mnist\n');

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
await writeResults(RESULTS, [`Commit ${commit}.`, ...sections].join('\n\n'));
