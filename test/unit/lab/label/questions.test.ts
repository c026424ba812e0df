import { expect, test } from 'vitest';
import { drawQuestions, type LabelPicture } from '../../../../lab/label/questions.ts';

const pictures: LabelPicture[] = Array.from({ length: 40 }, (_, i) => ({
  path: `${i}.png`,
  identity: `thing${i >> 1}`,
  category: i < 36 ? `category${i % 2}` : `rare${i}`,
}));
const byPath = new Map(pictures.map((picture) => [picture.path, picture]));

test('the same seed asks the same, whatever the order of the pictures; another seed asks other things', () => {
  const questions = drawQuestions(pictures, 30, 1);
  expect(questions).toHaveLength(30);
  expect(drawQuestions([...pictures].reverse(), 30, 1)).toEqual(questions);
  expect(drawQuestions(pictures, 30, 2)).not.toEqual(questions);
  expect(drawQuestions(pictures, 10, 1)).toEqual(questions.slice(0, 10));
});

test('three different things, of the query’s category where it has enough, and no question twice', () => {
  const questions = drawQuestions(pictures, 200, 3);
  const keys = questions.map(({ query, a, b }) => [query, ...[a, b].sort()].join());
  expect(new Set(keys).size).toBe(questions.length);
  for (const { query, a, b } of questions) {
    const three = [query, a, b].map((path) => byPath.get(path)!);
    expect(new Set(three.map(({ identity }) => identity)).size).toBe(3);
    const [own, ...others] = three.map(({ category }) => category);
    if (own?.startsWith('category')) expect(others).toEqual([own, own]);
  }
});

test('gives what there is, and nothing where there are no three things', () => {
  const few = pictures.slice(0, 6);
  expect(drawQuestions(few, 1000, 1).length).toBeGreaterThan(0);
  expect(drawQuestions(pictures.slice(0, 4), 10, 1)).toEqual([]);
  expect(drawQuestions([], 10, 1)).toEqual([]);
});

test('a category of two hundred thousand pictures is asked about at once', { timeout: 10_000 }, () => {
  const many = Array.from({ length: 200_000 }, (_, i) => ({ path: `${i}.png`, identity: null, category: 'shoes' }));
  expect(drawQuestions(many, 3, 1)).toHaveLength(3);
});
