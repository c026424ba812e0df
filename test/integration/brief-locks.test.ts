// @module-tag postgres
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CategoryIndexRepository } from '../../src/db/category-indexes.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { startDeadline, within } from '../../src/deadline.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { otherSession, untilWaitedFor, untilWaitedLong } from '../support/other-session.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

/* Somebody holds the products for long. Who makes or drops a table that refers to them has to wait for him, and nobody else for that one. */
const SPACE = pictureSpace(2);
const READING = 'ACCESS SHARE';
const WRITING = 'ROW EXCLUSIVE';
let database: FreshPostgres;
let storage: Storage;
let repositories: Repositories;
beforeAll(async () => {
  database = await freshPostgresDatabase(postgresUrl());
  storage = await openPostgres(database.url);
  repositories = makeRepositories(storage, 'default');
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});

const client = () => otherSession(database.url);
/** Four products, of which two are of a category that gets an index. */
const addSome = (at: Parameters<typeof addProducts>[0]) =>
  addProducts(
    at,
    ['a', 'b', 'c', 'd'].map((id, i) => ({ id, categories: i < 2 ? ['some'] : [] })),
  );
const BOUNDS = { fewest: 1, mostRanked: 0, mostRankedByRoot: 1e9, mostShare: 1, most: 1 };
const holdIn = (mode: string) => `BEGIN; LOCK TABLE simili.product IN ${mode} MODE`;

/** @param mode how the products are held, and asked for by those who come later */
async function besideOthers(mode: string, work: () => Promise<unknown>): Promise<void> {
  const [holder, other] = [await client(), await client()];
  try {
    await holder.query(holdIn(mode));
    let isDone = false;
    const working = work().finally(() => {
      isDone = true;
    });
    await untilWaitedFor(holder, other);
    await other.query("SET lock_timeout = '10s'"); // who is not let pass waits for the holder, who waits for him
    for (let turn = 0; turn < 4; turn++) await other.query(`${holdIn(mode)}; COMMIT`);
    expect(isDone).toBe(false);
    await holder.query('COMMIT');
    await working;
  } finally {
    await Promise.all([holder.end(), other.end()]);
  }
}
const tables = async (schema: string) => {
  const own = await client();
  const { rows } = await own.query('SELECT tablename AS name FROM pg_tables WHERE schemaname = $1', [schema]);
  await own.end();
  return rows.map(({ name }) => name as string).filter((name) => /^(embedding|category)_\d/.test(name));
};

test('a version’s table is made, and gets indexes by category, while somebody holds the products', async () => {
  await addSome({ repositories });
  await besideOthers(WRITING, () => repositories.embeddings.createTable(1, SPACE));
  const { prisma, ask } = storage;
  await besideOthers(WRITING, () =>
    new CategoryIndexRepository(prisma, ask, storage, 'default', BOUNDS).build(1, SPACE),
  );
  expect((await tables('simili')).sort()).toEqual(['category_1', 'embedding_1']);
  await expect.poll(() => repositories.embeddings.dropTables(1, [SPACE])).toBe(true);
  expect(await tables('simili')).toEqual([]);
  expect(await prisma.categoryIndex.count()).toBe(0);
});

test('nor does a rollback wait for that: what serves is changed at once', async () => {
  const at = { storage, repositories: repositories.forCatalog('rolled') };
  await repositories.catalogs.create('rolled');
  await addSome(at);
  const { models, embeddings } = at.repositories;
  await addModel(at, { a: [1, 0] });
  await addModel(at, { a: [1, 0] });
  const categories = new CategoryIndexRepository(storage.prisma, storage.ask, storage, 'rolled', BOUNDS);
  const makings = [() => embeddings.createTable(3, SPACE), () => categories.build(3, SPACE)];
  for (const [i, make] of makings.entries()) {
    const [holder, watcher] = [await client(), await client()];
    try {
      await holder.query(holdIn(WRITING));
      let isMade = false;
      const making = make().finally(() => {
        isMade = true;
      });
      await untilWaitedFor(holder, watcher);
      const inTime = startDeadline({ statementMs: 3000, requestMs: 3000 });
      expect(await within(inTime, () => models.rollback(null))).toMatchObject({ number: i + 1 });
      expect(isMade).toBe(false);
      await holder.query('COMMIT');
      await making;
    } finally {
      await Promise.all([holder.end(), watcher.end()]);
    }
  }
});

