import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPictureCopies } from '../../src/catalog/picture-copies.ts';
import { loadConfig } from '../../src/config.ts';
import { startServer } from '../../src/server.ts';
import { ADMIN_KEY, adminKeyOf, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

let api: TestApi;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), '.simili-server-'));
  api = await testApi({ SIMILI_CORS_ORIGINS: 'https://shop.example', SIMILI_DATA_DIR: dir });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(api.server.url + path, { headers });

test('the landing page is served under a strict policy, as are its scripts', async () => {
  const page = await get('/');
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(await page.text()).toContain('<title>Simili</title>');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect((await get('/api.js')).headers.get('content-type')).toContain('javascript');
  expect(page.headers.get('x-powered-by')).toBeNull();
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
});

test('no browser and no proxy keeps a signed list, by POST or by GET', async () => {
  const query = '{ similarItems(id: "none", first: 1) { recommendationId } }';
  const headers = { 'content-type': 'application/json', 'apollo-require-preflight': 'x' };
  const post = await fetch(`${api.server.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const asked = await get(`/graphql?query=${encodeURIComponent(query)}`, headers);
  for (const answer of [post, asked])
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
});

test.each(['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/.git/config', '/nothing'])(
  '%s is not served',
  async (path) => {
    const socket = connect(api.server.port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`); // fetch would tidy the path up
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1.1 40[034] /);
    expect(answer).not.toContain('"version"');
  },
);

test('a READY picture from disk is served with its type and can run nothing; any other is a 404', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const source = join(dir, 'picture.svg');
  await writeFile(source, svg);
  await addProducts(api.database, [
    { id: 'local', imageUrls: [source] },
    { id: 'remote', imageUrls: ['https://cdn.example/x.png'] },
  ]);
  const { images } = api.database.repositories;
  const claimed = await images.claimPending(10, 60);
  const idOf = (productId: string) => claimed.find((image) => image.productId === productId)?.id ?? '';
  const local = () => get(`/images/${idOf('local')}`);
  expect((await local()).status).toBe(404); // not decoded yet
  const contentHash = createHash('sha256').update(svg).digest('hex');
  for (const { id, reading } of claimed)
    await images.markReady({ id, reading }, { contentHash, mime: 'image/svg+xml', width: 1, height: 1 });
  const picture = await local();
  expect([picture.status, picture.headers.get('content-type'), await picture.text()]).toEqual([
    200,
    'image/svg+xml',
    svg,
  ]);
  expect(picture.headers.get('content-security-policy')).toContain('sandbox');
  expect(picture.headers.get('x-content-type-options')).toBe('nosniff');
  expect(picture.headers.get('cache-control')).toContain('max-age');
  expect(picture.headers.get('etag')).toBe(`"${contentHash}"`);
  expect((await get(`/images/${idOf('remote')}`)).status).toBe(404);
  expect((await get('/images/%00')).status).toBe(400);
  // Whatever becomes of the file, nobody gets to see anything but the picture that was decoded.
  await writeFile(source, 'a secret');
  expect((await local()).status).toBe(404);
  await rm(source);
  await writeFile(join(dir, 'secret.txt'), svg);
  await symlink(join(dir, 'secret.txt'), source);
  expect((await local()).status).toBe(404);
  await openPictureCopies(join(dir, 'pictures')).put(contentHash, Buffer.from(svg));
  expect(await (await local()).text()).toBe(svg);
});

test('health says that the process lives, readiness that the database answers and what serves', async () => {
  expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' });
  expect(await (await get('/readyz')).json()).toEqual({ status: 'ok', model: null, queue: 'ok' });
  const { id } = await addModel(api.database, { local: [1, 0] });
  expect(await (await get('/readyz')).json()).toEqual({ status: 'ok', model: id, queue: 'ok' });
  const { models } = api.database.repositories;
  models.serving = () => Promise.reject(new Error('down'));
  const down = await get('/readyz');
  delete (models as { serving?: unknown }).serving;
  expect([down.status, (await get('/healthz')).status]).toEqual([503, 200]);
});

