// What tests of real shops share, which have a Postgres of their own, and a Simili that can be away.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import pg from 'pg';
import { loadConfig, openSimili } from 'simili';
import { startServer } from 'simili/server';

const { DATABASE_URL } = process.env;

export async function execute(url, statement, values) {
  const client = new pg.Client(url);
  await client.connect();
  return client.query(statement, values).finally(() => client.end());
}

/** @returns the address of an empty one */
export async function makeDatabase(t, of) {
  const name = `${of}_${randomUUID().replaceAll('-', '')}`;
  await execute(DATABASE_URL, `CREATE DATABASE ${name}`);
  t.after(() => execute(DATABASE_URL, `DROP DATABASE ${name} WITH (FORCE)`));
  return Object.assign(new URL(DATABASE_URL), { pathname: name }).href;
}

/** Simili, which knows the plugin by `key`, and shoppers without any. */
export async function startSimili(t, name) {
  const key = randomUUID();
  const simili = await openSimili({ dataDir: null, exploring: 0 });
  const config = loadConfig({ PORT: '0', SIMILI_CORS_ORIGINS: '*' });
  // The plugin's key, as `simili key create --scopes catalog,operate` makes them, and shoppers without any.
  const callers = {
    [key]: { name, scopes: ['catalog', 'operate'], catalog: null },
    null: { name: 'anybody', scopes: ['storefront', 'feedback'], catalog: null },
  };
  const authenticator = { name: 'one key', authenticate: async (caller) => callers[caller.key] ?? null };
  const server = await startServer({ ...simili, config, log: console, authenticator });
  t.after(async () => {
    await server.close();
    await simili.close();
  });
  return { ...simili, url: server.url, key };
}

/** An address that leads to the one of `url`, until it is closed; then whoever comes, or is there, is sent away. */
export async function gateTo(t, url) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  let open = true;
  const server = createServer((near) => {
    if (!open) return near.destroy();
    const far = connect(port, hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.pipe(to).on('error', () => {});
      from.on('close', () => sockets.delete(from) && to.destroy());
    }
  });
  const leave = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    leave();
    server.close();
  });
  const come = () => {
    open = true;
  };
  return { url: `http://127.0.0.1:${server.address().port}`, leave, come };
}

/** GraphQL over HTTP, under one login and in one channel. */
export async function post(url, headers, query, variables) {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { ...(await response.json()), token: response.headers.get('vendure-auth-token') };
}

/** Ends what a test has begun, the newest first. */
export function stack(t) {
  const ends = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return { after: (end) => ends.push(end) };
}

/** Asks until the answer is as expected; what is sent to Simili goes by jobs. */
export async function expectSoon(ask, expected) {
  let answer;
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    answer = await ask();
    if (JSON.stringify(answer) === JSON.stringify(expected)) return;
  }
  assert.deepEqual(answer, expected);
}

const PRODUCTS =
  '{ products { nodes { title availableForSale categories image { url } tags price { amount currencyCode } } } }';

/** Products as Simili has them, in the order of their coming. */
export async function productsIn({ url }) {
  const { data } = await post(`${url}/graphql`, {}, PRODUCTS);
  return data.products.nodes.map((node) => ({ ...node, tags: node.tags.toSorted() }));
}
