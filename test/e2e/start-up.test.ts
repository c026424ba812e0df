import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../support/ask.ts';
import { runSimili, type SimiliProcess, startSimili } from '../support/simili-process.ts';
import { drawToyCatalog } from '../support/toy-catalog.ts';

/** Time to answer what comes after SIGTERM. */
const DRAIN_SECONDS = '4';

let dir: string;
/** One data directory for all: to make a database takes longer than most of these tests. */
let env: Record<string, string>;
let server: SimiliProcess;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-start-'));
  env = { SIMILI_DATA_DIR: join(dir, 'data') };
  server = await startSimili(['start', '--no-demo'], { ...env, SIMILI_DRAIN_SECONDS: DRAIN_SECONDS });
});
afterAll(async () => {
  await server?.kill();
  await rm(dir, { recursive: true, force: true });
});

const start = (env: Record<string, string>) => runSimili(['start', '--no-demo'], env);

test('a second start on the same data directory is told who holds it; the first one lives on', async () => {
  const second = await start(env);
  expect(second).toMatchObject({ code: 1, output: expect.stringContaining('DATA_DIR_LOCKED') });
  expect(second.output).toContain(`process ${server.pid}`);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test('beside a server that holds the embedded database, commands go through it', async () => {
  const pictures = join(dir, 'beside');
  await drawToyCatalog(pictures, 1);
  const imported = await runSimili(['import', pictures], env);
  expect(imported).toMatchObject({ code: 0, output: expect.stringContaining('4 created, 0 updated') });
  expect(imported.output).toContain('4 pictures ready, 0 failed');
  const product = '{"query":"{ product(by: { id: \\"star/star-000\\" }) { title } }"}';
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: product });
  expect(await answer.json()).toEqual({ data: { product: { title: 'Star 000' } } });

  const { output: fresh } = await runSimili(['admin-key'], env);
  const askWith = (key: string) =>
    fetch(`${server.url}/admin/graphql`, {
      method: 'POST',
      body: '{"query":"{ catalogHealth { products } }"}',
      headers: { ...headers, authorization: `Bearer ${key}` },
    });
  expect((await askWith(fresh.trim())).status).toBe(200);
  expect((await askWith(server.adminKey!)).status).toBe(401);
});

test('beside it the command makes, lists and ends keys', async () => {
  const codes = async (query: string, key: string): Promise<string[]> => {
    const { errors = [] } = await ask(`${server.url}/admin/graphql`, query, {}, { authorization: `Bearer ${key}` });
    return errors.map(({ extensions }) => String(extensions?.code));
  };
  const health = '{ catalogHealth { products } }';
  const report = 'mutation { submitFeedback(input: { visitor: { id: "v" }, events: [] }) { accepted } }';
  const run = (...args: string[]) => runSimili(['key', ...args], env);

  const created = await run('create', '--name', 'erp', '--scopes', 'operate, catalog');
  const [id = '', key = '', ...rest] = created.output.split('\n');
  expect({ code: created.code, rest }).toEqual({ code: 0, rest: [''] });
  expect(await codes(health, key)).toEqual([]);
  expect(await codes(report, key)).toEqual(['FORBIDDEN']);
  const listed = await run('list');
  expect(listed.output).toMatch(new RegExp(`^${id} +erp +catalog, operate +all +\\d{4}-`, 'm'));
  expect(listed.output).not.toContain(key);

  const other = JSON.parse((await run('create', '--name', 'ci', '--scopes', 'operate', '--json')).output);
  expect(await codes('{ models { number } }', other.key)).toEqual([]);
  const keys = JSON.parse((await run('list', '--json')).output);
  const createdAt = expect.stringMatching(/^\d{4}-.*Z$/);
  const facts = { id: other.id, name: 'ci', scopes: ['operate'], catalog: null, createdAt };
  expect(keys).toContainEqual(facts);
  const file = join(dir, 'triplets.csv');
  await writeFile(file, 'query,positive,negative\na,b,c\n');
  const rated = await runSimili(['ratings', file, '--json'], env); // what it says of lines is on stderr
  expect(JSON.parse(rated.output.split('\n').find((line) => line.startsWith('{')) ?? '')).toMatchObject({
    accepted: 0,
    duplicates: 0,
    problems: [{ line: 2, reason: expect.stringContaining('a') }],
  });
  expect(rated.code).toBe(2);

  expect(await run('revoke', id)).toEqual({ code: 0, output: '' });
  expect(await codes(health, key)).toEqual(['UNAUTHENTICATED']);
  const again = await run('revoke', id);
  expect(again).toEqual({ code: 1, output: expect.stringContaining(id) });
  const wrong = await run('create', '--name', 'erp', '--scopes', 'everything');
  expect(wrong).toEqual({ code: 1, output: expect.stringMatching(/some of storefront, feedback, catalog, operate/) });
});

