import { buildClientSchema, buildSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { isOpenToExplore } from '../../src/http/exploring.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { codeOf, events } from '../support/ask.ts';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const SHOP = 'http://shop.example';

/** NODE_ENV says nothing and the address is loopback, as with `npm start`. */
let open: TestApi;
/** A shop's server, behind one proxy. */
let shut: TestApi;
beforeAll(async () => {
  [open, shut] = await Promise.all([
    testApi({ NODE_ENV: '', SIMILI_CORS_ORIGINS: SHOP }),
    testApi({ NODE_ENV: 'production', SIMILI_TRUSTED_HOPS: '1' }),
  ]);
});
afterAll(() => Promise.all([open[Symbol.asyncDispose](), shut[Symbol.asyncDispose]()]));

async function streamed(api: TestApi, query: string) {
  const response = await fetch(`${api.server.url}/admin/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  for await (const { data } of events(response)) return data as any;
}

test('on loopback a browser that opens /graphql gets GraphiQL, with nothing from another host, and clients get answers', async () => {
  const page = await fetch(`${open.server.url}/graphql`, { headers: HTML });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self' 'sha256-\S+';/);
  const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
  expect(files).toHaveLength(5);
  for (const file of files) {
    expect(file).toMatch(/^\/[^/]/);
    expect((await fetch(open.server.url + file)).status).toBe(200);
  }
  const query = await fetch(`${open.server.url}/graphql?query={__typename}`, {
    headers: { ...HTML, 'apollo-require-preflight': '1' },
  });
  expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
});

test('on loopback, too, a page of an allowed origin may ask', async () => {
  const headers = { origin: SHOP, 'access-control-request-method': 'POST' };
  const preflight = await fetch(`${open.server.url}/graphql`, { method: 'OPTIONS', headers });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(SHOP);
});

test('on loopback the whole introspection query is answered, and /schema.graphql is the same contract', async () => {
  const { data } = await open.shop(getIntrospectionQuery());
  const contract = buildSchema(await (await fetch(`${open.server.url}/schema.graphql`)).text());
  const fieldsOf = (schema: typeof contract) => Object.keys(schema.getQueryType()?.getFields() ?? {});
  expect(fieldsOf(buildClientSchema(data as IntrospectionQuery))).toEqual(fieldsOf(contract));
  expect(fieldsOf(contract)).toContain('similarItems');
  expect((await streamed(open, '{ __schema { queryType { name } } }')).data.__schema.queryType.name).toBe('Query');
});

test('the files of GraphiQL come compressed, with the type of what is inside', async () => {
  for (const [file, type] of [
    ['graphiql.min.js', 'text/javascript'],
    ['graphiql.min.css', 'text/css'],
  ]) {
    const answer = await fetch(`${open.server.url}/graphiql/${file}`);
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.headers.get('content-type')).toContain(type);
    expect(await answer.text()).toMatch(/GraphiQL|graphiql/);
  }
});

test('elsewhere there is no GraphiQL, no contract and no introspection, and no sentence names an option of Apollo', async () => {
  expect((await fetch(`${shut.server.url}/graphql`, { headers: HTML })).headers.get('content-type')).not.toContain(
    'html',
  );
  expect((await fetch(`${shut.server.url}/schema.graphql`)).status).toBe(404);
  expect((await fetch(`${shut.server.url}/graphiql/graphiql.min.js`)).status).toBe(404);
  const asked = '{ __schema { queryType { name } } }';
  for (const answer of [await shut.shop(asked), await shut.admin(asked), await streamed(shut, asked)]) {
    expect(answer.errors[0]).toMatchObject({
      message: expect.not.stringMatching(/apollo/i),
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  }
});

test.each([
  [{}, true],
  [{ HOST: 'localhost' }, true],
  [{ HOST: '::1' }, true],
  [{ HOST: '0.0.0.0' }, false],
  [{ HOST: '0.0.0.0', NODE_ENV: 'development' }, true],
  [{ NODE_ENV: 'production' }, false],
  [{ NODE_ENV: 'test' }, false],
  [{ SIMILI_TRUSTED_HOPS: '1' }, false],
])('with %o callers may explore the contract: %s', (env, expected) => {
  expect(isOpenToExplore(loadConfig(env))).toBe(expected);
});

test('outside development the stream suggests no names, as the other endpoints', async () => {
  const misspelt = '{ model { id } }';
  for (const answer of [await shut.admin(misspelt), await streamed(shut, misspelt)])
    expect(answer.errors[0].message).toBe('Cannot query field "model" on type "Query".');
  expect((await streamed(open, misspelt)).errors[0].message).toContain('Did you mean');
});

test('a subscription sent to an endpoint that answers once is refused with the address of the stream', async () => {
  const subscription = 'subscription { jobProgress(id: "job") { state } }';
  for (const answer of [await shut.shop(subscription), await shut.admin(subscription)]) {
    expect([answer.status, codeOf(answer)]).toEqual([400, 'BAD_REQUEST']);
    expect(answer.errors?.[0]?.message).toContain('/admin/graphql/stream');
  }
  expect(shut.logged).toEqual([]);
});

test('browsers that come over TLS, as a trusted proxy says, are told to come no other way; nobody else is believed', async () => {
  const told = async (api: TestApi, headers: Record<string, string>) =>
    (await fetch(`${api.server.url}/healthz`, { headers })).headers.get('strict-transport-security');
  expect(await told(shut, { 'x-forwarded-proto': 'https' })).toBe('max-age=31536000');
  expect(await told(shut, { 'x-forwarded-proto': 'http' })).toBeNull();
  expect(await told(open, { 'x-forwarded-proto': 'https' })).toBeNull();
});

test('GET /client.js may be loaded by pages of all origins, is kept for an hour, and is not sent twice', async () => {
  const url = `${shut.server.url}/client.js`;
  const first = await fetch(url, { headers: { 'accept-encoding': 'br' } });
  const headers = Object.fromEntries(first.headers);
  expect(headers).toMatchObject({
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': 'public, max-age=3600, stale-while-revalidate=86400',
    'content-type': 'text/javascript; charset=utf-8',
    'content-encoding': 'br',
  });
  expect(await first.text()).toContain('simili-similar-items');
  const known = { 'accept-encoding': 'br', 'if-none-match': headers.etag ?? '', 'cache-control': 'max-age=0' };
  const again = await fetch(url, { headers: known });
  expect(again.status).toBe(304);
});
