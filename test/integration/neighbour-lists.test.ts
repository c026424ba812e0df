import { describe, expect, onTestFinished, test } from 'vitest';
import { CategoryIndexRepository } from '../../src/db/category-indexes.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { NeighbourLists } from '../../src/db/search/neighbour-lists.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import { int } from '../../src/db/sql/row.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { describeFiledLists } from '../contract/filed-lists.contract.ts';
import { describeNeighbourLists } from '../contract/neighbour-lists.contract.ts';
import { freshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

const BINARY = { isBinary: true, candidates: 300 };

describeNeighbourLists('PGlite', () => freshDatabase());
describeNeighbourLists('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
describeNeighbourLists('PGlite, by a binary index', () => freshDatabase(), [], BINARY);
describeNeighbourLists('Postgres, by a binary index', () => freshDatabase(postgresUrl()), ['postgres'], BINARY);
describeFiledLists('PGlite', () => freshDatabase());
describeFiledLists('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);

const SPACE = pictureSpace(2);
const VERSION = { number: 1, spaces: [SPACE] };
const PRODUCTS = 100;
const onCircle = (angle: number) => unit([Math.cos(angle), Math.sin(angle)]);

const SHELF: SearchFilter = { categories: ['shelf'] };
const EFFORTS = new Set(['100', '200', '400', '500', '750', '1000']);

/** Products on the other side of the circle. @param categories of the i-th, SQL */
const addFar = (session: Awaited<ReturnType<typeof otherSession>>, products: number, categories: string) =>
  session.query(`
    INSERT INTO simili.product (catalog_id, id, title, categories, tags, fingerprint)
      SELECT 'default', 'm' || i, 'm', ${categories}, '{}', 'h' FROM generate_series(1, ${products}) AS i;
    INSERT INTO simili.embedding_1 (product_id, content_hash, vec)
      SELECT 'm' || i, 'h', ARRAY[-cos(i / ${products}.0), -sin(i / ${products}.0)]::vector FROM generate_series(1, ${products}) AS i;
    ANALYZE simili.product, simili.embedding_1`);

/** Products on a quarter of a circle, and a search that keeps lists. */
async function shop(mostPassing: number | null = null) {
  const database = await freshPostgresDatabase(postgresUrl());
  onTestFinished(() => database[Symbol.asyncDispose]());
  const storage = await openPostgres(database.url, 1);
  onTestFinished(() => storage.close());
  const repositories = makeRepositories(storage, 'default');
  const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);
  await addProducts(
    { repositories },
    [...ids, 'late'].map((id, i) => ({ id, categories: i < PRODUCTS - 1 ? ['shelf'] : [] })),
  );
  const { embeddings } = repositories;
  await embeddings.createTable(VERSION.number, SPACE);
  const vectors = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: onCircle(i / 100) }));
  await embeddings.upsert(VERSION.number, vectors, SPACE);
  await embeddings.createIndex(VERSION.number, SPACE);
  const efforts: unknown[] = [];
  const ranked: boolean[] = [];
  const ask: Ask = (statement, values) => {
    if (/near AS MATERIALIZED/.test(statement.text))
      ranked.push(/category_1 e [^;]*ORDER BY l2 LIMIT/.test(statement.text));
    if (/near AS MATERIALIZED/.test(statement.text))
      efforts.push(...values.filter((value) => typeof value === 'string' && EFFORTS.has(value)));
    return storage.ask(statement, values);
  };
  const search = new SearchRepository(ask, 'default', mostPassing, false, new NeighbourLists(1e6));
  const pages = (anchors: readonly string[], filter: SearchFilter = {}) =>
    search.nearestOfEach(VERSION, anchors, filter, 3);
  const page = async (anchor: string, filter?: SearchFilter) => {
    const [found] = await pages([anchor], filter);
    return { isListed: found!.listed ?? false, ids: found!.neighbours.map(({ productId }) => productId) };
  };
  const listed = async (anchor: string, filter?: SearchFilter) => void (await page(anchor, filter));
  const session = await otherSession(database.url);
  onTestFinished(() => session.end());
  return { storage, repositories, embeddings, page, pages, listed, session, efforts, ranked };
}

/** A shop of which a category has, as far as the database's statistics know, so many products and an index of neighbours. */
async function largeCategory(products: number) {
  const made = await shop(0);
  const { storage, session } = made;
  await addFar(session, 8000, `'{shelf}'`);
  const bounds = { fewest: 10, mostRanked: 0, mostRankedByRoot: 1e9, mostShare: 1, most: 1 };
  const indexes = new CategoryIndexRepository(storage.prisma, storage.ask, storage, 'default', bounds);
  await indexes.build(VERSION.number, SPACE);
  await session.query(`
    ANALYZE simili.embedding_1;
    UPDATE pg_class SET reltuples = ${products} WHERE relname = 'category_1_vec_1_idx';
    UPDATE pg_class SET reltuples = 300000 WHERE relname = 'embedding_1'`);
  return made;
}

