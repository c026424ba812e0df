import { describe, expect, onTestFinished, test } from 'vitest';
import { NeighbourLists } from '../../src/db/neighbour-lists.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { int } from '../../src/db/row.ts';
import { SearchRepository } from '../../src/db/search.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { describeNeighbourLists } from '../contract/neighbour-lists.contract.ts';
import { freshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

describeNeighbourLists('PGlite', () => freshDatabase());
describeNeighbourLists('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);

const SPACE = pictureSpace(2);
const VERSION = { number: 1, spaces: [SPACE] };
const PRODUCTS = 100;
const onCircle = (angle: number) => unit([Math.cos(angle), Math.sin(angle)]);

/** Products on a quarter of a circle, and a search that keeps lists. */
async function shop() {
  const database = await freshPostgresDatabase(postgresUrl());
  onTestFinished(() => database[Symbol.asyncDispose]());
  const storage = await openPostgres(database.url);
  onTestFinished(() => storage.close());
  const repositories = makeRepositories(storage, 'default');
  const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);
  await addProducts(
    { repositories },
    [...ids, 'late'].map((id) => ({ id })),
  );
  const { embeddings } = repositories;
  await embeddings.createTable(VERSION.number, SPACE);
  const vectors = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: onCircle(i / 100) }));
  await embeddings.upsert(VERSION.number, vectors, SPACE);
  await embeddings.createIndex(VERSION.number, SPACE);
  const search = new SearchRepository(storage.ask, 'default', null, false, new NeighbourLists(1e6));
  const page = async (anchor: string) => {
    const [found] = await search.nearestOfEach(VERSION, [anchor], {}, 3);
    return { isListed: found!.listed ?? false, ids: found!.neighbours.map(({ productId }) => productId) };
  };
  const listed = async (anchor: string) => void (await page(anchor));
  return { url: database.url, storage, embeddings, page, listed };
}

describe('lists of neighbours on a server', { tags: ['postgres'] }, () => {
  test('who had begun to write when a list was made, and ends afterwards, is in its page', async () => {
    const { url, embeddings, page, listed } = await shop();
    const writer = await otherSession(url);
    onTestFinished(() => writer.end());
    await writer.query('BEGIN');
    const insert = `INSERT INTO simili.embedding_1 (product_id, content_hash, vec) VALUES ('late', 'h', $1)`;
    await writer.query(insert, [`[${onCircle(0.001).join()}]`]);
    // Another writer is later and done sooner: what the list has seen is no question of which number is the greater.
    await embeddings.upsert(VERSION.number, [{ productId: 'p50', contentHash: 'h', vector: onCircle(0.002) }], SPACE);
    await listed('p0');
    expect(await page('p0')).toEqual({ isListed: true, ids: ['p50', 'p1', 'p2'] });
    await writer.query('COMMIT');
    expect(await page('p0')).toEqual({ isListed: true, ids: ['late', 'p50', 'p1'] });
  });

  test('a transaction that stays open for long is no reason to search: what others wrote meanwhile the list has seen', async () => {
    const { url, embeddings, page, listed } = await shop();
    const writer = await otherSession(url);
    onTestFinished(() => writer.end());
    await writer.query('BEGIN; SELECT pg_current_xact_id()');
    const all = Array.from({ length: PRODUCTS }, (_, i) => ({
      productId: `p${i}`,
      contentHash: 'h',
      vector: onCircle(i / 100),
    }));
    for (let i = 0; i < 3; i++) await embeddings.upsert(VERSION.number, all, SPACE);
    await listed('p0');
    expect(await page('p0')).toEqual({ isListed: true, ids: ['p1', 'p2', 'p3'] });
    await writer.query('COMMIT');
    expect((await page('p0')).isListed).toBe(true);
  });

  test('its statements are planned once, and not at each page', async () => {
    const { url, storage, page } = await shop();
    const session = await otherSession(url);
    onTestFinished(() => session.end());
    await session.query(`
      INSERT INTO simili.product (catalog_id, id, title, categories, tags, fingerprint)
        SELECT 'default', 'm' || i, 'm', '{}', '{}', 'h' FROM generate_series(1, 5000) AS i;
      INSERT INTO simili.embedding_1 (product_id, content_hash, vec)
        SELECT 'm' || i, 'h', ARRAY[-cos(i / 5000.0), -sin(i / 5000.0)]::vector FROM generate_series(1, 5000) AS i;
      ANALYZE simili.product, simili.embedding_1`);
    for (let i = 0; i < 20; i++) await page(`p${i}`); // each makes its list
    for (let i = 0; i < 20; i++) await page('p0');
    const row = { plans: int, once: int };
    const text = `SELECT (generic_plans + custom_plans)::int AS plans, generic_plans::int AS once FROM pg_prepared_statements
      WHERE statement ~ '(near|fresh) AS MATERIALIZED' ORDER BY statement ~ 'fresh AS'`;
    const twenty = { plans: 20, once: 15 }; // after five with the values
    expect(await storage.ask({ text, row, isShort: true }, [])).toEqual([twenty, twenty]);
  });

  test('whoever overwrites a vector is told apart, also a statement that knows nothing of lists', async () => {
    const { url, page, listed } = await shop();
    await listed('p0');
    const session = await otherSession(url);
    onTestFinished(() => session.end());
    await session.query(`UPDATE simili.embedding_1 SET vec = $1 WHERE product_id = 'p99'`, [
      `[${onCircle(0.001).join()}]`,
    ]);
    expect(await page('p0')).toEqual({ isListed: true, ids: ['p99', 'p1', 'p2'] });
  });

  test('a table that an older worker has made has no lists, and right pages', async () => {
    const { url, page } = await shop();
    const session = await otherSession(url);
    onTestFinished(() => session.end());
    await session.query(
      'DROP TRIGGER written ON simili.embedding_1; ALTER TABLE simili.embedding_1 DROP COLUMN written',
    );
    for (let i = 0; i < 4; i++) expect(await page('p0')).toEqual({ isListed: false, ids: ['p1', 'p2', 'p3'] });
    await session.query(`UPDATE simili.embedding_1 SET vec = $1 WHERE product_id = 'p99'`, [
      `[${onCircle(0.001).join()}]`,
    ]);
    expect(await page('p0')).toEqual({ isListed: false, ids: ['p99', 'p1', 'p2'] });
  });
});
