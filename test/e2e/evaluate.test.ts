import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onStderr } from '../../cli/progress.ts';
import type { Report } from '../../lab/evaluate/report.ts';
import { type EvaluateOptions, evaluate as runEvaluation } from '../../lab/evaluate/run.ts';
import { loadConfig } from '../../src/config.ts';
import { runSimili, spawnSimili } from '../support/simili-process.ts';
import { drawn, KINDS } from '../support/training-set.ts';

let dir: string;
const THINGS = 10;

/** Two pictures of each thing, as files: the second one is a little smaller. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-evaluate-'));
  await mkdir(join(dir, 'pictures'));
  const lines = ['path,identity,subgroup,category,split'];
  for (const kind of KINDS) {
    for (let i = 0; i < THINGS; i++) {
      const picture = sharp(drawn(kind, i), { raw: { width: 64, height: 64, channels: 3 } });
      const [first, second] = [`${kind}-${i}-a.png`, `${kind}-${i}-b.webp`];
      await picture
        .clone()
        .png()
        .toFile(join(dir, 'pictures', first));
      await picture
        .clone()
        .resize(56)
        .webp({ lossless: true })
        .toFile(join(dir, 'pictures', second));
      const split = i < 5 ? 'train' : i < 7 ? 'val' : 'test';
      for (const path of [first, second]) lines.push(`${path},${kind}${i},${kind}${i % 2},${kind},${split}`);
    }
  }
  await writeFile(join(dir, 'pictures', 'broken.png'), 'no picture');
  lines.push('broken.png,x,y,z,test', 'absent.png,x,y,z,test', `${KINDS[0]}-0-a.png,x,y,z,`);
  await writeFile(join(dir, 'labels.csv'), lines.join('\n'));
  const answered = [5, 6].map((i) => `tall-${i}-a.png,tall-${i}-b.webp,wide-${i}-a.png`);
  const asked = [7, 8, 9].map((i) => `tall-${i}-a.png,tall-${i}-b.webp,wide-${i}-a.png`);
  const lost = 'tall-8-a.png,tall-8-b.webp,wide-0-a.png';
  await writeFile(join(dir, 'triplets.csv'), ['query,positive,negative', ...answered, ...asked, lost].join('\n'));
});
afterAll(() => rm(dir, { recursive: true }));

const commandOf = (out: string, args: readonly string[]): string[] => [
  'evaluate',
  '--images',
  join(dir, 'pictures'),
  '--labels',
  join(dir, 'labels.csv'),
  '--out',
  join(dir, out),
  ...args,
];
const envOf = (encoder: string) => ({
  SIMILI_DATA_DIR: join(dir, 'data'),
  SIMILI_ENGINE: 'onnx',
  SIMILI_ENCODER: encoder,
});
/** Without the encoder, which would look at all pictures: the table of every method asks it. */
const evaluate = (out: string, ...args: string[]) => evaluateBy('none', out, ...args);
const evaluateBy = (encoder: string, out: string, ...args: string[]) => runSimili(commandOf(out, args), envOf(encoder));
const reportIn = async (out: string): Promise<Report> =>
  JSON.parse(await readFile(join(dir, out, 'report.json'), 'utf8')) as Report;

test('every method of the table is fitted, asked and reported', {
  tags: ['long-tests'],
  timeout: 900_000,
}, async () => {
  const { code, output } = await evaluateBy('efficientnet-lite0', 'all', '--steps', '4', '--k', '5');
  expect(code, output).toBe(0);
  const report = await reportIn('all');
  expect(report.failures).toEqual([]);
  expect(report.data).toMatchObject({
    pictures: 60,
    identities: 30,
    subgroups: 6,
    categories: 3,
    split: { train: 30, val: 12, test: 18 },
    queries: 18,
    gallery: 18,
    tripletsBy: 'labels',
    answer: 'identity',
    k: 5,
  });
  const method = (name: string) => report.methods.find((own) => own.name === name)!;
  expect(report.methods.map(({ name }) => name)).toEqual([
    ...['random', 'pixels', 'wavelet', 'colour', 'sift', 'fisher', 'hog', 'texton', 'l1HashKpca', 'oasis', 'golden'],
    ...['encoder', 'encoderGolden', 'encoderHead'],
    ...['convNet', 'singleScale', 'deepRanking', 'deepRankingUniform', 'infoNce'],
    ...['singleScaleOasis', 'singleScaleVisual', 'served'],
  ]);
  // Things differ by colour and kinds by form: all that sees one of them must beat chance by far, in mAP or in nDCG.
  const chance = method('random').metrics;
  for (const { name, metrics } of report.methods) {
    const sees = metrics.map.mean > chance.map.high || metrics.ndcgAtK.mean > chance.ndcgAtK.high;
    expect(sees, name).toBe(name !== 'random');
    for (const { mean, low, high } of Object.values(metrics)) expect(low <= mean && mean <= high, name).toBe(true);
  }
  expect(method('golden')).toMatchObject({ kind: 'feature', seeds: 1 });
  expect(method('served')).toMatchObject({ kind: 'learned', seeds: 1 });
  expect(method('served').slices.map(({ slice }) => slice)).toEqual(expect.arrayContaining(['head', ...KINDS]));
  // Six heads, softmax, single-scale, multi-scale, uniform and the network's recipe: none was trained twice.
  expect(report.trainings.map(({ steps }) => steps)).toEqual([24, 4, 3, 3, 3, 4]); // deepRanking: a fifth is pretraining
  expect(report.problems.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
    expect.stringMatching(/^62: Cannot decode broken.png: it is not a picture/),
    `63: there is no file absent.png in ${join(dir, 'pictures')}`,
    '64: wide-0-a.png was on line 2 before',
  ]);
  expect(report.claims.map(({ says }) => says)).toContain('Ranking beats softmax');
  for (const { curve, steps, keptStep, recipe } of report.trainings) {
    expect(curve.map(({ step }) => step)).toEqual(curve.map(({ step }) => step).toSorted((a, b) => a - b));
    expect(curve.at(-1)?.step).toBe(steps);
    if (recipe !== 'head') expect(keptStep).toBe(steps); // too few to overfit
  }

  const html = await readFile(join(dir, 'all', 'report.html'), 'utf8');
  expect(html).toContain('Served vector');
  expect(html).toContain('data:image/webp;base64,');
  expect(html).not.toMatch(/(src|href)="(?!data:)/); // one file
  const text = await readFile(join(dir, 'all', 'report.md'), 'utf8');
  expect(output).toContain('| Golden features |');
  expect(text).toContain('line 63: there is no file absent.png');
});

