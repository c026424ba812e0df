// @module-tag postgres
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { databaseByIndex } from '../support/by-index.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession } from '../support/other-session.ts';
import type { FreshPostgres } from '../support/services.ts';

const PICTURES = pictureSpace(2);
const WORDS = { ...PICTURES, name: 'words' };
const ONE = { number: 1, spaces: [PICTURES] };
const TWO = {
  number: 2,
  spaces: [
    { ...PICTURES, weight: 1 },
    { ...WORDS, weight: 1 },
  ],
};
const KNOWN = 400;
const LOST = 30;
const known = Array.from({ length: KNOWN }, (_, i) => `k${String(i).padStart(3, '0')}`);
const lost = Array.from({ length: LOST }, (_, i) => `l${String(i).padStart(3, '0')}`);

let database: FreshPostgres;
let storage: Storage;
let efforts: string[] = [];
let search: SearchRepository;

/** On an arc by themselves, in this order. */
const vectorsOf = (ids: readonly string[], from: number) =>
  ids.map((productId, i) => {
    const angle = from + i / 1000;
    return { productId, contentHash: 'h', vector: unit([Math.cos(angle), Math.sin(angle)]) };
  });

/** A graph that leads nowhere near some of its vectors is made by chance alone, so these are written while their index is not kept. */
beforeAll(async () => {
  database = await databaseByIndex();
  storage = await openPostgres(database.url);
  const repositories = makeRepositories(storage, 'default');
  await addProducts(
    { repositories },
    [...known, ...lost].map((id) => ({ id })),
  );
  const session = await otherSession(database.url);
  for (const { number, spaces } of [ONE, TWO])
    for (const space of spaces) {
      const write = (vectors: ReturnType<typeof vectorsOf>) => repositories.embeddings.upsert(number, vectors, space);
      await repositories.embeddings.createTable(number, space);
      await write(vectorsOf(known, 0));
      await repositories.embeddings.createIndex(number, space);
      const keep = (is: boolean) =>
        session.query('UPDATE pg_index SET indisready = $2 WHERE indexrelid = to_regclass($1)', [
          `simili.embedding_${number}${space.name === 'words' ? '_words' : ''}_vec_idx`,
          is,
        ]);
      await keep(false);
      await write(vectorsOf(lost, Math.PI / 2));
      await keep(true);
    }
  await session.end();
  const ask: Ask = (statement, values) => {
    const effort = values?.find((value) => typeof value === 'string' && /^\d{3,4}$/.test(value));
    if (effort) efforts.push(String(effort));
    return storage.ask(statement, values);
  };
  search = new SearchRepository(ask, 'default', 3);
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});

describe.each([
  ['one space', ONE],
  ['two spaces', TWO],
])('an anchor that its index does not give, in %s', (_, version) => {
  const page = async (
    anchors: string[],
    limit = 6,
    behind: Parameters<SearchRepository['nearestOfEach']>[4] = null,
  ) => {
    efforts = [];
    const found = await search.nearestOfEach(version, anchors, {}, limit, behind);
    return found.map(({ neighbours }) => neighbours);
  };
  const idsOf = (neighbours: readonly { productId: string }[]) => neighbours.map(({ productId }) => productId);

  test('is looked for ever farther, and in the end among all', async () => {
    const [list] = await page(['l000']);
    expect(idsOf(list!)).toEqual(lost.slice(1, 7));
    expect([...new Set(efforts)]).toEqual(['100', '400', '1000']);
  });

  test('has its pages behind the first, too', async () => {
    const [first] = await page(['l000']);
    const [next] = await page(['l000'], 6, first!.at(-1)!);
    expect(idsOf(next!)).toEqual(lost.slice(7, 13));
  });

  test('costs no other anchor of a batch its list, and one that is given is asked for once', async () => {
    const lists = await page(['k000', 'l000']);
    expect(lists.map(idsOf)).toEqual([known.slice(1, 7), lost.slice(1, 7)]);
    const [list] = await page(['k000']);
    expect(idsOf(list!)).toEqual(known.slice(1, 7));
    expect(efforts).toEqual(['100']);
  });
});
