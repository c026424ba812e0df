import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../cli/app.ts';
import { operations } from '../../cli/shop/operations.ts';
import { createApiKey } from '../../src/api-keys.ts';
import { rotateAdminKey } from '../../src/keys.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { ask } from '../support/ask.ts';

/* Keys with scopes, over HTTP. */
let api: TestApi;
beforeAll(async () => {
  api = await testApi({ SIMILI_WRONG_KEYS_PER_MINUTE: '0' });
});
afterAll(() => api[Symbol.asyncDispose]());

const made = (scopes: string[], catalog: string | null = null) =>
  createApiKey(api.database.repositories, { name: 'test', scopes, catalog });
type Sent = { key?: string; catalog?: string; path?: string };
async function codes(query: string, { key, catalog, path = '/admin/graphql' }: Sent): Promise<string[]> {
  const headers = { ...(key && { authorization: `Bearer ${key}` }), ...(catalog && { 'simili-catalog': catalog }) };
  const { errors = [] } = await ask(`${api.server.url}${path}`, query, {}, headers);
  return errors.map(({ extensions }) => String(extensions?.code));
}
const FIELDS = {
  storefront: '{ similarItems(id: "x") { status } }',
  feedback: 'mutation { submitFeedback(input: { visitor: { id: "v" }, events: [] }) { accepted } }',
  catalog: '{ catalogHealth { products } }',
  operate: '{ models { number } }',
};

test.each(['storefront', 'feedback', 'catalog', 'operate'] as const)(
  'a key with the scope %s may do that, and nothing else of the admin contract',
  async (scope) => {
    const { key } = await made([scope, 'catalog']);
    for (const [name, query] of Object.entries(FIELDS))
      expect(await codes(query, { key }), name).toEqual(name === scope || name === 'catalog' ? [] : ['FORBIDDEN']);
  },
);

test('a key of the storefront does not open the admin API at all, no key and an unknown one even less', async () => {
  const { key } = await made(['storefront', 'feedback']);
  expect(await codes(FIELDS.storefront, { key })).toEqual(['FORBIDDEN']);
  expect(await codes(FIELDS.storefront, {})).toEqual(['UNAUTHENTICATED']);
  expect(await codes(FIELDS.storefront, { key: 'simili_unknown' })).toEqual(['UNAUTHENTICATED']);
  expect(await codes(Object.values(FIELDS).slice(2)[0]!, { key: ADMIN_KEY })).toEqual([]);
});

test('the storefront is open to everybody, also with a key that belongs to something else; one of ours has its scopes there too', async () => {
  const path = '/graphql';
  for (const key of [undefined, 'eyJhbGciOiJIUzI1NiJ9.e30.x', 'simili_unknown', ADMIN_KEY])
    expect(await codes(FIELDS.storefront, { path, ...(key && { key }) })).toEqual([]);
  const { key } = await made(['storefront']);
  expect(await codes(FIELDS.storefront, { path, key })).toEqual([]);
  expect(await codes(FIELDS.feedback, { path, key })).toEqual(['FORBIDDEN']);
});

test('simili key makes a key, lists it without the key itself, and ends it', async () => {
  const app = { repositories: api.database.repositories } as unknown as App;
  const tell = () => {};
  const { id, key } = await operations.createKey(app, { name: 'erp', scopes: ['operate', 'catalog'] }, tell);
  const listed = await operations.keys(app, {}, tell);
  const createdAt = expect.stringMatching(/^\d{4}-/);
  expect(listed).toContainEqual({ id, name: 'erp', scopes: ['catalog', 'operate'], catalog: null, createdAt });
  expect(JSON.stringify(listed)).not.toContain(key);
  expect(await codes(FIELDS.operate, { key })).toEqual([]);
  expect(await operations.revokeKey(app, { id }, tell)).toBe(true);
  expect(await codes(FIELDS.operate, { key })).toEqual(['UNAUTHENTICATED']);
});

test('a key ends at once when it is revoked', async () => {
  const { key, row } = await made(['catalog']);
  expect(await codes(FIELDS.catalog, { key })).toEqual([]);
  expect(await api.database.repositories.apiKeys.remove(row.id)).toBe(true);
  expect(await codes(FIELDS.catalog, { key })).toEqual(['UNAUTHENTICATED']);
  expect(await api.database.repositories.apiKeys.remove(row.id)).toBe(false);
});

test('a stream ends with the key that opened it, also with an admin key that was replaced', async () => {
  await using own = await testApi({ SIMILI_ADMIN_KEY: '' });
  const { apiKeys, catalogs, installation } = own.database.repositories;
  const tap = async (key: string) => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${key}` };
    const body = JSON.stringify({ query: 'subscription { feedbackTap { kind } }' });
    const stream = await fetch(`${own.server.url}/admin/graphql/stream`, { method: 'POST', headers, body });
    expect(stream.status).toBe(200);
    let ended = false;
    const end = stream.text().then(() => {
      ended = true;
    });
    return { end, hasEnded: () => ended };
  };
  const keyOf = (name: string) => createApiKey({ apiKeys, catalogs }, { name, scopes: ['operate'] });
  const [revoked, staying] = [await keyOf('a'), await keyOf('b')];
  const streams = {
    revoked: await tap(revoked.key),
    staying: await tap(staying.key),
    admin: await tap(await rotateAdminKey(installation)),
  };
  await apiKeys.remove(revoked.row.id);
  await rotateAdminKey(installation);
  await Promise.all([streams.revoked.end, streams.admin.end]);
  expect(streams.staying.hasEnded()).toBe(false);
});

test('a key of one catalog is for that one, and goes with it', async () => {
  const { catalogs, apiKeys } = api.database.repositories;
  await catalogs.create('second');
  const { key, row } = await made(['catalog', 'storefront'], 'second');
  expect(await codes(FIELDS.catalog, { key, catalog: 'default' })).toEqual(['FORBIDDEN']);
  expect(await codes(FIELDS.storefront, { key, catalog: 'default', path: '/graphql' })).toEqual(['FORBIDDEN']);
  expect(await codes(FIELDS.catalog, { key, catalog: 'second' })).toEqual([]);
  // A request that names none is about the key's own.
  const upsert =
    'mutation { upsertProducts(input: { products: [{ id: "mug", title: "Mug", imageUrls: [] }] }) { created } }';
  expect(await codes(upsert, { key })).toEqual([]);
  const { repositories } = api.database;
  expect(await repositories.forCatalog('second').products.count()).toBe(1);
  expect(await repositories.products.count()).toBe(0);
  await catalogs.remove('second');
  expect((await apiKeys.list()).map(({ id }) => id)).not.toContain(row.id);
});

test("a shop's own authenticator may close the storefront", async () => {
  const authenticator: Authenticator = {
    name: 'members',
    authenticate: async ({ key, header }) =>
      key === 'member' && header('x-shop') === 'on' ? { name: 'member', scopes: ['storefront'], catalog: null } : null,
  };
  await using own = await testApi({}, { authenticator });
  const codesOf = async (headers: Record<string, string>) =>
    (await ask(`${own.server.url}/graphql`, FIELDS.storefront, {}, headers)).errors?.map(
      ({ extensions }) => extensions?.code,
    );
  expect(await codesOf({})).toEqual(['UNAUTHENTICATED']);
  expect(await codesOf({ authorization: 'Bearer member' })).toEqual(['UNAUTHENTICATED']);
  expect(await codesOf({ authorization: 'Bearer member', 'x-shop': 'on' })).toBeUndefined();
});