test('people’s answers are measured with where their pictures are held out, and learned from where they are not', async () => {
  const { code, output } = await evaluate(
    ...['people', '--methods', 'pixels,golden,singleScale', '--triplets', join(dir, 'triplets.csv')],
    ...['--seeds', '2', '--steps', '2'],
  );
  expect(code, output).toBe(0);
  const report = await reportIn('people');
  expect(report.methods.map(({ name }) => name)).toEqual(['pixels', 'golden', 'singleScale']);
  expect(report.methods.map(({ seeds }) => seeds)).toEqual([1, 1, 2]);
  expect(report.methods.map(({ metrics }) => metrics.map.sd === null)).toEqual([true, true, false]);
  expect(report.data).toMatchObject({ triplets: 3, tripletsBy: 'people' });
  expect(report.methods[1]?.metrics.similarityPrecision.mean).toBe(1);
  // On the terminal and in the table: there are two files that have lines.
  expect(output.split('labels.csv, line 62: Cannot decode broken.png')).toHaveLength(3);
  const mixed = 'triplets.csv, line 1: 1 triplets have pictures that teach beside pictures that are held out';
  expect(output.split(mixed)).toHaveLength(3);
});

test('where nothing can be held out the command says why and fails', async () => {
  const nothing = join(dir, 'nothing.csv');
  await writeFile(nothing, 'path,identity\nabsent.png,x\n');
  const tooFew = await evaluate('none', '--labels', nothing);
  expect(tooFew.code).toBe(1);
  expect(tooFew.output).toContain('line 2: there is no file absent.png');
  expect(tooFew.output).toContain('0 readable pictures are held out');
});

test('where labels tell no pictures apart the command says so before it trains anything', async () => {
  const lines = (await readFile(join(dir, 'labels.csv'), 'utf8')).split('\n').slice(1, 61);
  const paths = join(dir, 'paths.csv');
  await writeFile(paths, ['path', ...lines.map((line) => line.split(',')[0])].join('\n'));
  const { code, output } = await evaluate('nothing', '--labels', paths, '--methods', 'random', '--steps', '2');
  expect(code, output).toBe(1);
  expect(output).toContain('nothing can be asked');
});

test('a report of which every method failed has no word of what they selected', async () => {
  const { code, output } = await evaluate('failed', '--methods', 'encoder');
  expect(code, output).toBe(0);
  expect(output).toContain('## Not measured');
  expect(output).not.toMatch(/Infinity|NaN/);
});

test('what is stopped by Ctrl-C says so, and no more', async () => {
  const child = spawnSimili(
    commandOf('stopped', ['--methods', 'random,deepRanking', '--steps', '1000000']),
    envOf('none'),
  );
  let stderr = '';
  child.stderr!.on('data', (text) => {
    if (!stderr.includes('was on line') && `${stderr}${text}`.includes('was on line')) child.kill('SIGINT'); // all is read
    stderr += text;
  });
  const [code] = await once(child, 'close');
  expect(code, stderr).toBe(130);
  expect(stderr).toMatch(/\nStopped\n$/);
  expect(stderr).not.toMatch(/Error|\n {4}at /);
});

test.each<[string, Partial<EvaluateOptions>, string]>([
  ['a method', { methods: ['hog', 'magic'] }, 'there is no method magic: choose from random, pixels'],
  ['a preset', { preset: 'huge' }, 'preset is huge: choose one of'],
  ['a number of seeds', { seeds: Number.NaN }, 'seeds is a number from 1 to 100'],
  ['a number of minutes', { minutes: 0 }, 'budget is a number of minutes above 0'],
  ['a number of steps', { steps: Number.NaN }, 'steps is a whole number above 0'],
  ['a K', { k: 0.5 }, 'k is a whole number above 0'],
  ['a seed', { seed: Number.NaN }, 'seed is a whole number'],
  ['a file of labels', { labels: '/nowhere/labels.csv' }, 'there is no such file'],
  ['a folder', { images: '/nowhere/pictures' }, 'it is no folder'],
])('%s that cannot be is refused by name', async (_what, wrong, says) => {
  const options = {
    images: join(dir, 'pictures'),
    labels: join(dir, 'labels.csv'),
    triplets: null,
    methods: ['hog'],
    preset: 'tiny',
    seeds: 1,
    minutes: 1,
    steps: 1,
    k: 5,
    seed: 1,
    out: join(dir, 'none'),
    command: 'none',
    config: loadConfig({ SIMILI_ENCODER: 'none' }),
    signal: new AbortController().signal,
    ...onStderr,
  };
  await expect(runEvaluation({ ...options, ...wrong })).rejects.toThrow(says);
});
