import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTrustedDocuments } from '../../src/http/trusted-documents.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

const ids = Array.from({ length: 40 }, (_, i) => `p${i}`);
let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ids.map((id) => ({ id })),
  );
  await addModel(api.database, Object.fromEntries(ids.map((id, i) => [id, [Math.sin(i), Math.cos(i)]])));
});
afterAll(() => api[Symbol.asyncDispose]());

type Raw = { status: number; headers: Record<string, string | string[] | undefined>; bytes: Buffer };
/** Not fetch, which asks for codings and undoes them by itself. */
const raw = (url: string, headers: Record<string, string>, body?: string): Promise<Raw> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, async (res) => {
      const bytes = Buffer.concat(await res.toArray());
      resolve({ status: res.statusCode ?? 0, headers: res.headers, bytes });
    });
    asked.on('error', reject).end(body);
  });
const JSON_BODY = { 'content-type': 'application/json' };
const LONG = '{ products(first: 40) { nodes { id title availableForSale } } }';
const post = (body: object, headers: Record<string, string> = {}, path = '/graphql') =>
  raw(`${api.server.url}${path}`, { ...JSON_BODY, ...headers }, JSON.stringify(body));
const get = (search: Record<string, string>, headers: Record<string, string> = {}) =>
  raw(`${api.server.url}/graphql?${new URLSearchParams(search)}`, { 'apollo-require-preflight': '1', ...headers });
const dataOf = ({ bytes }: Raw) => JSON.parse(bytes.toString()).data;

describe('an answer is compressed as its caller likes best', () => {
  const key = { authorization: `Bearer ${ADMIN_KEY}` };
  test.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['gzip;q=1, br;q=0.1', 'gzip', gunzipSync],
  ])('%s: %s', async (accepted, coding, decoded) => {
    const plain = await post({ query: LONG });
    for (const answer of [
      await post({ query: LONG }, { 'accept-encoding': accepted }),
      await post({ query: LONG }, { 'accept-encoding': accepted, ...key }, '/admin/graphql'),
      await get({ query: LONG }, { 'accept-encoding': accepted }),
    ]) {
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, coding]);
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(Number(answer.headers['content-length'])).toBe(answer.bytes.length);
      expect(decoded(answer.bytes).toString()).toBe(plain.bytes.toString());
      expect(answer.bytes.length).toBeLessThan(plain.bytes.length / 3);
    }
  });

  test('one who accepts none, and a short answer, get it as it is, and a cache is told that it depends', async () => {
    const answers = [
      await post({ query: LONG }),
      await post({ query: LONG }, { 'accept-encoding': 'identity' }),
      await post({ query: LONG }, { 'accept-encoding': 'zstd' }),
      await post({ query: '{ products(first: 1) { nodes { id } } }' }, { 'accept-encoding': 'br' }),
    ];
    for (const answer of answers) {
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(dataOf(answer).products.nodes[0]).toMatchObject({ id: 'p0' });
      expect(answer.headers.vary).toContain('Accept-Encoding');
    }
  });
});

test('an answer to POST is whole and has no mark for caches, however many bytes its letters have; one to GET has one', async () => {
  const titled = '{ product(by: { id: "p1" }) { title } }';
  const marked = await get({ query: titled });
  expect(marked.headers.etag).toMatch(/^W\/"/);
  const known = { 'if-none-match': String(marked.headers.etag), 'cache-control': 'max-age=0' };
  expect((await get({ query: titled }, known)).status).toBe(304);
  for (const query of [titled, LONG, '{ product(by: { id: "ü → 木" }) { id } }', '{ ü }', 'no document']) {
    const answer = await post({ query }, { 'if-none-match': known['if-none-match'] });
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(Number(answer.headers['content-length'])).toBe(answer.bytes.length);
    expect(Object.keys(JSON.parse(answer.bytes.toString()))[0]).toMatch(/^(data|errors)$/);
  }
});

describe('a document is sent once, and named by its hash from then on', () => {
  const query = '{ product(by: { id: "p1" }) { title } }';
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };

  test('by POST and by GET', async () => {
    const unknown = JSON.parse((await post({ extensions })).bytes.toString());
    expect(unknown.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(dataOf(await post({ query, extensions }))).toEqual({ product: { title: 'Product p1' } });
    for (const answer of [await post({ extensions }), await get({ extensions: JSON.stringify(extensions) })])
      expect(dataOf(answer)).toEqual({ product: { title: 'Product p1' } });
  });

  test("what is wrong with such a request is its sender's, by POST and by GET, and no error of ours in the log", async () => {
    const before = api.logged.length;
    const wrong: [object, string][] = [
      [{ query, extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } }, 'does not match query'],
      [{ extensions: { persistedQuery: { version: 2, sha256Hash } } }, 'persisted query version'],
      [{ query, extensions: { persistedQuery: 'x' } }, 'persisted query version'],
    ];
    for (const [body, why] of wrong) {
      const search = Object.entries(body).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]);
      for (const answer of [await post(body), await get(Object.fromEntries(search))]) {
        const [error] = JSON.parse(answer.bytes.toString()).errors;
        expect([answer.status, error.extensions]).toEqual([400, { code: 'BAD_REQUEST', retry: false }]);
        expect(error.message).toContain(why);
      }
    }
    expect(api.logged.slice(before)).toEqual([]);
  });

  test('one that is refused is not kept', async () => {
    const bad = `{ ${Array.from({ length: 31 }, (_, i) => `a${i}: product(by: { id: "p1" }) { id }`).join(' ')} }`;
    const persistedQuery = { version: 1, sha256Hash: createHash('sha256').update(bad).digest('hex') };
    const code = async (body: object) => JSON.parse((await post(body)).bytes.toString()).errors[0].extensions.code;
    expect(await code({ query: bad, extensions: { persistedQuery } })).toBe('TOO_COSTLY');
    expect(await code({ extensions: { persistedQuery } })).toBe('PERSISTED_QUERY_NOT_FOUND');
  });
});

