import { readFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import pg from 'pg';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { migrate } from '../../src/db/session/migrate.ts';
import type { SqlSession } from '../../src/db/session/storage.ts';
import { untilWaitedLong } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

type Opened = { session: SqlSession; another(): Promise<SqlSession> };

let opening: Promise<PGlite> | undefined;
afterAll(async () => (await opening)?.close());

/** One for all tests, as making it takes seconds; emptied behind each. */
async function onPGlite(): Promise<Opened> {
  opening ??= PGlite.create({ extensions: { vector } });
  const db = await opening;
  onTestFinished(async () => {
    await db.exec('DROP SCHEMA IF EXISTS simili CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  });
  const session: SqlSession = {
    exec: async (sql) => void (await db.exec(sql)),
    query: async <Row>(sql: string, params: unknown[] = []) => (await db.query<Row>(sql, params)).rows,
  };
  return { session, another: async () => session };
}

async function onPostgres(): Promise<Opened> {
  const database = await freshPostgresDatabase(postgresUrl());
  onTestFinished(() => database[Symbol.asyncDispose]());
  const another = async (): Promise<SqlSession> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    onTestFinished(() => client.end());
    return {
      exec: async (sql) => void (await client.query(sql)),
      query: async <Row>(sql: string, params: unknown[] = []) => (await client.query(sql, params)).rows as Row[],
    };
  };
  return { session: await another(), another };
}

const ALL = [
  '0001_start',
  '0002_training_rounds',
  '0003_ratings',
  '0004_feedback_votes',
  '0005_pictures_looked_at_again',
  '0006_picture_features',
  '0007_filters',
  '0008_spaces',
  '0009_catalogs',
  '0010_erasures',
  '0011_api_keys',
  '0012_feedback_days',
  '0013_tags',
  '0014_feedback_quarantine',
  '0016_groups',
  '0017_click_through',
  '0018_feedback_health',
  '0019_events_without_list',
  '0021_popular',
  '0022_vector_queue',
  '0023_storage',
  '0025_recall_audit',
  '0026_picture_query',
  '0029_placements',
  '0030_uploaded_pictures',
  '0031_attribute_numbers',
  '0032_category_indexes',
  '0033_category_names',
  '0034_jobs_by_age',
  '0035_feedback_votes',
  '0036_filters_at_once',
  '0037_written_vectors',
  '0038_filed_products',
  '0039_jobs_that_wait',
  '0040_unseen_pictures',
  '0041_picture_claims',
  '0042_fresh_in_the_queue',
  '0043_late_audits',
  '0044_renewed_products',
  '0045_waiting_pictures',
  '0046_category_candidates',
  '0047_binary_index',
];

function describeMigrations(name: string, open: () => Promise<Opened>, tags: string[] = []): void {
  describe(`migrations on ${name}`, { tags }, () => {
    const step = (name: string, sql: string) => ({ name, sql, checksum: `sum of ${sql}` });

    test('run once, in order, and are written down as Prisma writes them', async () => {
      const { session } = await open();
      expect(await migrate(session)).toEqual(ALL);
      expect(await migrate(session)).toEqual([]);
      expect(await session.query('SELECT migration_name, applied_steps_count FROM simili._prisma_migrations')).toEqual([
        ...ALL.map((name) => ({ migration_name: name, applied_steps_count: 1 })),
      ]);
    });

    test('a failing one leaves nothing of itself and all before it', async () => {
      const { session } = await open();
      const steps = [
        step('1', 'CREATE TABLE a (x INT)'),
        step('2', 'CREATE TABLE b (x INT); SELECT no_such_function()'),
      ];
      await expect(migrate(session, steps)).rejects.toMatchObject({ code: 'MIGRATION_FAILED', facts: { name: '2' } });
      expect(
        await session.query(`SELECT to_regclass('a') IS NOT NULL AS a, to_regclass('b') IS NOT NULL AS b`),
      ).toEqual([{ a: true, b: false }]);
      expect(await migrate(session, [steps[0]!, step('2', 'CREATE TABLE b (x INT)')])).toEqual(['2']);
    });

    test('0029 takes sums of before along as those of `default`, and no day is rolled up again', async () => {
      const { session } = await open();
      const fileOf = (name: string) => new URL(`../../prisma/migrations/${name}/migration.sql`, import.meta.url);
      const steps = ALL.map((name) => ({ ...step(name, readFileSync(fileOf(name), 'utf8')), checksum: name }));
      await migrate(session, steps.slice(0, ALL.indexOf('0029_placements')));
      await session.exec(`
        INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at)
          VALUES ('default', gen_random_uuid(), 'CLICK', 'v', 'a', '{x}', '{1}', 'm', now());
        INSERT INTO simili.feedback_day (catalog_id, day, stale) VALUES ('default', '2026-01-01', false);
        INSERT INTO simili.feedback_rollup VALUES ('default', '2026-01-01', 'a', 'x', 1, 'm', 4, 1, 1, 0, 0, 0);
        INSERT INTO simili.feedback_click_through VALUES ('default', '2026-01-01', 'm', 0, 30, 40, 5, 60, 7, 5)`);
      await migrate(session, steps);
      const placed = async (table: string) =>
        (await session.query<{ placement: string }>(`SELECT placement FROM simili.${table}`)).map(
          (row) => row.placement,
        );
      for (const table of ['feedback_event', 'feedback_rollup', 'feedback_click_through'])
        expect(await placed(table)).toEqual(['default']);
      expect(await session.query('SELECT stale FROM simili.feedback_day')).toEqual([{ stale: false }]);
      // The same place in another placement is another row.
      await session.exec(`
        INSERT INTO simili.feedback_rollup VALUES ('default', '2026-01-01', 'a', 'x', 1, 'm', 4, 1, 1, 0, 0, 0, 'cart');
        INSERT INTO simili.feedback_click_through VALUES ('default', '2026-01-01', 'm', 0, 30, 40, 5, 60, 7, 5, 'cart')`);
    });

    test('an applied file that changed is noticed', async () => {
      const { session } = await open();
      await migrate(session, [step('1', 'SELECT 1')]);
      await expect(migrate(session, [step('1', 'SELECT 2')])).rejects.toThrow('changed after it was applied');
    });
  });
}
describeMigrations('PGlite', onPGlite);
describeMigrations('Postgres', onPostgres, ['postgres']);

describe('a Postgres server', { tags: ['postgres'] }, () => {
  test('several processes that start at once migrate one after the other', async () => {
    const { session, another } = await onPostgres();
    const sessions = [session, await another(), await another(), await another()];
    const applied = await Promise.all(sessions.map((each) => migrate(each)));
    // Each once, by whoever had the lock; of one process in order.
    expect(applied.flat().toSorted()).toEqual(ALL);
    for (const own of applied) expect(own).toEqual(own.toSorted());
  });

  test('beside a dump a migration lets all others pass, and comes when that is over; an automatic vacuum, which yields after a second, it waits for that long', async () => {
    const { session, another } = await onPostgres();
    await migrate(session);
    const [dump, other] = [await another(), await another()];
    await dump.exec('BEGIN; SELECT count(*) FROM simili.product');
    const sql = 'ALTER TABLE simili.product ADD COLUMN more INT';
    const migrating = migrate(session, [{ name: 'more', sql, checksum: 'more' }]);
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await other.query(waiting)).length).toBe(1);
    await other.exec(`SET lock_timeout = '10s'`);
    for (let turn = 0; turn < 3; turn++) await other.query('SELECT count(*) FROM simili.product');
    await untilWaitedLong((sql) => other.query(sql));
    await dump.exec('COMMIT');
    expect(await migrating).toEqual(['more']);
    await other.query('SELECT more FROM simili.product');
  });

  test('a database that cannot be reached, or does not exist, is said in one sentence', async () => {
    const wrong = new URL(postgresUrl());
    wrong.port = '1';
    await expect(openPostgres(wrong.href)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retry: true });
    const missing = new URL(postgresUrl());
    missing.pathname = '/no_such_database';
    await expect(openPostgres(missing.href)).rejects.toThrow('no_such_database');
  });
});
