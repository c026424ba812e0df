import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

describe('a client that leaves before its answer', { tags: ['postgres'] }, () => {
  let fresh: FreshPostgres;
  let api: TestApi;
  let watcher: pg.Client;
  let holder: pg.Client;

  beforeAll(async () => {
    fresh = await freshPostgresDatabase(postgresUrl());
    const storage = await openPostgres(fresh.url);
    const database = {
      storage,
      repositories: makeRepositories(storage, 'default'),
      [Symbol.asyncDispose]: () => storage.close(),
    };
    api = await testApi({}, { database });
    await addProducts(database, [{ id: 'a' }, { id: 'b' }]);
    await addModel(database, { a: [1, 0], b: [1, 0.1] });
    watcher = new pg.Client({ connectionString: fresh.url });
    holder = new pg.Client({ connectionString: fresh.url });
    await Promise.all([watcher.connect(), holder.connect()]);
  });
  afterAll(async () => {
    await Promise.all([watcher.end(), holder.end()]);
    await api[Symbol.asyncDispose]();
    await fresh[Symbol.asyncDispose]();
  });

  /** While somebody holds the products, whatever asks for them takes as long as that: here for ever, as these requests have ten minutes. */
  const holdProducts = async (): Promise<{ release(): Promise<void> }> => {
    await holder.query('BEGIN; LOCK TABLE simili.product IN ACCESS EXCLUSIVE MODE');
    const release = async () => void (await holder.query('ROLLBACK'));
    onTestFinished(release);
    return { release };
  };
  const waiting = async (): Promise<number> => {
    const sql = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await watcher.query(sql)).rowCount ?? 0;
  };
  const untilWaiting = (statements: number) => expect.poll(waiting).toBe(statements);

  const asked = (path: string, query: string) => {
    const client = new AbortController();
    const answer = fetch(api.server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify({ query }),
      signal: client.signal,
    }).then((response) => response.json());
    answer.catch(() => {}); // the client has left
    return { answer, leave: () => client.abort() };
  };
  const SHOP_QUERY = '{ product(by: { id: "a" }) { title } }';

  test.each([
    ['/graphql', SHOP_QUERY],
    ['/graphql', '{ similarItems(id: "a") { status } }'],
    ['/admin/graphql', '{ catalogHealth { products } }'],
  ])('the statement of its query at %s is cancelled on the server: %s', async (path, query) => {
    await holdProducts();
    const { leave } = asked(path, query);
    await expect.poll(waiting).toBeGreaterThan(0);
    leave();
    await untilWaiting(0);
    expect(api.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('its mutation is committed all the same', async () => {
    const { release } = await holdProducts();
    const write =
      'mutation { upsertProducts(input: { products: [{ id: "late", title: "x", imageUrls: [] }] }) { created } }';
    const mutation = asked('/admin/graphql', write);
    await untilWaiting(1);
    mutation.leave();
    // A query that leaves after it is cancelled: by then the server has seen both leave.
    const query = asked('/graphql', SHOP_QUERY);
    await untilWaiting(2);
    query.leave();
    await untilWaiting(1);
    await release();
    await expect.poll(() => api.database.repositories.products.byIds(['late'])).toHaveLength(1);
  });

  test('the next request on a connection that is kept alive is untouched', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const post = () => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(`${api.server.url}/graphql`, { method: 'POST', agent, headers });
      const answer = new Promise<IncomingMessage>((resolve, reject) =>
        sent.on('response', resolve).on('error', reject),
      );
      sent.end(JSON.stringify({ query: SHOP_QUERY }));
      return { sent, answer: answer.then(async (response) => JSON.parse(await text(response))) };
    };
    const FOUND = { data: { product: { title: expect.any(String) } } };
    expect(await post().answer).toEqual(FOUND);
    const { release } = await holdProducts();
    const second = post();
    await untilWaiting(1);
    const left = asked('/graphql', SHOP_QUERY);
    await untilWaiting(2);
    left.leave();
    await untilWaiting(1);
    await release();
    expect(await second.answer).toEqual(FOUND);
    expect(second.sent.reusedSocket).toBe(true);
  });
});
