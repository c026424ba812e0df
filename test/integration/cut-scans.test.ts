// @module-tag postgres
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { pictureSpace, type VersionSpace } from '../../src/ports/space.ts';
import { databaseByIndex } from '../support/by-index.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import type { FreshPostgres } from '../support/services.ts';

const PICTURES = pictureSpace(2);
const WORDS: VersionSpace = { ...PICTURES, name: 'words', weight: 0.5, encoder: 'words-1' };
const PRODUCTS = 600;
/** Three pass near the anchor, and many only where a scan that looks at so few products does not come. */
const LOOKED_AT = 100;
const NEAR = [10, 20, 30];
const FAR = 300;
const idOf = (i: number): string => `p${String(i).padStart(3, '0')}`;

let database: FreshPostgres;
let storage: Storage;

/** Products on a quarter of a circle, in both spaces. */
beforeAll(async () => {
  database = await databaseByIndex(`-c hnsw.max_scan_tuples=${LOOKED_AT}`);
  storage = await openPostgres(database.url);
  const repositories = makeRepositories(storage, 'default');
  const passes = (i: number) => i >= FAR || NEAR.includes(i);
  const products = Array.from({ length: PRODUCTS }, (_, i) => ({ id: idOf(i), tags: passes(i) ? ['wanted'] : [] }));
  await addProducts({ repositories }, products);
  const vectors = products.map(({ id }, i) => {
    const angle = ((i / PRODUCTS) * Math.PI) / 2;
    return { productId: id, contentHash: 'h', vector: unit([Math.cos(angle), Math.sin(angle)]) };
  });
  for (const space of [PICTURES, WORDS]) {
    await repositories.embeddings.createTable(1, space);
    await repositories.embeddings.upsert(1, vectors, space);
    await repositories.embeddings.createIndex(1, space);
  }
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});

const FILTER = { conditions: [{ column: 'tags', overlaps: ['wanted'] }] } as const;

test.each([
  ['one space', [PICTURES]],
  ['two spaces', [PICTURES, WORDS]],
] as const)(
  'a scan that Postgres ends before the page is full is not taken for all that there is: %s',
  async (_, spaces) => {
    const search = new SearchRepository(storage.ask, 'default', 3);
    const page = async (limit: number, behind: { productId: string; l2: number } | null = null) =>
      (await search.nearestOfEach({ number: 1, spaces }, ['p000'], FILTER, limit, behind))[0]!.neighbours;
    const first = await page(6);
    expect(first.map(({ productId }) => productId)).toEqual([...NEAR, FAR, FAR + 1, FAR + 2].map(idOf));
    const second = await page(3, first.at(-1)!);
    expect(second.map(({ productId }) => productId)).toEqual([FAR + 3, FAR + 4, FAR + 5].map(idOf));
  },
);
