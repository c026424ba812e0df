// @module-tag postgres
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { effortsOn } from '../../src/db/indexes/build-index.ts';
import { stateOf } from '../../src/db/indexes/index-builds.ts';
import { availableMemory } from '../../src/db/indexes/server-memory.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import type { IndexBuild, Storage } from '../../src/db/session/storage.ts';
import { orNull, text, texts } from '../../src/db/sql/row.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession } from '../support/other-session.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

/* A build waits for whoever has written to its table and not committed: so a test holds one for as long as it looks. */
const SPACE = pictureSpace(2);
const ids = Array.from({ length: 20 }, (_, i) => `p${i}`);
const vectorOf = (i: number) => unit([Math.cos(i / 10), Math.sin(i / 10)]);
let database: FreshPostgres;
let storage: Storage;
let repositories: Repositories;
let model = 0;
beforeAll(async () => {
  database = await freshPostgresDatabase(postgresUrl());
  storage = await openPostgres(database.url);
  repositories = makeRepositories(storage, 'default');
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await addProducts(
    { repositories },
    ids.map((id) => ({ id })),
  );
  await repositories.embeddings.createTable(++model, SPACE);
  const rows = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: vectorOf(i) }));
  await repositories.embeddings.upsert(model, rows);
});

const client = () => otherSession(database.url);
/** Somebody has written to the table, and commits when he is told to or at the end. */
async function whileWriting(work: (commit: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const writer = await client();
  try {
    await writer.query(`BEGIN; UPDATE simili.embedding_${model} SET content_hash = 'new' WHERE product_id = 'p9'`);
    await work(() => writer.query('COMMIT'));
  } finally {
    await writer.end();
  }
}
const own = () => ({ table: `simili.embedding_${model}`, name: `simili.embedding_${model}_vec_idx` });
const seen = () => stateOf(storage.ask, { ...own(), on: '' });
const oid = async () =>
  (await storage.ask({ text: 'SELECT to_regclass($1)::oid::text AS oid', row: { oid: text } }, [own().name]))[0]!.oid;
const build = (how: IndexBuild = {}) => repositories.embeddings.createIndex(model, SPACE, how);
const BUILDING = { isValid: false, share: 0, isAside: false };
const HALF_BUILT = { isValid: false, share: null, isAside: false };
const BUILT = { isValid: true, share: null, isAside: false };

test('deletions and writes go on while an index is built, and it has them', async () => {
  const { embeddings, products, search } = repositories;
  await whileWriting(async (commit) => {
    const building = build();
    await expect.poll(seen).toEqual(BUILDING);
    expect(await products.remove(['p1'])).toBe(1);
    await embeddings.upsert(model, [{ productId: 'p19', contentHash: 'h', vector: vectorOf(0.5) }]);
    expect(await seen()).toEqual(BUILDING);
    await commit();
    await building;
  });
  expect(await seen()).toEqual(BUILT);
  const [found] = await search.nearestOfEach({ number: model, spaces: [SPACE] }, ['p0'], {}, 3);
  expect(found!.neighbours.map(({ productId }) => productId)).toEqual(['p19', 'p2', 'p3']);
});

test('two that build one index build it once, and both know how far it is', async () => {
  const heard: number[][] = [[], []];
  await whileWriting(async (commit) => {
    const one = (i: number) => build({ onProgress: (share) => heard[i]!.push(share) });
    const first = one(0);
    await expect.poll(seen).toEqual(BUILDING);
    const begun = await oid();
    const second = one(1);
    await expect.poll(() => heard.every((shares) => shares.length > 0)).toBe(true);
    await commit();
    await Promise.all([first, second]);
    expect(await oid()).toBe(begun);
  });
  expect(heard.map((shares) => shares[0])).toEqual([0, 0]);
  expect(await seen()).toEqual(BUILT);
});

const Options = { options: orNull(texts) };
const options = async () => {
  const sql = 'SELECT reloptions AS options FROM pg_class WHERE oid = to_regclass($1)';
  return (await storage.ask({ text: sql, row: Options }, [own().name]))[0]?.options ?? null;
};

test('what is written while it is built is put among more candidates', async () => {
  const later = await client();
  try {
    await whileWriting(async (commit) => {
      const building = build();
      await expect.poll(seen).toEqual(BUILDING);
      // The build waits for writers twice: for those from before it, and for those from before the index takes what they write.
      await later.query(`BEGIN; UPDATE ${own().table} SET content_hash = 'later' WHERE product_id = 'p8'`);
      await commit();
      await expect.poll(options).toEqual(['ef_construction=400']);
      expect(await seen()).toEqual({ isValid: false, share: 1, isAside: false });
      await later.query('COMMIT');
      await building;
    });
    expect(await seen()).toEqual(BUILT);
    expect(await options()).toEqual(['ef_construction=400']);
  } finally {
    await later.end();
  }
});

test('what is written once it is built is put among more candidates, also where that was not said before the worker was gone', async () => {
  const [reader, other] = [await client(), await client()];
  try {
    await build();
    expect(await options()).toEqual(['ef_construction=400']);
    await other.query(`ALTER INDEX ${own().name} RESET (ef_construction)`);
    await reader.query(`BEGIN; SELECT FROM ${own().table} ORDER BY vec <-> '[1,0]' LIMIT 1`); // waits for nothing, nor is it waited for
    await build();
    expect(await options()).toEqual(['ef_construction=400']);
    await reader.query('COMMIT');
  } finally {
    await Promise.all([reader.end(), other.end()]);
  }
});

test('a build that is stopped ends at once, and what it leaves is dropped and built anew', async () => {
  await whileWriting(async () => {
    const stop = new AbortController();
    const building = build({ signal: stop.signal });
    await expect.poll(seen).toEqual(BUILDING);
    stop.abort(new Error('stopped'));
    await expect(building).rejects.toThrow('stopped');
    await expect.poll(seen).toEqual(HALF_BUILT);
  });
  const left = await oid();
  await build();
  await build();
  expect(await seen()).toEqual(BUILT);
  expect(await oid()).not.toBe(left);
});

test('one that is dropped is not waited for by deletions: who still reads its table is asked again', async () => {
  const other = await client();
  await other.query(`CREATE INDEX embedding_${model}_vec_idx_aside ON ${own().table} (content_hash)`);
  await other.query(`BEGIN; SELECT FROM ${own().table}`);
  const building = build();
  const isDropped = async () =>
    (
      await other.query(`SELECT NOT indisvalid AS is FROM pg_index WHERE indexrelid = to_regclass($1)`, [
        `${own().name}_aside`,
      ])
    ).rows[0]?.is;
  await expect.poll(isDropped).toBe(true);
  expect(await repositories.products.remove(['p1'])).toBe(1);
  await other.query('COMMIT');
  await other.end();
  await building;
  expect(await seen()).toEqual(BUILT);
});

test('the server process of a worker that is gone goes on, and is waited for', async () => {
  const worker = await client();
  await whileWriting(async (commit) => {
    worker
      .query(`CREATE INDEX CONCURRENTLY embedding_${model}_vec_idx ON ${own().table} USING hnsw (vec vector_l2_ops)`)
      .catch(() => {});
    await expect.poll(seen).toEqual(BUILDING);
    const begun = await oid();
    (worker as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    const heard: number[] = [];
    const building = build({ onProgress: (share) => heard.push(share) });
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    await commit();
    await building;
    expect(await oid()).toBe(begun);
  });
  expect(await seen()).toEqual(BUILT);
});

test('who drops the table of a version stops the build of its index', async () => {
  await whileWriting(async (commit) => {
    const building = build();
    await expect.poll(seen).toEqual(BUILDING);
    const dropping = repositories.embeddings.dropTables(model, [SPACE]);
    await expect(building).rejects.toMatchObject({ code: '57014' });
    expect(await dropping).toBe(false);
    await commit();
    await expect.poll(() => repositories.embeddings.dropTables(model, [SPACE])).toBe(true);
  });
  await expect(build()).rejects.toThrow('no vectors');
});

test('a large index is built by one process where others are at work, unless somebody has said by how many', async () => {
  const builder = await client();
  let isOver = false;
  const work = async () => {
    const other = await client();
    while (!isOver) await other.query('SELECT pg_sleep(0.2) FROM pg_class LIMIT 1'); // who reads no table is not counted
    await other.end();
  };
  // Several, as what a session has done is told up to a second late, and one that waits for this process is not at work meanwhile.
  const working = Promise.all([work(), work(), work(), work()]);
  try {
    const dropped = await freshPostgresDatabase(postgresUrl());
    const sessions = await Promise.all([1, 2, 3, 4, 5].map(() => otherSession(dropped.url)));
    await Promise.all(sessions.map((session) => session.query('SELECT pg_sleep(3) FROM pg_class LIMIT 1')));
    await Promise.all(sessions.map((session) => session.end()));
    await builder.query(`CREATE TABLE large AS SELECT repeat('x', 1000) AS text FROM generate_series(1, 9000)`);
    const query = async <Row>(text: string, values?: unknown[]) => (await builder.query(text, values)).rows as Row[];
    const alone = async (table: string) => (await effortsOn(query, table))[0]!.alone;
    const [isAlone] = await Promise.all([alone('large'), sleep(1000).then(() => dropped[Symbol.asyncDispose]())]); // what that has done counts for nothing
    expect([isAlone, await alone(own().table)]).toEqual([true, false]);
    await builder.query('SET max_parallel_maintenance_workers = 2');
    expect(await alone('large')).toBe(false);
  } finally {
    isOver = true;
    await working;
    await builder.end();
  }
});

test('who may read files of the server knows its memory, nobody else', async () => {
  const session = await client();
  const query = async <Row>(text: string, values?: unknown[]) => (await session.query(text, values)).rows as Row[];
  const role = `nobody_${model}`;
  try {
    const [{ may }] = (await query<{ may: boolean }>(
      'SELECT rolsuper AS may FROM pg_roles WHERE rolname = current_user',
    )) as [{ may: boolean }];
    const bytes = await availableMemory(query);
    expect(bytes === null ? 0 : bytes / 2 ** 20).toBeGreaterThanOrEqual(may ? 1 : 0);
    await query(`CREATE ROLE ${role}`);
    await query(`SET ROLE ${role}`);
    const refused: unknown[] = [];
    const watched: typeof query = (text, values) =>
      query(text, values).catch((error: unknown) => {
        refused.push(error);
        throw error;
      }) as never;
    expect(await availableMemory(watched)).toBeNull();
    expect(refused).toEqual([]); // each would be an error in the server's log
    expect(await query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  } finally {
    await query('RESET ROLE');
    await query(`DROP ROLE IF EXISTS ${role}`);
    await session.end();
  }
});
