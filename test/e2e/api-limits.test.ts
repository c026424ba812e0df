import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createApiKey } from '../../src/api-keys.ts';
import { loadConfig } from '../../src/config.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { ADMIN_KEY, adminKeyOf, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf } from '../support/ask.ts';

/** The clock of the limits: stands still unless a test moves it. */
let now = 0;
/** Behind one proxy; ten seconds' worth of queries are 10, of events 10, of admin requests 40. */
let api: TestApi;
/** Without a proxy, over the same database. */
let direct: RunningServer;
beforeAll(async () => {
  const rates = { SIMILI_QUERY_RATE: '1', SIMILI_FEEDBACK_RATE: '1', SIMILI_ADMIN_RATE: '4' };
  api = await testApi({ ...rates, SIMILI_TRUSTED_HOPS: '1' }, { monotonic: () => now });
  direct = await serverWith({ SIMILI_QUERY_RATE: '1' });
});
beforeEach(() => {
  now += 600_000;
});
afterAll(async () => {
  await direct.close();
  await api[Symbol.asyncDispose]();
});

function serverWith(env: NodeJS.ProcessEnv): Promise<RunningServer> {
  const { services, database } = api;
  const config = loadConfig({ PORT: '0', NODE_ENV: 'test', ...env });
  const parts = { services, repositories: database.repositories, config, log: services.log, clock: () => now };
  return startServer({ ...parts, authenticator: adminKeyOf(() => 'none') });
}

const from = (address: string, path = '/graphql', query = '{ __typename }', headers = {}) =>
  ask(api.server.url + path, query, {}, { 'x-forwarded-for': `6.6.6.6, ${address}`, ...headers });
const refusal = (retryAfter: number) => ({
  status: 429,
  errors: [{ extensions: { code: 'RATE_LIMITED', retry: true, retryAfter } }],
});
const times = (n: number, call: () => Promise<{ status: number }>) =>
  Promise.all(Array.from({ length: n }, async () => (await call()).status));

test('an address that asks too often is told when it may again; others, and what it says of itself, do not matter', async () => {
  expect(await times(10, () => from('203.0.113.1'))).toEqual(Array(10).fill(200));
  expect(await from('203.0.113.1')).toMatchObject(refusal(1));
  const raw = await fetch(`${api.server.url}/graphql`, {
    headers: { 'x-forwarded-for': '203.0.113.1', origin: 'https://shop.example' },
  });
  expect([raw.status, raw.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await from('203.0.113.2')).status).toBe(200);
  now += 1000;
  expect([(await from('203.0.113.1')).status, (await from('203.0.113.1')).status]).toEqual([200, 429]);
});

test('the addresses of one IPv6 /64 are one caller', async () => {
  for (let i = 0; i < 10; i++) await from(`2001:db8::${i}`);
  expect((await from('2001:db8::ffff:1')).status).toBe(429);
  expect((await from('2001:db8:0:1::1')).status).toBe(200);
});

test('pictures and files of the page cost a tenth of a query', async () => {
  const get = (path: string) =>
    fetch(api.server.url + path, { headers: { 'x-forwarded-for': '203.0.113.3' } }).then(async (answer) => {
      await answer.arrayBuffer();
      return answer;
    });
  const statuses = [...(await times(50, () => get('/images/x'))), ...(await times(50, () => get('/api.js')))];
  expect(new Set(statuses)).toEqual(new Set([404, 200]));
  expect([(await get('/images/x')).status, (await get('/')).status, (await get('/healthz')).status]).toEqual([
    ...[429, 429, 200],
  ]);
});

test('feedback is counted by the event, at both its addresses', async () => {
  const events = (n: number) =>
    Array.from({ length: n }, () => ({
      click: {
        eventId: randomUUID(),
        occurredAt: new Date().toISOString(),
        recommendationId: 'x',
        itemId: 'a',
      },
    }));
  const input = (n: number) => ({ visitor: { id: 'v' }, events: events(n) });
  const SUBMIT = 'mutation ($a: SubmitFeedbackInput!) { submitFeedback(input: $a) { rejected } }';
  const submit = (n: number) =>
    ask(`${api.server.url}/graphql`, SUBMIT, { a: input(n) }, { 'x-forwarded-for': '203.0.113.4' });
  expect((await submit(6)).data).toEqual({ submitFeedback: { rejected: 6 } });
  expect(await submit(6)).toMatchObject(refusal(2));
  const beacon = await fetch(`${api.server.url}/feedback`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '203.0.113.4', 'content-type': 'text/plain;charset=UTF-8' },
    body: JSON.stringify(input(6)),
  });
  expect([beacon.status, beacon.headers.get('retry-after')]).toEqual([429, '2']);
  expect((await submit(4)).data).toEqual({ submitFeedback: { rejected: 4 } });
  await api.services.flush();
  const { data } = await api.admin('{ feedbackHealth { rejected rejections { code count } } }');
  expect(data.feedbackHealth).toMatchObject({
    rejected: 22,
    rejections: expect.arrayContaining([{ code: 'RATE_LIMITED', count: 12 }]),
  });
});

test('whoever guesses the admin key is soon not heard, right or wrong; others are, and he after a minute', async () => {
  const guess = (key: string, address = '203.0.113.5') =>
    from(address, '/admin/graphql', '{ __typename }', { authorization: `Bearer ${key}` });
  const statuses = await times(200, () => guess(randomUUID()));
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(190);
  expect(await guess(ADMIN_KEY)).toMatchObject(refusal(6));
  expect((await guess(ADMIN_KEY, '203.0.113.6')).status).toBe(200);
  now += 60_000;
  expect((await guess(ADMIN_KEY)).status).toBe(200);
});