test('however many ask whether it is ready, one look at a time is taken', async () => {
  const { models } = api.database.repositories;
  let looks = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  models.serving = async () => {
    looks += 1;
    await held;
    return null;
  };
  onTestFinished(() => void delete (models as { serving?: unknown }).serving);
  const asked = Array.from({ length: 20 }, () => get('/readyz'));
  await expect.poll(() => looks).toBe(1);
  setTimeout(release, 100);
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(looks).toBeLessThan(5); // one who came late has a look of his own
  const before = looks;
  expect((await get('/readyz')).status).toBe(200);
  expect(looks).toBe(before + 1);
});

test('a queue that is away is named by readyz, which stays 200 as the storefront is answered, and is a 503 of its own', async () => {
  const { queue } = api;
  const { alive } = queue;
  expect((await get('/readyz/queue')).status).toBe(200);
  queue.alive = async () => false;
  onTestFinished(() => void Object.assign(queue, { alive }));
  const ready = await get('/readyz');
  expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ queue: 'away' })]);
  const watched = await get('/readyz/queue');
  expect([watched.status, await watched.json()]).toEqual([503, { status: 'queue away' }]);
  expect((await api.shop('{ __typename }')).data).toEqual({ __typename: 'Query' });
});

test('a queue that says nothing holds up nobody who asks readyz, and only it is waited for by readyz/queue', async () => {
  const { queue } = api;
  const { alive } = queue;
  let answer: (isAlive: boolean) => void = () => {};
  const silent = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  queue.alive = () => silent;
  onTestFinished(() => void Object.assign(queue, { alive }));
  const ready = await get('/readyz');
  expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ queue: 'away' })]);
  const watched = get('/readyz/queue');
  answer(true);
  expect((await watched).status).toBe(200);
});

