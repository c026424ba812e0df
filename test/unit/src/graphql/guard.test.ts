import { graphql } from 'graphql';
import { expect, test } from 'vitest';
import type { AdminGuard } from '../../../../src/graphql/guard.ts';
import { cheapShop } from '../../../support/cheap-shop.ts';

const { plugin, spent } = cheapShop();
const KEY = 'a-key-of-16-chars';
const asked = async (guard: AdminGuard, contextValue: object, source = '{ models { number } }') =>
  graphql({ schema: plugin.admin(guard), source, contextValue });
const codes = ({ errors }: Awaited<ReturnType<typeof asked>>) => errors?.map(({ extensions }) => extensions.code);

test.each([
  undefined,
  null,
  {},
  { adminKey: '' },
  { adminKey: 'too-short' },
  { authorize: true },
  { adminKey: KEY, authorize: () => true },
])('the admin contract is not to be had under the guard %j', (guard) => {
  expect(() => plugin.admin(guard as never)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION_INVALID', message: expect.stringContaining('plugin.admin()') }),
  );
});

test('no root field, of queries, mutations and subscriptions, runs for those whom the guard does not let in', async () => {
  const schema = plugin.admin({ authorize: () => false });
  spent();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((type) => Object.values(type?.getFields() ?? {}));
  expect(fields.length).toBeGreaterThan(15);
  for (const { name, resolve, subscribe } of fields)
    await expect((subscribe ?? resolve)?.({}, {} as never, {}, {} as never), name).rejects.toMatchObject({
      extensions: { code: 'UNAUTHENTICATED', retry: false },
    });
  expect(spent()).toEqual({ lists: 0, reads: 0 });
});

test.each([
  ['of Fetch', { request: new Request('http://shop.test', { headers: { authorization: `Bearer ${KEY}` } }) }],
  ['of Node', { req: { headers: { authorization: `bearer ${KEY}` } } }],
])('the right key opens it, in a request %s', async (_kind, context) => {
  expect((await asked({ adminKey: KEY }, context)).data).toMatchObject({ models: expect.any(Array) });
});

test.each([
  {},
  { req: {} },
  { req: { headers: { authorization: 'Bearer another-key-of-16' } } },
  { req: { headers: { authorization: KEY } } },
])('another key, or none, does not: %j', async (context) =>
  expect(codes(await asked({ adminKey: KEY }, context))).toEqual(['UNAUTHENTICATED']),
);

test('a function decides by the context, at once or later; only true is yes', async () => {
  const guard = { authorize: async ({ role }: { role?: string }) => role === 'owner' } as AdminGuard;
  expect(codes(await asked(guard, { role: 'guest' }))).toEqual(['UNAUTHENTICATED']);
  expect(codes(await asked(guard, { role: 'owner' }))).toBeUndefined();
  const truthy = { authorize: () => ({ error: 'expired' }) } as never;
  expect(codes(await asked(truthy, {}))).toEqual(['UNAUTHENTICATED']);
});

test('a function that fails lets nobody in, and its reason stays inside', async () => {
  const broken = { authorize: () => Promise.reject(new Error('token of 10.0.0.7')) };
  const { errors } = await asked(broken, {});
  expect(errors?.[0]?.extensions.code).toBe('INTERNAL');
  expect(errors?.[0]?.message).not.toContain('10.0.0.7');
});

test('a field is asked for with what it is for: a host that has keys of its own may let each do a part', async () => {
  const scopes: string[] = [];
  const guard = { authorize: (_context: object, scope: string) => scopes.push(scope) > 0 };
  await asked(guard, {}, '{ catalogHealth { products } models { number } similarItems(id: "x") { status } }');
  expect(scopes.sort()).toEqual(['catalog', 'operate', 'storefront']);
});

test('the storefront may have a guard, too; without one the server sees to who may ask', async () => {
  const source = '{ similarItems(id: "x") { status } }';
  const closed = plugin.standalone({ authorize: () => false });
  expect(codes(await graphql({ schema: closed, source, contextValue: {} }))).toEqual(['UNAUTHENTICATED']);
  expect(codes(await graphql({ schema: plugin.standalone(), source, contextValue: {} }))).toBeUndefined();
  expect(() => plugin.standalone(null as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }));
});
