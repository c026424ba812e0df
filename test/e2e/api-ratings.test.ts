import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { importRatings } from '../../cli/import-ratings.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { addProducts } from '../support/fixtures.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c', 'shoes/red', 'shoes/blue.2'].map((id) => ({ id })),
  );
});
beforeEach(async () => {
  await api.database.storage.prisma.rating.deleteMany();
});
afterAll(() => api[Symbol.asyncDispose]());

const SUBMIT = `mutation ($ratings: [RatingInput!]!) { submitRatings(input: { ratings: $ratings }) {
  accepted duplicates rejected userErrors { __typename code field message } } }`;
const rating = (anchorId: string, positiveId: string, negativeId: string) => ({ anchorId, positiveId, negativeId });
const submit = async (...ratings: object[]) => (await api.admin(SUBMIT, { ratings })).data.submitRatings;
const stored = () => api.database.repositories.ratings.upTo(new Date(Date.now() + 1000));

test('ratings are stored once, and a later answer replaces an earlier one', async () => {
  const done = { rejected: 0, userErrors: [] };
  expect(await submit(rating('a', 'b', 'c'), rating('b', 'a', 'c'))).toEqual({ accepted: 2, duplicates: 0, ...done });
  expect(await submit(rating('a', 'b', 'c'))).toEqual({ accepted: 0, duplicates: 1, ...done });
  expect(await submit(rating('a', 'b', 'c'), rating('a', 'c', 'b'))).toEqual({ accepted: 1, duplicates: 1, ...done });
  expect(await stored()).toEqual([rating('a', 'c', 'b'), rating('b', 'a', 'c')]);
});

test('a bad rating is named by its path, and the others are stored', async () => {
  const { accepted, rejected, userErrors } = await submit(
    ...[rating('a', 'b', 'c'), rating('a', 'nobody', 'c'), rating('a', 'b', 'a'), rating('a', 'b', 'x\0')],
  );
  expect({ accepted, rejected }).toEqual({ accepted: 1, rejected: 3 });
  expect(userErrors).toMatchObject([
    { __typename: 'NotFoundError', code: 'NOT_FOUND', field: ['ratings', '1', 'positiveId'] },
    { __typename: 'InvalidInputError', code: 'INVALID_ARGUMENT', field: ['ratings', '2'] },
    { __typename: 'InvalidInputError', code: 'INVALID_ARGUMENT', field: ['ratings', '3', 'negativeId'] },
  ]);
  expect(await stored()).toEqual([rating('a', 'b', 'c')]);
});

test.each([0, 501])('%i ratings in one call are refused as a whole', async (count) => {
  const answer = await submit(...Array.from({ length: count }, () => rating('a', 'b', 'c')));
  expect(answer).toMatchObject({ accepted: 0, rejected: count, userErrors: [{ code: 'INVALID_ARGUMENT' }] });
  expect(await stored()).toEqual([]);
});

test('triplets.csv names products by id or by the path of a picture, and says what is wrong by line', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'simili-ratings-')), 'triplets.csv');
  const lines = ['query,positive,negative', 'a,b,c', 'shoes/red.jpg,shoes/blue.2,a', 'a,gone.png,c', 'a,a,c', 'a,b'];
  await writeFile(file, `${lines.join('\n')}\n`);
  const report = await importRatings(api.database.repositories, file);
  expect(report).toMatchObject({ accepted: 2, duplicates: 0 });
  expect(report.problems.map(({ line }) => line).sort()).toEqual([4, 5, 6]);
  expect(await stored()).toEqual([rating('a', 'b', 'c'), rating('shoes/red', 'shoes/blue.2', 'a')]);
  expect(await importRatings(api.database.repositories, file)).toMatchObject({ accepted: 0, duplicates: 2 });
});