test('two who make the same table of a version at the same time make one', async () => {
  const making = Array.from({ length: 6 }, () => repositories.embeddings.createTable(4, SPACE));
  await Promise.all(making);
  await expect.poll(() => repositories.embeddings.dropTables(4, [SPACE])).toBe(true);
});

test('for a version’s table it is waited, now and then, for as long as makes an automatic vacuum of the products yield', async () => {
  const [vacuum, watcher] = [await client(), await client()];
  try {
    await vacuum.query(holdIn('SHARE UPDATE EXCLUSIVE')); // as a vacuum does, and as one that is not automatic goes on to
    const making = repositories.embeddings.createTable(3, SPACE);
    await untilWaitedLong(async (sql) => (await watcher.query(sql)).rows);
    await vacuum.query('COMMIT');
    await making;
    expect(await tables('simili')).toEqual(['embedding_3']);
  } finally {
    await Promise.all([vacuum.end(), watcher.end()]);
  }
  await expect.poll(() => repositories.embeddings.dropTables(3, [SPACE])).toBe(true);
});

test('beside a dump the table of a version is not dropped, and nobody waits for it; once that is over it is', async () => {
  await repositories.embeddings.createTable(2, SPACE);
  const [dump, watcher] = [await client(), await client()];
  try {
    await dump.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM simili.product');
    const waiting = `SELECT FROM pg_locks WHERE relation = 'simili.product'::regclass AND NOT granted`;
    let isOver = false;
    const dropping = repositories.embeddings.dropTables(2, [SPACE]).finally(() => {
      isOver = true;
    });
    while (!isOver) expect((await watcher.query(waiting)).rows).toEqual([]);
    expect(await dropping).toBe(false);
    expect(await tables('simili')).toEqual(['embedding_2']);
    await dump.query('COMMIT');
    await expect.poll(() => repositories.embeddings.dropTables(2, [SPACE])).toBe(true);
    expect(await tables('simili')).toEqual([]);
  } finally {
    await Promise.all([dump.end(), watcher.end()]);
  }
});

test('a catalog is removed, too, and is there until it can be', async () => {
  const { catalogs } = repositories;
  await catalogs.create('red');
  await addProducts({ repositories: repositories.forCatalog('red') }, [{ id: 'a' }]);
  await repositories.forCatalog('red').embeddings.createTable(1, SPACE);
  await besideOthers(READING, async () => {
    expect(await catalogs.remove('red')).toBe(true);
  });
  expect(await catalogs.exists('red')).toBe(false);
  expect(await tables('simili_red')).toEqual([]);
  expect(await catalogs.create('red')).toBe(true);
});

test('nor does a removal wait for those who write to the catalog: they wait for its end, and are told then', async () => {
  const { catalogs } = repositories;
  await catalogs.create('fed');
  const fed = repositories.forCatalog('fed');
  await fed.embeddings.createTable(1, SPACE);
  const [holder, watcher] = [await client(), await client()];
  try {
    await holder.query(holdIn(READING));
    const removing = catalogs.remove('fed');
    await untilWaitedFor(holder, watcher); // at its last step
    const writing = addProducts({ repositories: fed }, [{ id: 'new' }]).catch((error: unknown) => error);
    const waiting = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE a.datname = current_database() AND l.locktype = 'transactionid' AND NOT l.granted`;
    await expect.poll(async () => (await watcher.query(waiting)).rows.length).toBe(1);
    await holder.query('COMMIT');
    expect(await removing).toBe(true);
    expect(await writing).toMatchObject({ code: 'CATALOG_UNKNOWN' });
  } finally {
    await Promise.all([holder.end(), watcher.end()]);
  }
});