describe('lists of neighbours on a server', { tags: ['postgres'] }, () => {
  test('who had begun to write when a list was made, and ends afterwards, is in its page', async () => {
    const { session: writer, embeddings, page, listed } = await shop();
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
    const { session: writer, embeddings, page, listed } = await shop();
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

  test('who had begun to file a product elsewhere when a list was made, and ends afterwards, is in its page', async () => {
    const { session: writer, repositories, page, listed } = await shop();
    await writer.query(`BEGIN; UPDATE simili.product SET categories = '{shelf}' WHERE id = 'p99'`);
    await repositories.embeddings.upsert(
      VERSION.number,
      [{ productId: 'p99', contentHash: 'h', vector: onCircle(0.001) }],
      SPACE,
    );
    await addProducts({ repositories }, [{ id: 'p2', categories: [] }]);
    await listed('p0', SHELF);
    expect(await page('p0', SHELF)).toEqual({ isListed: true, ids: ['p1', 'p3', 'p4'] });
    await writer.query('COMMIT');
    expect(await page('p0', SHELF)).toEqual({ isListed: true, ids: ['p99', 'p1', 'p3'] });
  });

  test('what another server has written, in a database that was restored from its dump, is no news', async () => {
    const { session, page, listed } = await shop();
    await session.query(`
      ALTER TABLE simili.embedding_1 DISABLE TRIGGER written; ALTER TABLE simili.product DISABLE TRIGGER filed;
      UPDATE simili.embedding_1 SET written = '9000000000000'; UPDATE simili.product SET filed = '9000000000000';
      INSERT INTO simili.product (catalog_id, id, title, categories, tags, fingerprint)
        SELECT 'default', 'm' || i, 'm', '{shelf}', '{}', 'h' FROM generate_series(1, 3000) AS i;
      INSERT INTO simili.embedding_1 (product_id, content_hash, vec, written)
        SELECT 'm' || i, 'h', ARRAY[-cos(i / 3000.0), -sin(i / 3000.0)]::vector, '9000000000000' FROM generate_series(1, 3000) AS i;
      ALTER TABLE simili.embedding_1 ENABLE TRIGGER written; ALTER TABLE simili.product ENABLE TRIGGER filed`);
    for (const filter of [{}, SHELF]) {
      await listed('p0', filter);
      expect(await page('p0', filter)).toEqual({ isListed: true, ids: ['p1', 'p2', 'p3'] });
    }
    await session.query(`UPDATE simili.embedding_1 SET vec = $1 WHERE product_id = 'p98'`, [
      `[${onCircle(0.001).join()}]`,
    ]);
    for (const filter of [{}, SHELF])
      expect(await page('p0', filter)).toEqual({ isListed: true, ids: ['p98', 'p1', 'p2'] });
  });

  // First it is seen that more pass than are ranked one by one.
  test.each([
    ['as far as was measured', 750, 1, ['100', '750'], [false, false]],
    ['as a whole where its index finds too little', 0, 4, ['100', '200'], [false, true]],
    ['as far as is quick for more lists than four', 0, 5, ['100', '400'], [false, false]],
    ['as far as is quick where nobody measured', null, 1, ['100', '400'], [false, false]],
  ])(
    'first pages of a large category are searched for %s, and second ones are by their lists',
    async (_, candidates, lists, expected, isRanked) => {
      const { session, pages, efforts, ranked } = await largeCategory(30_000);
      await session.query('UPDATE simili.category_index SET candidates = $1', [candidates]);
      const anchors = Array.from({ length: lists }, (_, i) => `p${i}`);
      const [first, second] = [await pages(anchors, SHELF), await pages(anchors, SHELF)];
      expect([first, second].map((found) => found.map(({ listed }) => listed))).toEqual([
        anchors.map(() => undefined),
        anchors.map(() => true),
      ]);
      expect([efforts, ranked]).toEqual([expected, isRanked]);
      for (const [{ neighbours }] of [first, second] as [(typeof first)[0]][])
        expect(neighbours.map(({ productId }) => productId)).toEqual(['p1', 'p2', 'p3']);
    },
  );

  test('its statements are planned once, and not at each page', async () => {
    const { session, storage, page, pages } = await shop(500);
    await addFar(session, 5000, `CASE i % 5 WHEN 0 THEN ARRAY['fifth'] ELSE '{}' END`);
    for (const filter of [{}, { categories: ['fifth'] }, SHELF]) {
      for (let i = 0; i < 20; i++) await page(`p${i}`, filter); // each makes its list
      for (let i = 0; i < 20; i++) await page('p0', filter);
    }
    for (let i = 0; i < 20; i++) await pages(['p0', 'p1']);
    const row = { plans: int, once: int };
    const text = `SELECT (generic_plans + custom_plans)::int AS plans, generic_plans::int AS once FROM pg_prepared_statements
      WHERE statement ~ '(near|fresh) AS MATERIALIZED' ORDER BY prepare_time`;
    // Five times with the values, and then without; filters of categories are one statement.
    const [twenty, forty] = [
      { plans: 20, once: 15 },
      { plans: 40, once: 35 },
    ];
    expect(await storage.ask({ text, row, isShort: true }, [])).toEqual([twenty, twenty, forty, twenty]);
  });

  test('whoever overwrites a vector is told apart, also a statement that knows nothing of lists', async () => {
    const { session, page, listed } = await shop();
    await listed('p0');
    await session.query(`UPDATE simili.embedding_1 SET vec = $1 WHERE product_id = 'p99'`, [
      `[${onCircle(0.001).join()}]`,
    ]);
    expect(await page('p0')).toEqual({ isListed: true, ids: ['p99', 'p1', 'p2'] });
  });

  test('a table that an older worker has made has no lists, and right pages', async () => {
    const { session, page } = await shop();
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