test('wrong keys cost ten looks into the database, however many are sent at once; right ones wait for each other and are all heard', async () => {
  const { apiKeys } = api.database.repositories;
  const looks = vi.spyOn(apiKeys, 'byHash');
  const guess = (key: string, address: string) =>
    from(address, '/admin/graphql', '{ __typename }', { authorization: `Bearer ${key}` });
  expect(new Set(await times(100, () => guess(`simili_${randomUUID()}`, '203.0.113.7')))).toEqual(new Set([401, 429]));
  expect(await times(20, () => guess(`simili_${randomUUID()}`, '203.0.113.7'))).toEqual(Array(20).fill(429));
  expect(looks).toHaveBeenCalledTimes(10);
  expect(await times(30, () => guess(ADMIN_KEY, '203.0.113.8'))).toEqual(Array(30).fill(200));
});

test('the admin key has a budget of its own, wherever it is used, and streams have a smaller one', async () => {
  let address = 0;
  const call = (path: string) =>
    fetch(api.server.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${ADMIN_KEY}`,
        accept: path.endsWith('stream') ? 'text/event-stream' : '*/*',
        'x-forwarded-for': `203.0.113.${address++ % 200}`,
      },
      body: JSON.stringify({ query: '{ __typename }' }),
    }).then(async (answer) => ({ status: answer.status, text: await answer.text() }));
  expect(await times(30, () => call('/admin/graphql/stream'))).toEqual(Array(30).fill(200));
  expect(await call('/admin/graphql/stream')).toMatchObject({ status: 429, text: expect.stringContaining('RATE_LIM') });
  expect(await times(9, () => call('/admin/graphql'))).toEqual(Array(9).fill(200));
  expect((await call('/admin/graphql')).status).toBe(429);
});

test('each key has a budget of its own', async () => {
  const { apiKeys, catalogs } = api.database.repositories;
  const keyOf = async (name: string) => (await createApiKey({ apiKeys, catalogs }, { name, scopes: ['catalog'] })).key;
  const [one, other] = [await keyOf('same name'), await keyOf('same name')];
  const call = (key: string) =>
    from('203.0.113.10', '/admin/graphql', '{ __typename }', { authorization: `Bearer ${key}` });
  expect(await times(40, () => call(one))).toEqual(Array(40).fill(200));
  expect((await call(one)).status).toBe(429);
  for (const key of [other, ADMIN_KEY]) expect((await call(key)).status).toBe(200);
});

test('processes of the same machine have ten times the share, and a proxy that nobody told of is told of once', async () => {
  const call = (headers = {}) => ask(`${direct.url}/graphql`, '{ __typename }', {}, headers);
  for (let i = 0; i < 5; i++) await times(20, () => call());
  expect(codeOf(await call())).toBe('RATE_LIMITED');
  const warnings = () => api.logged.filter(({ facts }) => String(facts).includes('SIMILI_TRUSTED_HOPS'));
  expect(warnings()).toEqual([]);
  for (let i = 0; i < 2; i++) expect(codeOf(await call({ 'x-forwarded-for': '203.0.113.9' }))).toBe('RATE_LIMITED');
  expect(warnings()).toHaveLength(1);
});

/** All that the server says until it closes the connection. */
async function heard(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

test('a request over the limit takes what lies behind it on its connection along, but for one with a body', async () => {
  const strict = await serverWith({ SIMILI_QUERY_RATE: '0.1' });
  const say = (text: string) => {
    const socket = connect(strict.port, '127.0.0.1');
    socket.write(text);
    return heard(socket);
  };
  const get = (headers = '') => `GET /graphql?query={__typename} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
  const ten = await say(get().repeat(9) + get('Connection: close\r\n'));
  expect(ten.match(/HTTP\/1.1 \d+/g)).toHaveLength(10);
  const over = await say(get().repeat(10));
  expect(over.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 429']);
  expect(over).toMatch(/\r\nConnection: close\r\n/i);
  const post = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
  const both = await say(post + get());
  expect(both.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 429', 'HTTP/1.1 429']);
  await strict.close();
});

test('an address may open so many connections; the next is told so, and served when one has gone', async () => {
  const crowded = await serverWith({ SIMILI_CONNECTIONS_PER_ADDRESS: '5' });
  const open = async () => {
    const socket = connect(crowded.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const first = [await open(), await open(), await open(), await open(), await open()];
  const answer = await heard(await open());
  expect(answer).toMatch(/^HTTP\/1\.1 429 [\s\S]*\r\nRetry-After: 5\r\n[\s\S]*"code":"RATE_LIMITED"/);
  const [gone] = first.splice(0, 1);
  gone?.destroy();
  await expect
    .poll(async () => {
      const socket = await open();
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      return heard(socket);
    })
    .toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of first) socket.destroy();
  await crowded.close();
});

test('who sends no request, half its head or half its body, or keeps a connection idle, is not waited for', async () => {
  const brisk = await serverWith({ SIMILI_RECEIVE_SECONDS: '0.5' });
  const say = (text: string) => {
    const socket = connect(brisk.port, '127.0.0.1');
    socket.write(text);
    return heard(socket);
  };
  const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const answers = await Promise.all([
    ...[say(''), say(head), say(`${head}Content-Length: 100\r\n\r\n{"query":`)],
    say('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'),
  ]);
  expect(answers[0]).toMatch(/^(HTTP\/1\.1 408 |$)/);
  expect(answers[1]).toMatch(/^HTTP\/1\.1 408 /);
  expect(answers[2]).toMatch(/^HTTP\/1\.1 408 /);
  expect(answers[3]).toMatch(/^HTTP\/1\.1 200 /);
  await brisk.close();
});

test('without settings, 15 seconds are waited', () => {
  expect(loadConfig({}).SIMILI_RECEIVE_SECONDS).toBe(15);
});
