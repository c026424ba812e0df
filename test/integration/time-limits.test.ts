import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { timeLeft } from '../../src/deadline.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import { type TestApi, testApi, UNHURRIED } from '../support/api.ts';
import { type Answer, ask } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

/* Each question that a shopper's list asks the database ends with its request, whichever way the deadline reaches it. */
describe('a table that somebody holds', { tags: ['postgres'] }, () => {
  let fresh: FreshPostgres;
  let holder: pg.Client;
  let table: string;
  const IN_A_SECOND = { shop: { statementMs: 600_000, requestMs: 1000 }, admin: UNHURRIED.admin };

  beforeAll(async () => {
    fresh = await freshPostgresDatabase(postgresUrl());
    const api = await opened(UNHURRIED);
    const { database } = api;
    await addProducts(database, [{ id: 'a' }, { id: 'b', categories: ['Mugs'] }, { id: 'c', categories: ['Mugs'] }]);
    await addProducts(database, [{ id: 'cold', categories: ['Mugs'] }]);
    await addModel(database, { a: [1, 0], b: [1, 0.1], c: [1, 0.2] });
    const { number } = await addModel(database, { a: [1, 0], b: [1, 0.1], c: [1, 0.2] });
    table = `simili.embedding_${number}`;
    await database.repositories.catalogs.create('other');
    await addProducts({ repositories: database.repositories.forCatalog('other') }, [{ id: 'a' }]);
    await api[Symbol.asyncDispose]();
    holder = new pg.Client({ connectionString: fresh.url });
    await holder.connect();
  });
  afterAll(async () => {
    await holder.end();
    await fresh[Symbol.asyncDispose]();
  });

  /** An API that has asked nothing yet. */
  async function opened(patience: typeof UNHURRIED, authenticator?: Authenticator): Promise<TestApi> {
    const storage = await openPostgres(fresh.url);
    const database = {
      storage,
      repositories: makeRepositories(storage, 'default'),
      [Symbol.asyncDispose]: () => storage.close(),
    };
    return testApi({}, { database, patience, ...(authenticator && { authenticator }) });
  }
  async function hurried(): Promise<TestApi> {
    const api = await opened(IN_A_SECOND);
    onTestFinished(() => api[Symbol.asyncDispose]());
    return api;
  }
  const held = async (name: string): Promise<void> => {
    await holder.query(`BEGIN; LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`);
    onTestFinished(async () => void (await holder.query('ROLLBACK')));
  };
  const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions?.code);
  const untilNobodyWaits = () =>
    expect
      .poll(async () => {
        const sql = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return (await holder.query(sql)).rowCount;
      })
      .toBe(0);

  const LIST = '{ similarItems(id: "a") { status } }';
  const OF_MUGS = '{ similarItems(id: "a", filter: { categories: ["mugs"] }) { status } }';
  const COLD = '{ similarItems(id: "cold", fallback: CATEGORY) { status } }';

  test.each([
    ['which version serves', 'simili.serving', LIST, {}],
    ['what is near', null, LIST, {}],
    ['what is near under a filter', null, OF_MUGS, {}],
    ['what is near to several', null, '{ similarToProducts(ids: ["a", "b"]) { status } }', {}],
    ['what is near to a product of a product', null, '{ product(by: { id: "a" }) { similarItems { status } } }', {}],
    ['how a category is spelled', 'simili.category_name', OF_MUGS, {}],
    ['which categories have an index', 'simili.category_index', OF_MUGS, {}],
    ['what is shown instead', 'simili.popular_product', COLD, {}],
    ['which catalogs there are', 'simili.catalog', LIST, { 'simili-catalog': 'other' }],
    ['whether there is such a product', 'simili.product', LIST, { 'simili-catalog': 'other' }],
    [
      'what a picture looks like',
      'simili.picture_query',
      '{ similarToPicture(picture: { url: "https://a.test/1.jpg" }) { status } }',
      {},
    ],
  ])('%s: who asks is answered in time', async (_what, name, query, headers) => {
    const api = await hurried();
    await held(name ?? table);
    const since = performance.now();
    expect(codesOf(await ask(`${api.server.url}/graphql`, query, {}, headers))).toEqual(['DEADLINE_EXCEEDED']);
    expect(performance.now() - since).toBeGreaterThan(900);
    await untilNobodyWaits();
  });

  test('the version of a page before: who asks for the next one is answered in time', async () => {
    const patient = await opened(UNHURRIED);
    onTestFinished(() => patient[Symbol.asyncDispose]());
    const page = async (api: TestApi, after: string | null) =>
      api.shop('query ($after: String) { similarItems(id: "a", first: 1, after: $after) { pageInfo { endCursor } } }', {
        after,
      });
    const { data } = await page(patient, null);
    const { endCursor } = (data.similarItems as { pageInfo: { endCursor: string } }).pageInfo;
    await addModel(patient.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.2] });
    const api = await hurried();
    await page(api, null); // it knows which version serves
    await held('simili.model_version');
    expect(codesOf(await page(api, endCursor))).toEqual(['DEADLINE_EXCEEDED']);
    await untilNobodyWaits();
  });

  test('an authenticator that may wait is asked in time, with a key and without; the usual one looks at keys alone', async () => {
    const seen: (number | undefined)[] = [];
    const authenticator: Authenticator = {
      name: 'sessions',
      authenticate: async () => {
        seen.push(timeLeft()?.ms);
        return { name: 'somebody', scopes: ['storefront'], catalog: null };
      },
    };
    const api = await opened(IN_A_SECOND, authenticator);
    onTestFinished(() => api[Symbol.asyncDispose]());
    await ask(`${api.server.url}/graphql`, LIST);
    await ask(`${api.server.url}/graphql`, LIST, {}, { authorization: 'Bearer some-key' });
    expect(seen).toEqual([expect.any(Number), expect.any(Number)]);
  });

  test('pages that ask nothing but what is near are followed through none of their promises', async () => {
    const api = await opened(UNHURRIED);
    onTestFinished(() => api[Symbol.asyncDispose]());
    const run = vi.spyOn(AsyncLocalStorage.prototype, 'run');
    onTestFinished(() => run.mockRestore());
    const PAGE =
      '{ similarItems(id: "a") { status nodes { id title price { amount } image { url } } pageInfo { hasNextPage } } }';
    expect((await api.shop(PAGE)).data).toMatchObject({ similarItems: { status: 'OK' } });
    expect(run).toHaveBeenCalled(); // which version serves
    run.mockClear();
    const since = performance.now();
    for (let i = 0; i < 200; i++) await api.shop(PAGE);
    const reads = (performance.now() - since) / 250; // the same, four times a second
    expect(run.mock.calls.length).toBeLessThanOrEqual(2 * reads + 5);
  });
});
