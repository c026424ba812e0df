// node --test examples/vendure, with CHROMIUM_PATH, SIMILI_INSTALLED and DATABASE_URL: a database of its own is made there
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { addDemoModel } from '../demo-shop.mjs';
import { expectSoon } from '../real-shop.mjs';
import { expectEvents, needsInstalled, openBrowser } from '../shopper.mjs';
import {
  addAdministrator,
  addChannel,
  addPicture,
  addProduct,
  deleteProduct,
  startShop,
  updateProduct,
} from '../vendure-shop.mjs';

const html = readFileSync(new URL('./storefront.html', import.meta.url), 'utf8');

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

/** Three products as Simili is to have them; each step below changes them as it changes the shop's. */
const sent = {
  categories: [],
  image: null,
  tags: ['channel:__default_channel__'],
  price: { amount: '11.90', currencyCode: 'USD' },
};
const redMug = { title: 'red mug', availableForSale: true, ...sent };
const pinkMug = { ...redMug, title: 'pink mug' };
const blueJug = { ...redMug, title: 'blue jug', availableForSale: false };

const LIST = `query ($id: ID!, $first: Int) {
  product(id: $id) { similarItems(first: $first) { nodes { name variants { sku } } } }
}`;

/** SKUs of what a shopper is shown beside a product; undefined: there is no list. */
async function listOf(shopper, id, first) {
  const { product } = await shopper(LIST, { id, first });
  return product.similarItems?.nodes.map(({ variants: [{ sku }] }) => sku);
}

async function productsArrive(shop) {
  const { admin, products } = shop;
  const red = await addProduct(shop, 'red mug', 3);
  const pink = await addProduct(shop, 'pink mug', 3);
  const blue = await addProduct(shop, 'blue jug', 0);
  await expectSoon(products, [redMug, pinkMug, blueJug]);

  const made = await admin('mutation ($input: CreateFacetInput!) { createFacet(input: $input) { values { id } } }', {
    input: BRANDS,
  });
  const facetValueIds = made.createFacet.values.map(({ id }) => id);
  await updateProduct(shop, { id: red, featuredAssetId: await addPicture(shop, 'preview/a1/mug.jpg'), facetValueIds });
  await admin('mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { id } }', { input: MUGS });
  redMug.tags = ['brand:acme', ...redMug.tags];
  redMug.image = { url: 'https://shop.example/assets/preview/a1/mug.jpg' };
  redMug.categories = pinkMug.categories = ['Mugs'];
  await expectSoon(products, [redMug, pinkMug, blueJug]);
  return { red, pink, blue };
}

const METRICS = {
  evaluation: { structure: { triplets: 90, precision: 0.75 }, clicks: { triplets: 0, precision: 0 } },
  active: { structure: { triplets: 90, precision: 0.5 } },
};

async function listsAreShown({ simili, shopper }, { red, pink, blue }) {
  await addDemoModel(simili, { vectors: { [red]: [1, 0], [pink]: [0.8, 0.6], [blue]: [0, 1] }, metrics: METRICS });
  await expectSoon(() => listOf(shopper(), red), ['pink mug', 'blue jug']);
  // What Simili refuses, or does not answer, is a page without a list.
  const refused = await shopper()(`{ product(id: ${red}) { name similarItems(first: 0) { status } } }`);
  assert.deepEqual(refused, { product: { name: 'red mug', similarItems: null } });
}

async function eventsAreStored(t, { simili, url }, { red, pink, blue }) {
  const page = html.replaceAll('http://localhost:4000', simili.url).replaceAll('http://localhost:3000', url);
  const pages = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(page));
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  t.after(() => pages.close());
  const tab = await (await openBrowser(t)).newPage();
  await tab.goto(`http://127.0.0.1:${pages.address().port}/?product=${red}`);
  await expectEvents(simili, tab, [`IMPRESSION ${[pink, blue].sort()}`]);
  await tab.getByRole('link', { name: 'pink mug' }).click();
  await tab.getByRole('link', { name: 'red mug' }).waitFor();
  await expectEvents(simili, tab, [`CLICK ${pink}`, `IMPRESSION ${[pink, blue].sort()}`]);
}

const STATUS = `query ($id: ID!) {
  similiStatus {
    page problem products picturesPending picturesFailed version { number trained products }
    training { state gains { of before after } }
  }
  product(id: $id) { similarItems { nodes { name } } }
}`;

/** The answers that a dashboard needs, through the admin API and by its permissions. */
async function officeSeesStatus(shop, { red }) {
  const { product, similiStatus } = await shop.admin(STATUS, { id: red });
  assert.deepEqual(product.similarItems.nodes, [{ name: 'pink mug' }, { name: 'blue jug' }]);
  assert.deepEqual(similiStatus, {
    page: shop.gate.url,
    problem: null,
    products: 3,
    picturesPending: 1,
    picturesFailed: 0,
    version: { number: 1, trained: false, products: 3 },
    training: { state: 'SUCCEEDED', gains: [{ of: 'categories', before: 0.5, after: 0.75 }] },
  });
  const codeFor = async (ask) => (await ask('{ similiStatus { products } }')).errors?.[0].extensions.code;
  assert.equal(await codeFor(await addAdministrator(shop, 'ReadOrder')), 'FORBIDDEN');
  assert.equal(await codeFor(await addAdministrator(shop, 'ReadProduct')), undefined);
}

