import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { decodeRows } from '@simili/lab/evaluate/decode';
import { checkFolder, readLabels } from '@simili/lab/evaluate/read-labels';
import { type AnswerBook, openAnswers } from '@simili/lab/label/answers';
import { drawQuestions, type LabelPicture } from '@simili/lab/label/questions';
import { startLabelServer } from '@simili/lab/label/server';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { defineCommand } from 'citty';
import { readCatalog } from '../../src/catalog/import/index.ts';
import { loadConfig } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { tellProblems } from '../tell-problems.ts';
import { untilStopped } from '../until-stopped.ts';

type Found = LabelPicture & { file: string; line: number; split: string | null };

export const label = defineCommand({
  args: {
    images: { type: 'string', description: 'Folder of the pictures', required: true },
    labels: { type: 'string', description: 'CSV as for simili evaluate: questions then stay within a category' },
    out: { type: 'string', description: 'triplets.csv; answers.csv is kept beside it', required: true },
    rater: { type: 'string', description: 'Who answers', required: true },
    count: { type: 'string', description: 'Questions', default: '200' },
    seed: { type: 'string', description: 'Raters with the same seed get the same questions', default: '1' },
    host: { type: 'string', description: 'Address to bind', default: '127.0.0.1' },
    port: { type: 'string', description: 'Port to bind; 0: any free one', default: '0' },
  },
  async run({ args }) {
    const refuse = (why: string) => new SimiliError('CONFIGURATION_INVALID', { why });
    const { rater } = args;
    if (!/^[^,"\n\r]{1,80}$/.test(rater)) throw refuse('a rater has a name without commas, quotes and line breaks');
    const [count, seed, port] = [Number(args.count), Number(args.seed), Number(args.port)];
    if (!(Number.isInteger(count) && count >= 1)) throw refuse('count is a whole number above 0');
    if (!Number.isInteger(seed)) throw refuse('seed is a whole number');
    const pictures = await readablePictures(
      await picturesOf(args.images, args.labels ?? null),
      args.labels ?? args.images,
    );
    const questions = drawQuestions(pictures, count, seed);
    if (questions.length === 0) throw refuse(`${args.images} has no three pictures of different things to ask about`);
    const out = resolve(args.out);
    const answers = await openBook(out, rater);
    const files = new Map(pictures.map(({ path, file }) => [path, file]));
    const server = await startLabelServer({
      questions,
      answers,
      rater,
      port,
      host: args.host,
      fileOf: (path) => files.get(path)!,
    });
    process.stdout.write(`${questions.length} questions for ${rater}; Ctrl-C when done. Open\n  ${server.url}\n`);
    await untilStopped(async () => {
      await server.close();
      await answers.settle();
    });
    const agreement = answers.agreement();
    process.stdout.write(`${answers.triplets().length} triplets in ${out}\n`);
    if (agreement) {
      const percent = Math.round(100 * agreement.observed);
      process.stdout.write(
        `${agreement.questions} questions answered by several: ${percent} % agree, alpha ${agreement.alpha.toFixed(2)}\n`,
      );
    }
  },
});

/** A question about a picture that nobody can see would be answered all the same. */
async function readablePictures(found: readonly Found[], mentionedIn: string): Promise<Found[]> {
  const { rows, problems } = await decodeRows(found, { config: loadConfig(), sides: [PICTURE_SIZE], mentionedIn });
  for (const { reason } of problems) process.stderr.write(`  left out: ${reason}\n`);
  return rows;
}

/** @throws SimiliError CONFIGURATION_INVALID where nothing can be written. */
async function openBook(out: string, rater: string): Promise<AnswerBook> {
  try {
    await mkdir(dirname(out), { recursive: true });
    return await openAnswers(join(dirname(out), 'answers.csv'), out, rater);
  } catch (error) {
    if (error instanceof SimiliError) throw error;
    const why = `${out} cannot be written: ${error instanceof Error ? error.message : error}`;
    throw new SimiliError('CONFIGURATION_INVALID', { why });
  }
}

/** Held-out pictures where the labels name splits, since answers are for measuring; else all there are. */
async function picturesOf(images: string, labels: string | null): Promise<Found[]> {
  await checkFolder(images);
  if (labels === null) return inFolder(images);
  const { rows, problems } = await readLabels(images, labels);
  tellProblems(problems);
  const held = rows.filter(({ split }) => split === 'test');
  return held.length > 0 ? held : rows;
}

/** As a catalog folder is read: folders are categories. */
async function inFolder(images: string): Promise<Found[]> {
  const found: Found[] = [];
  const root = await realpath(images);
  for await (const entry of readCatalog(images)) {
    if (!('row' in entry)) continue;
    for (const file of entry.row.images) {
      const path = resolve(file).slice(root.length + 1);
      const category = entry.row.categories?.at(-1) ?? null;
      found.push({ path, file, line: found.length + 1, identity: entry.row.id, category, split: null });
    }
  }
  return found;
}