test('pages of a configured origin may call the storefront, others may not, and the admin API is for no page', async () => {
  const preflight = (path: string, origin: string) =>
    fetch(api.server.url + path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
  const allowed = await preflight('/graphql', 'https://shop.example');
  expect([
    allowed.status,
    allowed.headers.get('access-control-allow-origin'),
    allowed.headers.get('access-control-allow-credentials'),
  ]).toEqual([204, 'https://shop.example', null]);
  expect((await preflight('/graphql', 'https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  expect(
    (await preflight('/admin/graphql', 'https://shop.example')).headers.get('access-control-allow-origin'),
  ).toBeNull();
});

test('a body that is too large, no JSON or of another type is refused by its code, and the server goes on', async () => {
  const post = (path: string, body: string, type = 'application/json') =>
    fetch(api.server.url + path, {
      method: 'POST',
      body,
      headers: { 'content-type': type, authorization: `Bearer ${ADMIN_KEY}` },
    });
  const kib = (n: number) => JSON.stringify({ query: '{ __typename }', padding: 'x'.repeat(n * 1024) });
  expect((await post('/graphql', kib(300))).status).toBe(413);
  expect((await post('/admin/graphql', kib(300))).status).toBe(200);
  expect((await post('/admin/graphql', kib(2100))).status).toBe(413);
  const broken = await post('/graphql', '{');
  expect([broken.status, await broken.json()]).toMatchObject([
    400,
    { errors: [{ extensions: { code: 'BAD_REQUEST', retry: false } }] },
  ]);
  expect((await post('/graphql', 'query={__typename}', 'text/plain')).status).toBe(400);
  expect((await post('/graphql', '[{"query":"{__typename}"}]')).status).toBe(400);
  expect((await api.shop('{ __typename }')).data).toEqual({ __typename: 'Query' });
});

describe('a request that is refused before it is read says what is wrong, as JSON', () => {
  const json = { 'content-type': 'application/json' };
  test.each<[string, string, RequestInit, number, string]>([
    ['a body null', '/graphql', { method: 'POST', headers: json, body: 'null' }, 400, 'The body must be a JSON object'],
    ['text', '/graphql', { method: 'POST', headers: json, body: '"x"' }, 400, 'The body must be a JSON object'],
    ['a number to /feedback', '/feedback', { method: 'POST', headers: json, body: '1' }, 400, 'must be a JSON object'],
    ['no JSON', '/graphql', { method: 'POST', headers: json, body: '{' }, 400, 'JSON'],
    [
      'no gzip',
      '/graphql',
      { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: '{}' },
      400,
      'content-encoding gzip',
    ],
    [
      'a coding that nobody knows',
      '/graphql',
      { method: 'POST', headers: { ...json, 'content-encoding': 'zip' }, body: '{}' },
      415,
      'content-encoding zip',
    ],
    ['PUT', '/graphql', { method: 'PUT' }, 405, 'Use GET or POST'],
    ['DELETE', '/graphql', { method: 'DELETE' }, 405, 'Use GET or POST'],
    [
      'an answer that is no JSON',
      '/graphql?query={__typename}',
      { headers: { accept: 'text/plain', 'apollo-require-preflight': '1' } },
      406,
      'accept',
    ],
  ])('%s at %s', async (_what, path, asked, status, why) => {
    const answer = await fetch(api.server.url + path, asked);
    const { errors } = (await answer.json()) as { errors: { message: string; extensions: object }[] };
    expect([answer.status, errors[0]?.extensions]).toEqual([status, { code: 'BAD_REQUEST', retry: false }]);
    expect(errors[0]?.message).toContain(why);
  });

  test.each([
    ['/nope', 'GET', 'There is no address /nope'],
    ['/nope?key=x', 'POST', 'There is no address /nope'],
    ['/graphiql/nope.js', 'GET', 'There is no address /graphiql/nope.js'],
    ['/images/nope', 'GET', 'There is no picture nope'],
  ])('%s, which there is not, by %s', async (path, method, message) => {
    const answer = await fetch(api.server.url + path, { method });
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { errors: [{ message, extensions: { code: 'NOT_FOUND', retry: false } }] },
    ]);
  });
});

test('/feedback takes the input of submitFeedback as text or JSON, with the same verdicts, and from no foreign page', async () => {
  const event = { eventId: 'x', occurredAt: new Date().toISOString(), recommendationId: 'x', itemId: 'a' };
  const send = async (headers: Record<string, string>, body: unknown, method = 'POST') => {
    const answer = await fetch(`${api.server.url}/feedback`, {
      method,
      headers,
      ...(method === 'POST' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      cors: answer.headers.get('access-control-allow-origin'),
      ...((await answer.json()) as object),
    };
  };
  const text = { 'content-type': 'text/plain;charset=UTF-8' };
  const input = { visitor: { id: 'v' }, events: [{ click: event }] };
  const asMutation = await api.shop(
    'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted duplicates rejected withoutConsent userErrors { code message field } } }',
    { input },
  );
  expect(asMutation.data.submitFeedback.rejected).toBe(1);
  for (const headers of [text, { 'content-type': 'application/json' }, { ...text, origin: api.server.url }])
    expect(await send(headers, input)).toEqual({ status: 200, cors: null, data: asMutation.data });
  expect(await send({ ...text, origin: 'https://shop.example' }, input)).toMatchObject({
    status: 200,
    cors: 'https://shop.example',
  });
  const refused = { errors: [{ extensions: { code: 'BAD_REQUEST' } }] };
  expect(await send({ ...text, origin: 'https://evil.example' }, input)).toMatchObject({ status: 403, ...refused });
  expect(await send({ ...text, origin: 'null' }, input)).toMatchObject({ status: 403, ...refused });
  // Behind a proxy under another host, where the browser itself says whose page it is.
  const proxied = (site: string) => ({ ...text, origin: 'https://own.example', 'sec-fetch-site': site });
  expect(await send(proxied('same-origin'), input)).toEqual({ status: 200, cors: null, data: asMutation.data });
  for (const site of ['cross-site', 'same-site'])
    expect(await send(proxied(site), input)).toMatchObject({ status: 403, ...refused });
  expect(await send(text, 'no JSON')).toMatchObject({ status: 400, ...refused });
  expect(await send({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=b')).toMatchObject({
    status: 400,
    ...refused,
  });
  expect(await send({}, null, 'GET')).toMatchObject({ status: 405, ...refused });
});

test('introspection and stack traces are for development only', async () => {
  await using development = await testApi({ NODE_ENV: 'development' });
  expect((await development.shop('{ __schema { queryType { name } } }')).data.__schema.queryType.name).toBe('Query');
  const answer = await development.shop('{ similarItem(id: "a") { status } }');
  expect(answer.errors?.[0]).toMatchObject({
    message: expect.stringContaining('Did you mean'),
    extensions: { stacktrace: expect.any(Array) },
  });
});

test('a busy port is named', async () => {
  const { database, services, server } = api;
  const config = loadConfig({ PORT: String(server.port) });
  const starting = startServer({
    services,
    repositories: database.repositories,
    authenticator: adminKeyOf(() => ''),
    config,
    log: services.log,
  });
  await expect(starting).rejects.toMatchObject({ code: 'PORT_BUSY', facts: { port: server.port } });
});

/** A promise, and what keeps it. */
function gate(): [promise: Promise<void>, open: () => void] {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [promise, () => open()];
}

test('closing lets the request in flight finish, ends streams and takes no new one', async () => {
  const closing = await testApi();
  const { products, jobs } = closing.database.repositories;
  await addProducts(closing.database, [{ id: 'a' }]);
  const [atWork, arrived] = gate();
  const [released, release] = gate();
  const byIds = products.byIds.bind(products);
  products.byIds = async (ids) => {
    arrived();
    await released;
    return byIds(ids);
  };
  const job = await jobs.create('RETRAIN', {}, 'test');
  const stream = await fetch(`${closing.server.url}/admin/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ query: `subscription { jobProgress(id: "${job.id}") { state } }` }),
  });
  const inFlight = closing.shop('{ product(by: { id: "a" }) { title } }');
  await atWork;
  const started = performance.now();
  const closed = closing.server.close();
  release();
  expect((await inFlight).data).toEqual({ product: { title: 'Product a' } });
  expect(await stream.text()).toContain('QUEUED');
  await closed;
  expect(performance.now() - started).toBeLessThan(5_000); // takes 60 ms; cut off, it takes 10 s
  await expect(closing.shop('{ __typename }')).rejects.toThrow();
  await closing.database[Symbol.asyncDispose]();
});

test('before it stops, readyz says so at once, everything is still served, and answers send their callers elsewhere', async () => {
  const { services, database } = api;
  const parts = {
    services,
    repositories: database.repositories,
    authenticator: adminKeyOf(() => ''),
    log: services.log,
  };
  const stopping = await startServer({ ...parts, config: loadConfig({ PORT: '0' }) });
  const ready = () => fetch(`${stopping.url}/readyz`);
  expect((await ready()).headers.get('connection')).toBe('keep-alive');
  stopping.stopSoon();
  const answer = await ready();
  expect([answer.status, answer.headers.get('connection')]).toEqual([503, 'close']);
  expect(await answer.json()).toEqual({ status: 'stopping', model: null });
  const call = () => ask(`${stopping.url}/graphql`, '{ __typename }');
  expect((await call()).status).toBe(200);
  await stopping.close();
});

test('requests that lie unread when it closes are answered, also on connections that were not accepted yet', async () => {
  const { services, database } = api;
  const parts = {
    services,
    repositories: database.repositories,
    authenticator: adminKeyOf(() => ''),
    log: services.log,
  };
  const closing = await startServer({ ...parts, config: loadConfig({ PORT: '0' }) });
  const sockets = Array.from({ length: 30 }, () => connect(closing.port, '127.0.0.1'));
  const answers = sockets.map(async (socket) => {
    socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    return answer.split('\r\n')[0];
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  await closing.close();
  expect(await Promise.all(answers)).toEqual(Array(30).fill('HTTP/1.1 503 Service Unavailable'));
});

test('the admin key of another process takes effect at once', async () => {
  const { services, database } = api;
  let hash = 'none';
  const config = loadConfig({ PORT: '0' });
  const server = await startServer({
    services,
    repositories: database.repositories,
    authenticator: adminKeyOf(() => hash),
    config,
    log: services.log,
  });
  const call = () => ask(`${server.url}/admin/graphql`, '{ __typename }', {}, { authorization: 'Bearer secret' });
  expect(codeOf(await call())).toBe('UNAUTHENTICATED');
  hash = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'; // sha-256 of "secret"
  expect((await call()).data).toEqual({ __typename: 'Query' });
  await server.close();
});
