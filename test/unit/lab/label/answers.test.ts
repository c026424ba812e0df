import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyOf, openAnswers } from '../../../../lab/label/answers.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-label-'));
});
afterEach(() => rm(dir, { recursive: true }));

const question = (i: number) => ({ query: `q${i}.png`, a: `a, ${i}.png`, b: `b"${i}".png` });
const open = (rater: string) => openAnswers(join(dir, 'answers.csv'), join(dir, 'triplets.csv'), rater);
const triplets = () => readFile(join(dir, 'triplets.csv'), 'utf8');

test('answers are kept with their rater, found again, and become triplets with names that hold anything', async () => {
  const anna = await open('Anna');
  await anna.add(question(1), 'a');
  await anna.add(question(2), 'b');
  await anna.add(question(3), 'both');
  await anna.add(question(4), 'neither');
  expect(await triplets()).toBe(
    'query,positive,negative\nq1.png,"a, 1.png","b""1"".png"\nq2.png,"b""2"".png","a, 2.png"\n',
  );
  const again = await open('Anna');
  expect(again.mine()).toEqual(anna.mine());
  expect(again.mine().get(keyOf(question(3)))).toBe('both');
  expect((await open('Ben')).mine().size).toBe(0);
});

test('only what all agree on who answered is a triplet', async () => {
  const [anna, ben] = [await open('Anna'), await open('Ben')];
  await anna.add(question(1), 'a');
  await anna.add(question(2), 'a');
  await anna.add(question(3), 'a');
  const second = await open('Ben');
  await second.add(question(1), 'a');
  await second.add(question(2), 'b');
  await second.add(question(3), 'both');
  expect(second.triplets().map(({ query }) => query)).toEqual(['q1.png']);
  expect(second.agreement()).toMatchObject({ questions: 3, observed: 1 / 3 });
  expect(ben.agreement()).toBeNull(); // opened before, and not answered since
});

test('raters who answer at the same time, each in a process of their own, make one file of triplets', async () => {
  const [anna, ben] = [await open('Anna'), await open('Ben')];
  await anna.add(question(1), 'a');
  await anna.add(question(2), 'a');
  await ben.add(question(1), 'b');
  expect(await triplets()).toBe('query,positive,negative\nq2.png,"a, 2.png","b""2"".png"\n');
  expect(ben.agreement()).toMatchObject({ questions: 1, observed: 0 });
  await anna.settle();
  expect(anna.agreement()).toEqual(ben.agreement());
  expect(await ben.undo()).toEqual(question(1));
  expect(ben.mine().size).toBe(0);
  expect(anna.mine().size).toBe(2);
});

test('a question that another seed asks the other way round is the same one', async () => {
  const [anna, ben] = [await open('Anna'), await open('Ben')];
  const { query, a, b } = question(1);
  const round = { query, a: b, b: a };
  await anna.add(question(1), 'a');
  expect(anna.mine().has(keyOf(round))).toBe(true);
  await ben.add(round, 'b');
  expect(ben.agreement()).toMatchObject({ questions: 1, observed: 1 });
  const one = 'query,positive,negative\nq1.png,"a, 1.png","b""1"".png"\n';
  expect(await triplets()).toBe(one);
  await ben.add(round, 'a');
  expect(await triplets()).toBe('query,positive,negative\n');
});

test('answers of two tabs at once are all kept', async () => {
  const anna = await open('Anna');
  await Promise.all([1, 2, 3, 4].map((i) => anna.add(question(i), 'a')));
  expect(anna.mine().size).toBe(4);
  expect((await triplets()).trim().split('\n')).toHaveLength(1 + 4);
});

test('an answer is taken back by another line, and may be given anew', async () => {
  const anna = await open('Anna');
  expect(await anna.undo()).toBeNull();
  await anna.add(question(1), 'a');
  await anna.add(question(2), 'a');
  expect(await anna.undo()).toEqual(question(2));
  await anna.add(question(2), 'b');
  const lines = (await readFile(join(dir, 'answers.csv'), 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(1 + 4);
  expect([...(await open('Anna')).mine().values()]).toEqual(['a', 'b']);
});

test('a line that a power cut has cut off costs itself and no other', async () => {
  const anna = await open('Anna');
  await anna.add(question(1), 'a');
  await appendFile(join(dir, 'answers.csv'), 'q2.png,x,y');
  const again = await open('Anna');
  await again.add(question(3), 'b');
  expect([...(await open('Anna')).mine().values()]).toEqual(['a', 'b']);
});

test('a file that is no table of answers is refused, not overwritten', async () => {
  await writeFile(join(dir, 'answers.csv'), 'something,else\n1,2\n');
  await expect(open('Anna')).rejects.toMatchObject({ code: 'IMPORT_UNREADABLE' });
  expect(await readFile(join(dir, 'answers.csv'), 'utf8')).toBe('something,else\n1,2\n');
});
