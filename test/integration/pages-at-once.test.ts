// @module-tag postgres
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { int } from '../../src/db/sql/row.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

/** Long enough to be looked at, s. */
const SLEEP = 0.4;
const sleeping = (seconds: number) => ({
  text: `SELECT 1 AS one FROM pg_sleep(${seconds})`,
  row: { one: int },
});

let database: FreshPostgres;
let watcher: pg.Client;
beforeAll(async () => {
  database = await freshPostgresDatabase(postgresUrl());
  watcher = new pg.Client({ connectionString: database.url });
  await watcher.connect();
});
afterAll(async () => {
  await watcher.end();
  await database[Symbol.asyncDispose]();
});

async function opened(pagesAtOnce: number): Promise<Storage> {
  const storage = await openPostgres(database.url, pagesAtOnce);
  onTestFinished(() => storage.close());
  return storage;
}

/** Statements of `sleeping` that Postgres works on. */
async function atWork(): Promise<number> {
  const { rows } = await watcher.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT 1 AS one FROM pg_sleep%'`,
  );
  return rows[0].n as number;
}

/** The most that were at work at once while `work` went on. */
async function mostDuring(work: Promise<unknown>): Promise<number> {
  let most = 0;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) most = Math.max(most, await atWork());
  await over;
  return most;
}

test('no more short pages are at work at once than they are given, and all are answered', async () => {
  const { ask } = await opened(2);
  const pages = Promise.all(Array.from({ length: 6 }, () => ask({ ...sleeping(SLEEP), isShort: true }, [])));
  expect(await mostDuring(pages)).toBe(2);
  expect((await pages).map(([row]) => row!.one)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('other statements are at work beside them, and neither waits for the other', async () => {
  const { ask } = await opened(2);
  const long = Promise.all(Array.from({ length: 10 }, () => ask(sleeping(5 * SLEEP), [])));
  await expect.poll(atWork).toBe(10);
  const order: string[] = [];
  const page = ask({ ...sleeping(0), isShort: true }, []).then(() => order.push('page'));
  await Promise.all([page, long.then(() => order.push('long'))]);
  expect(order).toEqual(['page', 'long']);
});

test('where as many are given as the pool has sessions, all share these', async () => {
  const { ask } = await opened(10);
  const mixed = Array.from({ length: 15 }, (_, i) => ask({ ...sleeping(SLEEP), isShort: i % 2 === 0 }, []));
  expect(await mostDuring(Promise.all(mixed))).toBe(10);
});
