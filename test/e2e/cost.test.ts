import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { loadConfig } from '../../src/config.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { adminKeyOf, fakeLog } from '../support/api.ts';
import { type Answer, ask, codeOf, host } from '../support/ask.ts';
import { cheapShop } from '../support/cheap-shop.ts';
import { type Costly, costly, stall } from '../support/costly.ts';
import { randomRequest } from '../support/random-document.ts';

const shop = cheapShop();
let server: RunningServer;
beforeAll(async () => {
  const repositories = { images: {}, models: {} } as never;
  const config = loadConfig({ PORT: '0', NODE_ENV: 'production' });
  // biome-ignore format: one start
  server = await startServer({ services: shop.services, repositories, authenticator: adminKeyOf(() => '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'), config, log: fakeLog().log });
});
afterAll(() => server.close());

const key = { authorization: 'Bearer secret' };
const nothing = { lists: 0, reads: 0 };
/** A whole answer with its size. */
async function post(
  path: string,
  request: Costly,
  headers: Record<string, string> = {},
): Promise<Answer & { bytes: number }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  return { status: response.status, bytes: text.length, ...JSON.parse(text) };
}

test.each(Object.entries(costly))(
  '%s is one refusal of one error, before any query of the database',
  async (_what, [request, message]) => {
    shop.spent();
    const answer = await post('/graphql', request);
    expect(answer).toMatchObject({
      status: 400,
      errors: [{ message: expect.stringMatching(message), extensions: { code: 'TOO_COSTLY', retry: false } }],
    });
    expect([answer.errors?.length, answer.data, shop.spent()]).toEqual([1, undefined, nothing]);
    expect(answer.bytes).toBeLessThan(300);
  },
);

test('the admin API and its stream hold the limits too', async () => {
  shop.spent();
  const { errors } = await post('/admin/graphql', stall, key);
  expect(errors).toMatchObject([{ extensions: { code: 'TOO_COSTLY' } }]);
  const response = await fetch(`${server.url}/admin/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...key },
    body: JSON.stringify(stall),
  });
  expect((await response.text()).match(/TOO_COSTLY/g)).toHaveLength(1);
  expect(shop.spent()).toEqual(nothing);
});

test('a document that was taken once is refused with larger variables, and the other way round', async () => {
  const query =
    'query Once($n: Int) { similarItems(id: "a", first: $n) { nodes { a: similarItems { status } b: similarItems { status } c: similarItems { status } } } }';
  for (const [
    n,
    code,
  ] of [[50, 'TOO_COSTLY'], [5, undefined], [50, 'TOO_COSTLY'], [33, undefined], [34, 'TOO_COSTLY']] as const) // biome-ignore format: a sequence
    expect([n, codeOf(await post('/graphql', { query, variables: { n } }))]).toEqual([n, code]);
});

test('a long document is refused before it is read, whatever it holds', async () => {
  for (const filling of ['#\n', ' ', '{', '"', '__typename '])
    expect(codeOf(await post('/graphql', { query: `{ __typename } ${filling.repeat(66_000 / filling.length)}` }))).toBe(
      'TOO_COSTLY',
    );
  expect(codeOf(await post('/admin/graphql', { query: `{ __typename } ${'#\n'.repeat(500_000)}` }, key))).toBe(
    'TOO_COSTLY',
  );
});

test('a document of errors is answered with a few of them', async () => {
  const answer = await post('/graphql', {
    query: `{ product(by: { id: "a" }) { ${Array.from({ length: 900 }, (_, i) => `wrong${i}`).join(' ')} } }`,
  });
  expect([answer.status, codeOf(answer)]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
  expect(answer.errors?.length).toBeLessThanOrEqual(11);
});

test('over HTTP too, every generated request is either answered or refused with a code', async () => {
  const random = makeRandom(2);
  const codes = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    const { operationName, ...request } = randomRequest(shop.storefront, random);
    shop.spent();
    const answer = await post('/graphql', { ...request, ...(operationName && { operationName }) });
    const code = answer.status === 413 ? 'LARGE' : (codeOf(answer) ?? 'none');
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (answer.status !== 200) expect(shop.spent()).toEqual(nothing);
    expect(answer.bytes).toBeLessThan(2_000_000);
  }
  expect([...codes.keys()].sort()).toEqual(expect.arrayContaining(['GRAPHQL_VALIDATION_FAILED', 'TOO_COSTLY', 'none']));
  expect(codes.get('INTERNAL')).toBeUndefined();
}, 120_000);

const theirs = makeExecutableSchema({
  typeDefs: 'type Query { product(id: ID!): Product shelf(first: Int): [Product!]! } type Product { id: ID! }',
  resolvers: {
    Query: {
      product: (_root: unknown, { id }: { id: string }) => ({ id }),
      shelf: (_root: unknown, { first }: { first: number }) =>
        Array.from({ length: first }, (_, i) => ({ id: `p${i}` })),
    },
  },
});

test("in a host's Apollo server the plugin refuses beforehand, the host's own lists included", async () => {
  const own = new ApolloServer({
    schema: shop.plugin.extend(theirs),
    plugins: [shop.plugin.limits({ levels: 12 })],
  });
  const { url } = await startStandaloneServer(own, { listen: { port: 0, host: '127.0.0.1' } });
  shop.spent();
  for (const [query, variables] of [
    [stall.query, stall.variables],
    ['query ($n: Int) { shelf(first: $n) { similarItems { status } } }', { n: 101 }],
  ] as const) {
    const answer = await ask(url, query, variables);
    expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code: 'TOO_COSTLY', retry: false } }] });
    expect([answer.errors?.length, shop.spent()]).toEqual([1, nothing]);
  }
  expect(
    (await ask(url, 'query ($n: Int) { shelf(first: $n) { similarItems { status } } }', { n: 100 })).errors,
  ).toBeUndefined();
  await own.stop();
});

test('a host that does not ask beforehand gets one error and no list after the hundredth', async () => {
  await using own = await host(shop.plugin.extend(theirs));
  shop.spent();
  const answer = await ask(own.url, stall.query, stall.variables);
  expect(answer.errors).toMatchObject([{ extensions: { code: 'TOO_COSTLY' } }]);
  expect(shop.spent().lists).toBe(100);
});
