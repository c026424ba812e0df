import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { type TestApi, testApi, UNHURRIED } from '../support/api.ts';
import { freshDatabase } from '../support/database.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { otherSession, untilWaitedFor } from '../support/other-session.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';
import { until } from '../support/until.ts';

/* Shoppers ask to be forgotten while feedback is rolled up, which takes minutes in a large shop. */
describe('beside a roll-up', { tags: ['postgres'] }, () => {
  let fresh: FreshPostgres;
  let worker: pg.Client;
  let watcher: pg.Client;
  beforeEach(async () => {
    fresh = await freshPostgresDatabase(postgresUrl());
  });
  afterEach(async () => {
    await Promise.all([worker.end(), watcher.end()]);
    await fresh[Symbol.asyncDispose]();
  });

  async function besideRollUp(patience = UNHURRIED): Promise<TestApi> {
    const storage = await openPostgres(fresh.url);
    const database = {
      storage,
      repositories: makeRepositories(storage, 'default'),
      [Symbol.asyncDispose]: () => storage.close(),
    };
    await addProducts(database, [{ id: 'a' }, { id: 'b' }]);
    await addModel(database, { a: [1, 0], b: [1, 0.1] });
    worker = await otherSession(fresh.url);
    watcher = await otherSession(fresh.url);
    await worker.query("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('simili feedback ' || 'default', 0))");
    const api = await testApi({}, { database, patience });
    return {
      ...api,
      async [Symbol.asyncDispose]() {
        await worker.query('ROLLBACK'); // else it would wait for those who wait
        await api[Symbol.asyncDispose]();
      },
    };
  }
  const forgetMe = (api: TestApi, id: string) =>
    api.shop(`mutation { forgetMe(input: { visitor: { id: "${id}" } }) { erasure { events } userErrors { code } } }`);
  const LIST = '{ similarItems(id: "a", first: 1, filter: { excludeIds: ["c"] }) { status } }';
  const listed = async (api: TestApi) => (await api.shop(LIST)).data?.similarItems;
  const storeEventOf = (visitor: string) =>
    worker.query(
      `INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, occurred_at, list_id, listed_at, model_id)
       VALUES ('default', gen_random_uuid(), 'CLICK', $1, 'a', '{b}', '{1}', now(), gen_random_uuid(), now(), 'm')`,
      [visitor],
    );
  const waiting = async () => {
    const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await watcher.query(sql)).rowCount;
  };

  test('however many wait to be forgotten, one session does, pages are answered, and all that is acknowledged is erased', async () => {
    await using api = await besideRollUp();
    await storeEventOf('v3');
    const asked = Array.from({ length: 12 }, (_, i) => forgetMe(api, `v${i}`));
    await untilWaitedFor(worker, watcher);
    for (let i = 0; i < 5; i++) expect(await listed(api)).toEqual({ status: 'OK' });
    expect(await waiting()).toBe(1);
    await worker.query('COMMIT');
    const answers = await Promise.all(asked);
    expect(answers.map(({ errors }) => errors)).toEqual(answers.map(() => undefined));
    expect(answers.map(({ data }) => data.forgetMe.erasure)).toEqual(
      answers.map((_, i) => (i === 3 ? { events: 1 } : null)),
    );
    expect(await api.database.storage.prisma.feedbackEvent.count()).toBe(0);
  });

  test('whoever waits longer than a statement may is told to come back, and the database is not taken for away', async () => {
    await using api = await besideRollUp({ ...UNHURRIED, shop: { statementMs: 2000, requestMs: 60_000 } });
    await storeEventOf('v1');
    const answers = await Promise.all(['v0', 'v1'].map((id) => forgetMe(api, id)));
    for (const { errors } of answers)
      expect(errors?.map(({ extensions }) => extensions)).toEqual([
        { code: 'FEEDBACK_BUSY', retry: true, retryAfter: 2 },
      ]);
    expect(await listed(api)).toEqual({ status: 'OK' });
    await worker.query('COMMIT');
    const again = await until(async () => {
      const { data } = await forgetMe(api, 'v1');
      return data?.forgetMe;
    });
    expect(again).toEqual({ erasure: { events: 1 }, userErrors: [] });
  });
});

test('lists are left in peace where nobody was erased', { tags: ['postgres'] }, async () => {
  await using shop = await freshDatabase(postgresUrl());
  const { erasures } = shop.repositories;
  const beside = shop.storage.prisma.$transaction(
    async (tx) => {
      await tx.$executeRaw`LOCK TABLE simili.shown_list IN ACCESS EXCLUSIVE MODE`;
      await erasures.forgetInLists();
    },
    { timeout: 4000 },
  );
  await expect(beside).resolves.toBeUndefined();
});
