import { expect, test } from 'vitest';
import { createApiKey, usualAuthenticator } from '../../../../src/api-keys.ts';
import type { ApiKeyRow, NewApiKey } from '../../../../src/db/api-keys.ts';
import { hashOfKey } from '../../../../src/keys.ts';
import type { Authenticator, Credentials } from '../../../../src/ports/authenticator.ts';
import { authenticatorContract } from '../../../../src/testing/authenticator.ts';

const ADMIN = 'the-admin-key-0123456789';
/** A table of keys, and how often it was looked into. */
function table() {
  const rows: NewApiKey[] = [];
  const looked: string[] = [];
  const rowOf = ({ hash: _, ...row }: NewApiKey): ApiKeyRow => ({ ...row, createdAt: new Date(0) });
  const apiKeys = {
    create: async (row: NewApiKey) => rowOf(rows[rows.push(row) - 1]!),
    byHash: async (hash: string) => {
      looked.push(hash);
      const found = rows.find((row) => row.hash === hash);
      return found ? rowOf(found) : null;
    },
  };
  const catalogs = { exists: async (id: string) => id === 'default' };
  return {
    rows,
    looked,
    apiKeys,
    catalogs,
    usual: usualAuthenticator({ adminKeyHash: async () => hashOfKey(ADMIN), apiKeys }),
  };
}
const of = (key: string | null): Credentials => ({ key, header: () => null });
/** Titles of the checks that are not passed. */
async function failed(authenticator: Authenticator, known: readonly Credentials[]): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of authenticatorContract(authenticator, known)) await run().catch(() => titles.push(title));
  return titles;
}

test('the usual authenticator keeps the contract', async () => {
  const shop = table();
  const { key } = await createApiKey(shop, { name: 'erp', scopes: ['catalog'] });
  expect(await failed(shop.usual, [of(ADMIN), of(key)])).toEqual([]);
});

test('the admin key may do everything, a key what its scopes say in its catalog, and whoever has none ask and tell', async () => {
  const shop = table();
  const { key, row } = await createApiKey(shop, {
    name: 'erp',
    scopes: ['operate', 'catalog', 'catalog'],
    catalog: 'default',
  });
  expect(await shop.usual.authenticate(of(ADMIN))).toEqual({
    name: 'admin',
    scopes: ['storefront', 'feedback', 'catalog', 'operate'],
    catalog: null,
  });
  expect(await shop.usual.authenticate(of(key))).toEqual({
    name: `${row.id} erp`,
    scopes: ['catalog', 'operate'],
    catalog: 'default',
  });
  expect(await shop.usual.authenticate(of(null))).toMatchObject({ scopes: ['storefront', 'feedback'] });
  expect(JSON.stringify(shop.rows)).not.toContain(key);
});

test('no key, and a key that is not one of ours by its looks, cost no look into the table', async () => {
  const shop = table();
  for (const key of [null, ADMIN, 'eyJhbGciOiJIUzI1NiJ9.e30.x']) await shop.usual.authenticate(of(key));
  expect(shop.looked).toEqual([]);
  await shop.usual.authenticate(of('simili_guess'));
  expect(shop.looked).toHaveLength(1);
});

test.each([
  [{ name: '', scopes: ['catalog'] }, 'INVALID_ARGUMENT'],
  [{ name: 'x'.repeat(101), scopes: ['catalog'] }, 'INVALID_ARGUMENT'],
  [{ name: 'erp', scopes: [] }, 'INVALID_ARGUMENT'],
  [{ name: 'erp', scopes: ['catalog', 'root'] }, 'INVALID_ARGUMENT'],
  [{ name: 'erp', scopes: ['catalog'], catalog: 'nowhere' }, 'NOT_FOUND'],
])('there is no key %j', async (request, code) => {
  const shop = table();
  await expect(createApiKey(shop, request)).rejects.toMatchObject({ code });
  expect(shop.rows).toEqual([]);
});

const everything = { name: 'x', scopes: ['operate'] as const, catalog: null };
test.each<[string, Authenticator['authenticate'], RegExp]>([
  ['knows nobody', async () => null, /says who has a key/],
  ['lets everybody operate', async () => everything, /who has no key/],
  [
    'breaks on strangers',
    async ({ key }) => (key === ADMIN ? everything : JSON.parse(key ?? 'null')),
    /knows no stranger/,
  ],
  [
    'looks at the beginning of a key',
    async ({ key }) => (key?.startsWith('the-') ? everything : null),
    /cut, or longer/,
  ],
  [
    'makes scopes up',
    async ({ key }) => (key === ADMIN ? { ...everything, scopes: ['root' as never] } : null),
    /says who has/,
  ],
])('an authenticator that %s does not', async (_name, authenticate, title) => {
  expect(await failed({ name: 'own', authenticate }, [of(ADMIN)])).toContainEqual(expect.stringMatching(title));
});
