// @module-tag postgres
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { databaseByIndex } from '../support/by-index.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import type { FreshPostgres } from '../support/services.ts';

const SPACE = pictureSpace(2);
const VERSION = { number: 1, spaces: [SPACE] };
const PRODUCTS = 400;
/** The scan's first round: the fewest candidates. */
const ROUND = 100;
const idOf = (i: number): string => `p${String(i).padStart(3, '0')}`;
const ids = Array.from({ length: PRODUCTS }, (_, i) => idOf(i));

let database: FreshPostgres;
let storage: Storage;
let asked: string[] = [];
let search: SearchRepository;

/** Products on a quarter of a circle. The nearer half are variants of two products. */
beforeAll(async () => {
  database = await databaseByIndex();
  storage = await openPostgres(database.url);
  const repositories = makeRepositories(storage, 'default');
  const groupOf = (i: number) => (i > 0 && i <= 2 * ROUND ? `group-${i % 2}` : null);
  await addProducts(
    { repositories },
    ids.map((id, i) => ({ id, groupId: groupOf(i), categories: [i % 2 ? 'odd' : 'even'] })),
  );
  await repositories.embeddings.createTable(VERSION.number, SPACE);
  const vectors = ids.map((productId, i) => {
    const angle = ((i / PRODUCTS) * Math.PI) / 2;
    return { productId, contentHash: 'h', vector: unit([Math.cos(angle), Math.sin(angle)]) };
  });
  await repositories.embeddings.upsert(VERSION.number, vectors, SPACE);
  await repositories.embeddings.createIndex(VERSION.number, SPACE);
  const ask: Ask = (statement, values) => {
    const order = values?.find((value) => value === 'off' || value === 'strict_order');
    if (order) asked.push(String(order));
    return storage.ask(statement, values);
  };
  search = new SearchRepository(ask, 'default', 3);
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});

async function page(anchor = 'p000', filter = {}, limit = 6): Promise<string[]> {
  asked = [];
  const [found] = await search.nearestOfEach(VERSION, [anchor], filter, limit);
  return found!.neighbours.map(({ productId }) => productId);
}

test('a page whose nearest are variants of two products is full: where one round of the scan leaves it short, the scan goes on', async () => {
  const expected = ['p001', 'p002', 'p201', 'p202', 'p203', 'p204'];
  expect(await page()).toEqual(expected);
  expect(asked).toEqual(['off', 'strict_order']);
  expect(await page()).toEqual(expected);
  expect(asked).toEqual(['strict_order']);
});

test('a page that one round fills takes one', async () => {
  expect(await page('p399', { excludeIds: ['p397'] }, 3)).toEqual(['p398', 'p396', 'p395']);
  const filter = { categories: ['odd', 'even'] };
  expect(await page('p399', filter, 3)).toEqual(['p398', 'p397', 'p396']);
  expect(asked.at(-1)).toBe('off');
});