describe('what browsers and proxies may keep', () => {
  const list = (field: string) => `{ similarItems(id: "p1", first: 2) { ${field} } }`;
  const kept = async (answer: Promise<Raw>) => (await answer).headers['cache-control'];

  test('is what GET answers for everybody, for a minute', async () => {
    expect(await kept(get({ query: LONG }))).toBe('public, max-age=60');
    expect(await kept(get({ query: list('nodes { id }') }))).toBe('public, max-age=60');
    const { headers } = await get({ query: LONG });
    expect(String(headers.vary).toLowerCase().split(', ')).toEqual(
      expect.arrayContaining(['origin', 'accept-encoding', 'simili-catalog', 'authorization']),
    );
  });

  test('is no signed list, no receipt, no error, nothing that was asked with a key or by POST', async () => {
    const answers = [
      get({ query: list('recommendationId') }),
      get({ query: `query { ...F } fragment F on Query { similarItems(id: "p1") { x: recommendationId } }` }),
      get({ query: '{ visitorErasure(id: "4d3c7b46-0e0c-4a52-9df5-4d2b6c1f2b11") { events } }' }),
      get({ query: '{ similarItems(id: "p1", first: 99) { nodes { id } } }' }),
      get({ query: '{ nothing }' }),
      get({ query: LONG }, { authorization: `Bearer ${ADMIN_KEY}` }),
      post({ query: LONG }),
    ];
    for (const answer of answers) expect(await kept(answer)).toBe('no-store');
  });
});

test('where a shop knows its callers by a header of its own, what they are answered is for nobody else', async () => {
  const authenticator: Authenticator = {
    name: 'by header',
    authenticate: async ({ header }) => {
      const name = header('x-shop') ?? 'everybody';
      return { name, scopes: ['storefront'], catalog: null };
    },
  };
  await using own = await testApi({}, { authenticator });
  const search = new URLSearchParams({ query: '{ products { totalCount } }' });
  const kept = async (headers: Record<string, string>) => {
    const answer = await raw(`${own.server.url}/graphql?${search}`, { 'apollo-require-preflight': '1', ...headers });
    expect(String(answer.headers.vary).toLowerCase().split(', ')).toContain('x-shop');
    return [answer.status, answer.headers['cache-control']];
  };
  expect(await kept({ 'x-shop': 'one' })).toEqual([200, 'no-store']);
  expect(await kept({})).toEqual([200, 'public, max-age=60']);
});

describe('with a file of trusted documents', () => {
  const title = 'query Title($id: ID!) { product(by: { id: $id }) { title } }';
  let dir: string;
  let trusting: TestApi;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'simili-documents-'));
    await writeFile(join(dir, 'documents.json'), JSON.stringify({ 'sha256:1': title }));
    trusting = await testApi({ SIMILI_TRUSTED_DOCUMENTS: join(dir, 'documents.json'), SIMILI_CACHE_SECONDS: '0' });
    await addProducts(trusting.database, [{ id: 'p1' }]);
  });
  afterAll(async () => {
    await trusting[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });
  const variables = { id: 'p1' };
  const ask = (body: object) => raw(`${trusting.server.url}/graphql`, JSON_BODY, JSON.stringify(body));
  const persistedQuery = { version: 1, sha256Hash: 'sha256:1' };

  test('these are executed, by either name, by GET and POST, and as they stand there', async () => {
    const search = (more: object) => `${new URLSearchParams({ variables: JSON.stringify(variables), ...more })}`;
    const preflight = { 'apollo-require-preflight': '1' };
    const answers = await Promise.all([
      ask({ documentId: 'sha256:1', variables }),
      ask({ extensions: { persistedQuery }, variables }),
      ask({ query: title, variables }),
      raw(`${trusting.server.url}/graphql?${search({ documentId: 'sha256:1' })}`, preflight),
      raw(`${trusting.server.url}/graphql?${search({ extensions: JSON.stringify({ persistedQuery }) })}`, preflight),
    ]);
    for (const answer of answers) {
      expect(dataOf(answer)).toEqual({ product: { title: 'Product p1' } });
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  test('no other is, whatever it is named', async () => {
    const others = [
      { query: '{ __typename }' },
      { query: `${title} `, variables },
      { documentId: 'toString', variables },
      { documentId: 'sha256:2', query: title, variables },
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'none' } }, query: '{ __typename }' },
      { extensions: 'no JSON' },
      {},
    ];
    for (const body of others) {
      const { status, bytes } = await ask(body);
      expect([status, JSON.parse(bytes.toString()).errors[0].extensions.code]).toEqual([400, 'DOCUMENT_UNKNOWN']);
    }
  });

  test("the manifest of Apollo's tools is read too; what is no such file is told at start", async () => {
    const path = join(dir, 'manifest.json');
    const operations = [{ id: 'x', name: 'Title', type: 'query', body: title }];
    await writeFile(path, JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations }));
    expect([...readTrustedDocuments(path)]).toEqual([['x', title]]);
    for (const text of ['{', '[]', '{"a":1}', '"x"']) {
      await writeFile(path, text);
      expect(() => readTrustedDocuments(path)).toThrow('SIMILI_TRUSTED_DOCUMENTS is no file of documents');
    }
    expect(() => readTrustedDocuments(join(dir, 'none.json'))).toThrow('SIMILI_TRUSTED_DOCUMENTS');
  });
});
