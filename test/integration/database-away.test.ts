import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createApiKey } from '../../src/api-keys.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { startDeadline, within } from '../../src/deadline.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { openQueuePool } from '../../src/queue/postgres.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf, events } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { proxyTo, type WayTo } from '../support/proxy.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

describe('a Postgres that goes away', { tags: ['postgres'] }, () => {
  let fresh: FreshPostgres;
  let proxy: WayTo;
  let api: TestApi;
  /** The same database by a way that stays. */
  let behind: Storage;
  /** Long enough for a busy machine: a statement that comes later is an outage that nobody made. */
  const patience = { statementMs: 3_000, requestMs: 60_000 };

  beforeAll(async () => {
    fresh = await freshPostgresDatabase(postgresUrl());
    proxy = await proxyTo(fresh.url);
    const storage = await openPostgres(proxy.url);
    behind = await openPostgres(fresh.url);
    const database = {
      storage,
      repositories: makeRepositories(storage, 'default'),
      [Symbol.asyncDispose]: () => storage.close(),
    };
    api = await testApi({}, { database, patience: { shop: patience, admin: patience } });
    await addProducts(database, [{ id: 'a' }, { id: 'b' }]);
    await addModel(database, { a: [1, 0], b: [1, 0.1] });
  });
  afterAll(async () => {
    proxy.restore();
    await api[Symbol.asyncDispose]();
    await behind.close();
    await proxy[Symbol.asyncDispose]();
    await fresh[Symbol.asyncDispose]();
  });

  // A test that fails leaves no outage to the next one.
  afterEach(async () => {
    proxy.restore();
    await untilBack();
  });

  const list = (id: string) => api.shop(`{ similarItems(id: "${id}") { stale status nodes { id } } }`);
  const AWAY = { code: 'DATABASE_UNAVAILABLE', retry: true, retryAfter: expect.any(Number) };
  const untilBack = async () => {
    while ((await list('b')).data.similarItems?.stale !== false) await sleep(100);
  };

  test.each(['freeze', 'cut'] as const)(
    'a database behind a %s answers shoppers with a code and a time, with the last list where there is one, and comes back',
    async (fail) => {
      expect((await list('a')).data.similarItems).toMatchObject({ stale: false, nodes: [{ id: 'b' }] });
      proxy[fail]();
      expect((await list('a')).data.similarItems).toMatchObject({ stale: true, nodes: [{ id: 'b' }] });
      const unasked = await api.shop(`{ similarItems(id: "${fail}") { stale } product(by: { id: "a" }) { id } }`);
      expect(unasked.data).toEqual({ similarItems: null, product: null });
      expect(unasked.errors?.map(({ extensions }) => extensions)).toEqual([AWAY, AWAY]);
      expect((await api.admin('{ catalogHealth { products } }')).errors?.[0]?.extensions).toEqual(AWAY);
      expect((await fetch(`${api.server.url}/readyz`)).status).toBe(503);
      proxy.restore();
      await untilBack();
      expect((await list('a')).data.similarItems.stale).toBe(false);
      const write = 'mutation ($i: UpsertProductsInput!) { upsertProducts(input: $i) { created } }';
      const product = { id: `after ${fail}`, title: 'x', imageUrls: [] };
      expect((await api.admin(write, { i: { products: [product] } })).data.upsertProducts.created).toBe(1);
    },
  );

  test('a key that nobody can look for counts as none on the storefront, or as whose it was of late, and opens nothing else', async () => {
    const { apiKeys, catalogs } = api.database.repositories;
    await catalogs.create('summer');
    const { key } = await createApiKey({ apiKeys, catalogs }, { name: 'x', scopes: ['storefront'], catalog: 'summer' });
    const asked = (key: string, path = '/graphql') =>
      ask(
        `${api.server.url}${path}`,
        '{ similarItems(id: "a") { stale nodes { id } } }',
        {},
        { authorization: `Bearer ${key}`, 'simili-catalog': 'default' },
      );
    expect((await asked('simili_of-a-proxy')).data.similarItems).toMatchObject({ stale: false });
    expect(codeOf(await asked(key))).toBe('FORBIDDEN');
    proxy.cut();
    expect((await asked('simili_of-a-proxy')).data?.similarItems).toMatchObject({ stale: true, nodes: [{ id: 'b' }] });
    expect(codeOf(await asked(key))).toBe('FORBIDDEN');
    expect(codeOf(await asked('simili_of-a-proxy', '/admin/graphql'))).toBe('DATABASE_UNAVAILABLE');
  });

  test.each([
    ['cut', 'restore'],
    ['freeze', 'replace'],
  ] as const)(
    'a subscription that was open over a %s ends with what became of the job meanwhile',
    async (fail, mend) => {
      const { jobs } = makeRepositories(behind, 'default');
      const job = await jobs.create('RETRAIN', {}, 'test');
      const stream = await fetch(`${api.server.url}/admin/graphql/stream`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${ADMIN_KEY}`,
        },
        body: JSON.stringify({ query: `subscription { jobProgress(id: "${job.id}") { state } }` }),
      });
      const told: unknown[] = [];
      for await (const { event, data } of events(stream)) {
        told.push(event === 'complete' ? event : data);
        if (told.length > 1) continue;
        await Promise.all(Array.from({ length: 8 }, () => list('a'))); // so that its next read has a connection
        proxy[fail]();
        await jobs.cancel(job.id);
        while ((await fetch(`${api.server.url}/readyz`)).status !== 503) await sleep(50);
        const before = proxy.opened();
        while (proxy.opened() < before + 2) await sleep(50); // the stream's own tries
        proxy[mend]();
      }
      const state = (state: string) => ({ data: { jobProgress: { state } } });
      expect(told).toEqual([state('QUEUED'), state('CANCELLED'), 'complete']);
      await untilBack();
    },
  );

  test.each(['cut', 'freeze'] as const)(
    'a queue in a database behind a %s says that it is away, and that it is back',
    async (fail) => {
      const storage = { queue: { connectionString: proxy.url } };
      const queue = await openQueue({ storage, prefix: 'unused', onError: () => {} });
      onTestFinished(async () => {
        proxy.restore();
        await queue.close();
        await untilBack();
      });
      expect(await queue.alive()).toBe(true);
      proxy[fail]();
      expect(await queue.alive()).toBe(false);
      proxy.restore();
      while (!(await queue.alive())) await sleep(100);
    },
  );

  test('what a queue asks of a database whose machine is gone is given up, and asked of the one in its place', async () => {
    const pool = await openQueuePool(proxy.url, () => {}, 500);
    try {
      proxy.freeze();
      proxy.replace();
      await expect(pool.query('SELECT 1')).rejects.toThrow('timeout');
      const asked = () =>
        pool.query('SELECT $1::int AS n', [2]).then(
          ({ rows }) => rows,
          () => null,
        );
      await expect.poll(asked).toEqual([{ n: 2 }]); // behind those of its connections that were open
    } finally {
      await pool.end();
    }
  });

  test('while it is frozen, callers beyond the first do not wait: dead connections do not add up', async () => {
    proxy.freeze();
    await list('nobody'); // opens the circuit
    const before = proxy.opened();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => list(`nobody ${i}`)));
    expect(answers.every(({ errors }) => errors?.[0]?.extensions.code === 'DATABASE_UNAVAILABLE')).toBe(true);
    expect(proxy.opened() - before).toBeLessThan(50); // each would try a connection of its own
    proxy.restore();
    await untilBack();
  });

  test('a statement that outlasts its request is cancelled on the server', async () => {
    const slow = () => api.database.storage.prisma.$queryRaw`SELECT pg_sleep(3000)::text, 'to be cancelled'`;
    const asked = within(startDeadline({ statementMs: 60_000, requestMs: 400 }), () => slow().then(() => null));
    await expect(asked).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const watcher = new pg.Client({ connectionString: fresh.url });
    await watcher.connect();
    const running = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3000)%' AND state = 'active' AND pid <> pg_backend_pid()`;
    while ((await watcher.query(running)).rowCount) await sleep(50);
    await watcher.end();
  });

  test('a transaction whose request is over leaves neither a row nor an open session', async () => {
    const { prisma } = api.database.storage;
    const asked = within(startDeadline({ statementMs: 60_000, requestMs: 400 }), () =>
      prisma.$transaction(async (tx) => {
        await tx.installationSetting.create({ data: { key: 'half', value: 'done' } });
        await sleep(600);
        await tx.installationSetting.create({ data: { key: 'other half', value: 'done' } });
      }),
    );
    await expect(asked).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await api.database.repositories.installation.get('half')).toBeNull();
    const open = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`;
    while ((await prisma.$queryRawUnsafe<unknown[]>(open)).length) await sleep(50);
  });
});