test('SIGTERM loses no request: 30 sent just before it and 30 just after are answered, while readyz says 503', async () => {
  const send = () =>
    Array.from({ length: 30 }, async () => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ query: '{ products(first: 1) { totalCount } }' });
      return (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })).status;
    });
  const before = send();
  const stopped = server.stop();
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 20_000 }).toBe(503);
  expect(await Promise.all([...before, ...send()])).toEqual(Array(60).fill(200));
  expect(await stopped).toBe(0);
});

test('a busy port is said in one sentence, and the data directory is free again afterwards', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const refused = await start({ ...env, PORT: String(port) });
  expect(refused).toEqual({ code: 1, output: expect.stringContaining(`PORT_BUSY: Port ${port} is taken`) });
  other.close();
  await using _next = await startSimili(['start', '--no-demo'], env);
});

test('a wrong DATABASE_URL, REDIS_URL, HOST or data directory is said in one sentence, whatever is wrong with it', async () => {
  const refusals: [env: Record<string, string>, says: string][] = [
    [{ DATABASE_URL: 'mysql://localhost/x' }, 'CONFIGURATION_INVALID'],
    [{ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' }, 'DATABASE_UNAVAILABLE'],
    [{ ...env, REDIS_URL: 'redis://127.0.0.1:1' }, 'REDIS_UNAVAILABLE'],
    [{ SIMILI_DATA_DIR: '/dev/null/simili' }, 'DATA_DIR_UNWRITABLE'], // a file in the way, which stops root too
    [{ ...env, HOST: '192.0.2.1' }, 'CONFIGURATION_INVALID'], // no address of this machine
  ];
  for (const [wrong, says] of refusals) {
    const { code, output } = await start(wrong);
    expect(output).toMatch(new RegExp(`^${says}: .`, 'm'));
    expect(output).not.toContain('    at ');
    expect(code).toBe(1);
  }
});

test('an import stores what is good, says what is wrong with the rest, line by line, and can be repeated', async () => {
  const pictures = join(dir, 'pictures');
  await drawToyCatalog(pictures, 1);
  await mkdir(join(dir, 'bad'));
  await writeFile(join(dir, 'bad', 'empty.png'), '');
  await writeFile(join(dir, 'bad', 'text.png'), 'I am no picture');
  const rows = [
    'id,title,image,price,currency',
    'good,A circle,pictures/circle/circle-000.png,9.90,EUR',
    'missing,No file,pictures/nothing.png,,',
    'empty,Nothing in it,bad/empty.png,,',
    'text,Text,bad/text.png,,',
    'private,A service of this machine,http://127.0.0.1:1/latest,,',
    'gone,No such host,http://no-such-host.invalid/x.png,,',
    'price,Bad price,pictures/star/star-000.png,cheap,EUR',
    'good,Again,pictures/star/star-000.png,,',
  ];
  await writeFile(join(dir, 'catalog.csv'), rows.join('\n'));
  const { code, output } = await runSimili(['import', join(dir, 'catalog.csv')], env);
  expect(code).toBe(2);
  expect(output).toContain('6 created');
  expect(output).toMatch(/^ +8: .*price/m);
  expect(output).toMatch(/^ +9: .*good/m);
  expect(output).toContain('1 pictures ready, 5 failed');
  for (const [id, reason] of [
    ['missing', 'no such file'],
    ['empty', 'empty'],
    ['text', 'not a picture'],
    ['private', 'Will not fetch'],
    ['gone', 'Cannot fetch'],
  ]) {
    expect(output).toMatch(new RegExp(`^ +${id}: .*${reason}`, 'm'));
  }
  expect((await runSimili(['import', join(dir, 'catalog.csv')], env)).output).toContain('6 unchanged');
});
