// A real Vendure shop for its tests, and a Simili that can be away. The shop has a database of its own where DATABASE_URL is.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import pg from 'pg';
import { loadConfig, openSimili } from 'simili';
import { startServer } from 'simili/server';
import { installedAt, run, serve } from './shopper.mjs';

const { DATABASE_URL } = process.env;
const KEY = randomUUID();

async function execute(url, statement, values) {
  const client = new pg.Client(url);
  await client.connect();
  return client.query(statement, values).finally(() => client.end());
}

async function makeDatabase(t) {
  const name = `vendure_${randomUUID().replaceAll('-', '')}`;
  await execute(DATABASE_URL, `CREATE DATABASE ${name}`);
  t.after(() => execute(DATABASE_URL, `DROP DATABASE ${name} WITH (FORCE)`));
  return Object.assign(new URL(DATABASE_URL), { pathname: name }).href;
}

async function startSimili(t) {
  const simili = await openSimili({ dataDir: null, exploring: 0 });
  const config = loadConfig({ PORT: '0', SIMILI_CORS_ORIGINS: '*' });
  // The plugin's key, as `simili key create --scopes catalog,operate` makes them, and shoppers without any.
  const callers = {
    [KEY]: { name: 'vendure', scopes: ['catalog', 'operate'], catalog: null },
    null: { name: 'anybody', scopes: ['storefront', 'feedback'], catalog: null },
  };
  const authenticator = { name: 'one key', authenticate: async ({ key }) => callers[key] ?? null };
  const server = await startServer({ ...simili, config, log: console, authenticator });
  t.after(async () => {
    await server.close();
    await simili.close();
  });
  return { ...simili, url: server.url };
}

/** An address that leads to the one of `url`, until it is closed; then whoever comes, or is there, is sent away. */
async function gateTo(t, url) {
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
async function post(url, headers, query, variables) {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { ...(await response.json()), token: response.headers.get('vendure-auth-token') };
}

/** @returns the data of what was asked, and no error */
async function sure(asked) {
  const { data, errors } = await asked;
  assert.equal(errors, undefined);
  return data;
}

const PRODUCTS =
  '{ products { nodes { title availableForSale categories image { url } tags price { amount currencyCode } } } }';
const LOGIN = 'mutation ($name: String!, $word: String!) { login(username: $name, password: $word) { __typename } }';

/** Ends what a test has begun, the newest first. */
function stack(t) {
  const ends = [];
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return { after: (end) => ends.push(end) };
}

/** The shop, with Simili behind a gate. */
export async function startShop(test) {
  const t = stack(test);
  const folder = installedAt('vendure');
  const databaseUrl = await makeDatabase(t);
  const simili = await startSimili(t);
  const gate = await gateTo(t, simili.url);
  await run(folder, ['tsc']);
  const env = { DATABASE_URL: databaseUrl, PORT: '0', SIMILI_URL: gate.url, SIMILI_KEY: KEY };
  const url = await serve(t, folder, ['node', 'dist/shop.js'], env);
  /** Asks the admin API as somebody; `errors` may come back. */
  const as = async (name, word) => {
    const { token } = await post(`${url}/admin-api`, {}, LOGIN, { name, word });
    const headers = { authorization: `Bearer ${token}` };
    return (query, variables) => post(`${url}/admin-api`, headers, query, variables);
  };
  const office = await as('superadmin', 'superadmin');
  return {
    simili,
    gate,
    url,
    key: KEY,
    as,
    execute: (statement, values) => execute(databaseUrl, statement, values),
    admin: (query, variables) => sure(office(query, variables)),
    /** Asks the shop API, in the usual channel or another. */
    shopper: (channel) => (query, variables) =>
      sure(post(`${url}/shop-api`, channel ? { 'vendure-token': channel } : {}, query, variables)),
    /** Products as Simili has them. */
    async products() {
      const { products } = await sure(post(`${simili.url}/graphql`, {}, PRODUCTS));
      return products.nodes.map((node) => ({ ...node, tags: node.tags.toSorted() }));
    },
  };
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

/** @returns the product's id in the shop */
export async function addProduct({ admin }, name, stockOnHand) {
  const named = { languageCode: 'en', name };
  const input = { translations: [{ ...named, slug: name.replace(' ', '-'), description: '' }] };
  const created = await admin('mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }', {
    input,
  });
  const { id: productId } = created.createProduct;
  await admin('mutation ($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id } }', {
    input: [{ productId, sku: name, price: 1000, stockOnHand, trackInventory: 'TRUE', translations: [named] }],
  });
  return productId;
}

export const updateProduct = ({ admin }, input) =>
  admin('mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { id } }', { input });

export const deleteProduct = ({ admin }, id) =>
  admin('mutation ($id: ID!) { deleteProduct(id: $id) { result } }', { id });

/** A picture as the shop's asset server would have stored it. @returns its id in the shop */
export async function addPicture(shop, preview) {
  const { rows } = await shop.execute(
    `WITH made AS (
       INSERT INTO asset (type, "mimeType", "fileSize", source, preview) VALUES ('IMAGE', 'image/jpeg', 9, $1, $1) RETURNING id
     ), named AS (
       INSERT INTO asset_translation ("languageCode", name, "baseId") SELECT 'en', 'mug', id FROM made
     )
     INSERT INTO asset_channels_channel ("assetId", "channelId") SELECT made.id, channel.id FROM made, channel RETURNING "assetId"`,
    [preview],
  );
  return String(rows[0].assetId);
}

/** Somebody of the shop with one permission. @returns a function that asks the admin API as them */
export async function addAdministrator({ admin, as }, permission) {
  const code = permission.toLowerCase();
  const role = await admin('mutation ($input: CreateRoleInput!) { createRole(input: $input) { id } }', {
    input: { code, description: code, permissions: [permission] },
  });
  const name = { firstName: code, lastName: code, emailAddress: `${code}@shop.example` };
  await admin('mutation ($input: CreateAdministratorInput!) { createAdministrator(input: $input) { id } }', {
    input: { ...name, password: code, roleIds: [role.createRole.id] },
  });
  return as(name.emailAddress, code);
}

/** @returns its id in the shop */
export async function addChannel({ admin }, code) {
  const { zones } = await admin('{ zones { items { id } } }');
  const [{ id: zone }] = zones.items;
  const input = {
    code,
    token: code,
    defaultLanguageCode: 'en',
    defaultCurrencyCode: 'USD',
    pricesIncludeTax: false,
    defaultTaxZoneId: zone,
    defaultShippingZoneId: zone,
  };
  const created = await admin(
    'mutation ($input: CreateChannelInput!) { createChannel(input: $input) { ... on Channel { id } } }',
    { input },
  );
  return created.createChannel.id;
}