/** The page of the dashboard, in a browser: what is served, a product's list with its picture, and the key nowhere. */
async function dashboardShows(t, { simili, url, gate }) {
  const tab = await (await openBrowser(t)).newPage();
  const heard = [];
  tab.on('request', (request) => heard.push(request.url() + JSON.stringify(request.headers()) + request.postData()));
  const bodies = [];
  tab.on('response', (response) => bodies.push(response.text().catch(() => '')));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  await tab.route('**/preview/a1/mug.jpg*', (route) => route.fulfill({ contentType: 'image/svg+xml', body: svg }));

  await tab.goto(`${url}/dashboard/`);
  await tab.getByPlaceholder('Email').fill('superadmin');
  await tab.getByPlaceholder('Password').fill('superadmin');
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByRole('button', { name: 'Catalog' }).click();
  await tab.getByRole('link', { name: 'Similar items' }).click();
  await tab.getByText('Model 1 (untrained) serves since').waitFor();
  await tab.getByText('3 of 3 products can be compared').waitFor();
  await tab.getByText('Right order, categories: 50.0 %, now 75.0 %').waitFor();
  const link = tab.getByRole('link', { name: "Simili's own page" });
  assert.equal(await link.getAttribute('href'), gate.url);

  await tab.getByLabel('Product', { exact: true }).fill('pink');
  await tab.getByRole('button', { name: 'pink mug' }).click();
  const list = tab.getByRole('list', { name: 'Similar items' });
  await list.getByText('red mug').waitFor();
  assert.deepEqual(await list.getByRole('listitem').allInnerTexts(), ['red mug', 'blue jug']);
  await tab.waitForFunction(() => document.querySelector('ul[aria-label="Similar items"] img')?.naturalWidth === 9);
  await list.getByRole('link', { name: 'red mug' }).click();
  await tab.getByRole('list', { name: 'Similar items' }).getByText('pink mug').waitFor(); // beside the product's own form
  const all = heard.concat(await Promise.all(bodies)).join('\n');
  assert.ok(all.includes('similiStatus') && !all.includes(simili.key));
}

/** A second channel has two of the three products; its lists show no other, however near. */
async function channelsAreApart(shop, { red, blue }) {
  const { admin, products, shopper } = shop;
  const channelId = await addChannel(shop, 'outlet');
  await admin('mutation ($input: AssignProductsToChannelInput!) { assignProductsToChannel(input: $input) { id } }', {
    input: { productIds: [red, blue], channelId },
  });
  for (const product of [redMug, blueJug]) product.tags = [...product.tags, 'channel:outlet'];
  await expectSoon(products, [redMug, pinkMug, blueJug]);
  assert.deepEqual(await listOf(shopper('outlet'), red, 1), ['blue jug']);
  assert.deepEqual(await listOf(shopper(), red, 1), ['pink mug']);

  await admin(
    'mutation ($input: RemoveProductsFromChannelInput!) { removeProductsFromChannel(input: $input) { id } }',
    { input: { productIds: [blue], channelId } },
  );
  blueJug.tags = blueJug.tags.filter((tag) => tag !== 'channel:outlet');
  await expectSoon(products, [redMug, pinkMug, blueJug]);
  assert.deepEqual(await listOf(shopper('outlet'), red), []);
}

const MOST_TRIED = `{
  jobs(options: { filter: { queueName: { eq: "simili" } }, sort: { createdAt: DESC }, take: 10 }) { items { attempts } }
}`;

/** Products that are changed, made and deleted while Simili is away. */
async function changesWait(shop, { red, pink }) {
  const { admin, products, shopper, gate } = shop;
  gate.leave();
  await updateProduct(shop, { id: red, translations: [{ languageCode: 'en', name: 'scarlet mug' }] });
  await deleteProduct(shop, pink);
  await addProduct(shop, 'green cup', 1);
  assert.equal(await listOf(shopper(), red), undefined);
  const { similiStatus } = await admin('{ similiStatus { problem products } }');
  assert.match(similiStatus.problem, /closed|reset|refused|hang up/i);
  assert.equal(similiStatus.products, null);
  const tried = async () => Math.max(...(await admin(MOST_TRIED)).jobs.items.map(({ attempts }) => attempts)) > 20;
  await expectSoon(tried, true);

  gate.come();
  redMug.title = 'scarlet mug';
  await expectSoon(products, [redMug, blueJug, { ...redMug, ...sent, title: 'green cup' }]);
  await expectSoon(() => listOf(shopper(), red), ['blue jug']);
}

test('products of a Vendure shop reach Simili as they change, and its shop API lists what looks alike', {
  skip: needsInstalled.skip || !process.env.DATABASE_URL,
}, async (t) => {
  const shop = await startShop(t);
  const ids = await productsArrive(shop);
  await listsAreShown(shop, ids);
  await officeSeesStatus(shop, ids);
  if (shop.hasDashboard) await dashboardShows(t, shop);
  else t.diagnostic('not tried: the page of the dashboard, which is not installed');
  await eventsAreStored(t, shop, ids);
  await channelsAreApart(shop, ids);
  await changesWait(shop, ids);

  await updateProduct(shop, { id: ids.blue, enabled: false });
  await deleteProduct(shop, ids.red);
  await expectSoon(async () => (await shop.products()).map(({ title }) => title), ['green cup']);
});
