// node --test examples/vendure, with CHROMIUM_PATH, SIMILI_INSTALLED and DATABASE_URL: a database of its own is made there
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import pg from 'pg';
import { loadConfig, openSimili } from 'simili';
import { startServer } from 'simili/server';
import { addDemoModel } from '../demo-shop.mjs';
import { expectEvents, installedAt, needsInstalled, openBrowser, run, serve } from '../shopper.mjs';

const { DATABASE_URL } = process.env;
const KEY = randomUUID();
const html = readFileSync(new URL('./storefront.html', import.meta.url), 'utf8');

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
  // The plugin's key, as `simili key create --scopes catalog` makes them, and shoppers without any.
  const callers = {
    [KEY]: { name: 'vendure', scopes: ['catalog'], catalog: null },
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

const MUGS = {
  translations: [{ languageCode: 'en', name: 'Mugs', slug: 'mugs', description: '' }],
  filters: [
    {
      code: 'variant-name-filter',
      arguments: [
        { name: 'operator', value: 'contains' },
        { name: 'term', value: 'mug' },
      ],
    },
  ],
};

const BRANDS = {
  code: 'brand',
  isPrivate: false,
  translations: [{ languageCode: 'en', name: 'Brand' }],
  values: [{ code: 'acme', translations: [{ languageCode: 'en', name: 'Acme' }] }],
};

/** GraphQL over HTTP, under one login. */
function asking(url, headers = {}) {
  return async (query, variables = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    assert.equal(errors, undefined);
    return { data, response };
  };
}

async function loggedIn(url) {
  const { response } = await asking(url)(
    'mutation { login(username: "superadmin", password: "superadmin") { __typename } }',
  );
  return asking(url, { authorization: `Bearer ${response.headers.get('vendure-auth-token')}` });
}

/** @returns the product's id in the shop */
async function addProduct(admin, name, stockOnHand) {
  const named = { languageCode: 'en', name };
  const created = await admin('mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }', {
    input: { translations: [{ ...named, slug: name.replace(' ', '-'), description: '' }] },
  });
  const { id: productId } = created.data.createProduct;
  await admin('mutation ($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id } }', {
    input: [{ productId, sku: name, price: 1000, stockOnHand, trackInventory: 'TRUE', translations: [named] }],
  });
  return productId;
}

/** A picture as the shop's asset server would have stored it. @returns its id in the shop */
async function addPicture(databaseUrl, preview) {
  const { rows } = await execute(
    databaseUrl,
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

/** Asks until what it answers is as expected; what is sent to Simili goes by jobs. */
async function expectSoon(ask, expected) {
  let answer;
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    answer = await ask();
    if (JSON.stringify(answer) === JSON.stringify(expected)) return;
  }
  assert.deepEqual(answer, expected);
}

test('products of a Vendure shop reach Simili as they change, and its shop API lists what looks alike', {
  skip: needsInstalled.skip || !DATABASE_URL,
}, async (t) => {
  const folder = installedAt('vendure');
  const databaseUrl = await makeDatabase(t);
  const simili = await startSimili(t);
  await run(folder, ['tsc']);
  const env = { DATABASE_URL: databaseUrl, PORT: '0', SIMILI_URL: simili.url, SIMILI_KEY: KEY };
  const shop = await serve(t, folder, ['node', 'dist/shop.js'], env);
  const admin = await loggedIn(`${shop}/admin-api`);
  const ask = asking(`${simili.url}/graphql`);
  const products = async () => {
    const { data } = await ask(
      '{ products { nodes { title availableForSale categories image { url } tags price { amount currencyCode } } } }',
    );
    return data.products.nodes;
  };

  const ids = [];
  for (const [name, stock] of [
    ['red mug', 3],
    ['pink mug', 3],
    ['blue jug', 0],
  ])
    ids.push(await addProduct(admin, name, stock));
  const [red, pink, blue] = ids;
  const sent = {
    categories: [],
    image: null,
    tags: ['channel:__default_channel__'],
    price: { amount: '11.90', currencyCode: 'USD' },
  };
  const redMug = { title: 'red mug', availableForSale: true, ...sent };
  const pinkMug = { ...redMug, title: 'pink mug' };
  const blueJug = { ...redMug, title: 'blue jug', availableForSale: false };
  await expectSoon(products, [redMug, pinkMug, blueJug]);

  const update = 'mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { id } }';
  const { data } = await admin(
    'mutation ($input: CreateFacetInput!) { createFacet(input: $input) { values { id } } }',
    {
      input: BRANDS,
    },
  );
  const facetValueIds = data.createFacet.values.map(({ id }) => id);
  const featuredAssetId = await addPicture(databaseUrl, 'preview/a1/mug.jpg');
  await admin(update, { input: { id: red, featuredAssetId, facetValueIds } });
  await admin('mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { id } }', { input: MUGS });
  redMug.tags = [...redMug.tags, 'brand:acme'];
  redMug.image = { url: 'https://shop.example/assets/preview/a1/mug.jpg' };
  redMug.categories = pinkMug.categories = ['Mugs'];
  await expectSoon(products, [redMug, pinkMug, blueJug]);

  await addDemoModel(simili, { vectors: { [red]: [1, 0], [pink]: [0.8, 0.6], [blue]: [0, 1] } });
  const listOf = async () => {
    const { data } = await asking(`${shop}/shop-api`)(
      'query ($id: ID!) { product(id: $id) { similarItems { nodes { name variants { sku } } } } }',
      { id: red },
    );
    return data.product.similarItems.nodes.map(({ variants: [{ sku }] }) => sku);
  };
  await expectSoon(listOf, ['pink mug', 'blue jug']);
  // What Simili refuses, or does not answer, is a page without a list.
  const refused = await asking(`${shop}/shop-api`)(
    `{ product(id: ${red}) { name similarItems(first: 0) { status } } }`,
  );
  assert.deepEqual(refused.data, { product: { name: 'red mug', similarItems: null } });

  const pages = createServer((_req, res) =>
    res
      .setHeader('content-type', 'text/html')
      .end(html.replaceAll('http://localhost:4000', simili.url).replaceAll('http://localhost:3000', shop)),
  );
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  t.after(() => pages.close());
  const tab = await (await openBrowser(t)).newPage();
  await tab.goto(`http://127.0.0.1:${pages.address().port}/?product=${red}`);
  await expectEvents(simili, tab, [`IMPRESSION ${[pink, blue].sort()}`]);
  await tab.getByRole('link', { name: 'pink mug' }).click();
  await tab.getByRole('link', { name: 'red mug' }).waitFor();
  await expectEvents(simili, tab, [`CLICK ${pink}`, `IMPRESSION ${[pink, blue].sort()}`]);

  await admin('mutation ($id: ID!) { deleteProduct(id: $id) { result } }', { id: pink });
  await admin(update, { input: { id: blue, enabled: false } });
  await expectSoon(products, [redMug]);
  assert.deepEqual(await listOf(), []);
});
