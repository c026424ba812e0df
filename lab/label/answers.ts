import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { type Agreement, agreementOf } from '@simili/learning/metrics/agreement';
import { readTable } from 'simili/internal/catalog/import/table';
import type { Question } from './questions.ts';

/** The paper's four: A closer, B closer, both similar, neither similar. */
export const answers = ['a', 'b', 'both', 'neither'] as const;
export type Answer = (typeof answers)[number];
export const isAnswer = (value: unknown): value is Answer => (answers as readonly unknown[]).includes(value);

/** Answers of everybody so far, in a file that only grows. Raters may answer at the same time, each in a process of their own. */
export type AnswerBook = {
  /** Answers of this rater, by question. */
  mine(): ReadonlyMap<string, Answer>;
  /** On disk when it resolves. */
  add(question: Question, answer: Answer): Promise<void>;
  /** Takes the rater's last answer back. @returns its question; null where there is none. */
  undo(): Promise<Question | null>;
  /** Makes the triplets once more, of what everybody has answered by now; so does every answer. */
  settle(): Promise<void>;
  agreement(): Agreement | null;
  /** Triplets on which all who answered agree; "both" and "neither" give none. */
  triplets(): readonly { query: string; positive: string; negative: string }[];
};

const COLUMNS = ['query', 'a', 'b', 'answer', 'rater', 'at'] as const;
const UNDO = 'undo';

/** Key of a question; with `a` and `b` the other way round, as another seed may draw it, it is the same question. */
export const keyOf = ({ query, a, b }: Question): string => [query, ...[a, b].sort()].join('\n');

type Given = { question: Question; answer: Answer };

const FLIPPED: Readonly<Record<Answer, Answer>> = { a: 'b', b: 'a', both: 'both', neither: 'neither' };
/** The same answer with `a` and `b` in one order. */
const inOrder = ({ question: { query, a, b }, answer }: Given): Given =>
  a < b ? { question: { query, a, b }, answer } : { question: { query, a: b, b: a }, answer: FLIPPED[answer] };

/**
 * @param answersPath made when missing; may hold other raters' answers, and get more of them
 * @param tripletsPath rewritten after every answer, what `simili evaluate --triplets` reads
 * @throws SimiliError IMPORT_UNREADABLE when there is a file that is no such table; the file system's error when it
 * cannot be written
 */
export async function openAnswers(answersPath: string, tripletsPath: string, rater: string): Promise<AnswerBook> {
  let byRater = await readAnswers(answersPath);
  const own = (): readonly Given[] => byRater.get(rater) ?? [];
  const append = async (question: Question, answer: Answer | typeof UNDO): Promise<void> => {
    const { query, a, b } = question;
    await appendDurably(answersPath, toLine([query, a, b, answer, rater, new Date().toISOString()]));
  };
  const triplets = (): ReturnType<AnswerBook['triplets']> => unanimous([...byRater.values()]);
  const save = async (): Promise<void> => {
    byRater = await readAnswers(answersPath); // other raters answer meanwhile, in processes of their own
    const lines = triplets().map(({ query, positive, negative }) => toLine([query, positive, negative]));
    await writeWhole(tripletsPath, toLine(['query', 'positive', 'negative']) + lines.join(''));
  };
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = before.then(work);
    before = done.catch(() => {});
    return done;
  };
  await save(); // whoever cannot write learns it before the first answer
  return {
    mine: () => latest(own()),
    add: (question, answer) =>
      inTurn(async () => {
        await append(question, answer);
        await save();
      }),
    undo: () =>
      inTurn(async () => {
        const last = own().at(-1);
        if (!last) return null;
        await append(last.question, UNDO);
        await save();
        return last.question;
      }),
    settle: () => inTurn(save),
    agreement: () => agreementOf([...byRater.values()].map(latest)),
    triplets,
  };
}

/** The last answer to a question counts. */
const latest = (given: readonly Given[]): Map<string, Answer> =>
  new Map(given.map(({ question, answer }) => [keyOf(question), answer]));

function unanimous(raters: readonly (readonly Given[])[]) {
  const questions = new Map(raters.flat().map(({ question }) => [keyOf(question), question]));
  const ratings = raters.map(latest);
  return [...questions].flatMap(([key, { query, a, b }]) => {
    const said = new Set(ratings.flatMap((own) => own.get(key) ?? []));
    const [answer, ...others] = said;
    if (others.length > 0 || (answer !== 'a' && answer !== 'b')) return [];
    return [answer === 'a' ? { query, positive: a, negative: b } : { query, positive: b, negative: a }];
  });
}

async function readAnswers(path: string): Promise<Map<string, Given[]>> {
  const byRater = new Map<string, Given[]>();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text === '') {
    await appendDurably(path, toLine(COLUMNS));
    return byRater;
  }
  const isRow = ({ answer = '' }: Record<string, string>): boolean => answer === UNDO || isAnswer(answer);
  for await (const entry of readTable(path, { needed: [...COLUMNS], known: [...COLUMNS], isRow })) {
    if (!('cells' in entry)) continue; // a line that a power cut has cut off
    const { query = '', a = '', b = '', answer = '', rater = '' } = entry.cells;
    const given = byRater.get(rater) ?? [];
    byRater.set(rater, given);
    if (answer === UNDO) given.pop();
    else if (isAnswer(answer)) given.push(inOrder({ question: { query, a, b }, answer }));
  }
  return byRater;
}

/** Acknowledged means on disk. A line that was cut off before is ended first, so that it costs only itself. */
async function appendDurably(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    await file.write(size > 0 && last.toString() !== '\n' ? `\n${line}` : line);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  await writeFile(partial, text);
  await rename(partial, path);
}

const toLine = (cells: readonly string[]): string => `${cells.map(quoted).join(',')}\n`;
const quoted = (cell: string): string => (/[",\n\r;\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
