// Not in .ci/run, for its 750 MB: README.md says how it is run. A database of its own is made where DATABASE_URL is.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { addDemoModel } from '../demo-shop.mjs';
import { expectSoon, gateTo, makeDatabase, productsIn, stack, startSimili } from '../real-shop.mjs';
import { installedAt, run, serve } from '../shopper.mjs';

const { DATABASE_URL, SIMILI_INSTALLED } = process.env;
const isThere = DATABASE_URL && SIMILI_INSTALLED && existsSync(installedAt('medusa'));
const EMAIL = 'boss@shop.example';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A call of one of Medusa's APIs. @returns the answer, which is no error */
async function call(url, headers, path, body) {
  const method = body ? 'POST' : 'GET';
  const sent = {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  };
  const response = await fetch(url + path, sent);
  const answer = await response.json();
  assert.ok(response.ok, `${path}: ${JSON.stringify(answer)}`);
  return answer;
}

async function startMedusa(test) {
  const t = stack(test);
  const folder = installedAt('medusa');
  const databaseUrl = await makeDatabase(t, 'medusa');
  const simili = await startSimili(t, 'medusa');
  const gate = await gateTo(t, simili.url);
  const env = {
    DATABASE_URL: databaseUrl,
    SIMILI_URL: gate.url,
    SIMILI_KEY: simili.key,
    MEDUSA_DISABLE_TELEMETRY: 'true',
    NODE_ENV: 'development',
  };
  await run(folder, ['tsc']);
  await run(folder, ['medusa', 'db:migrate', '--skip-scripts'], env);
  await run(folder, ['medusa', 'user', '--email', EMAIL, '--password', EMAIL], env);
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  // It does not print its address: until its end, which is ours, whatever it prints is read and passed over.
  serve(t, folder, ['medusa', 'start', '--port', port, '--types=false'], env, /$^/).catch(() => {});
  const answers = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expectSoon(answers, true);
  const { token } = await call(url, {}, '/auth/user/emailpass', { email: EMAIL, password: EMAIL });
  const admin = (path, body) => call(url, { authorization: `Bearer ${token}` }, `/admin${path}`, body);
  const remove = (path) =>
    fetch(`${url}/admin${path}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  return { simili, gate, url, admin, remove };
}

/** A sales channel, and a key by which a storefront is one of it. */
async function addChannel({ admin, url }, name) {
  const { sales_channel } = await admin('/sales-channels', { name });
  const { api_key } = await admin('/api-keys', { title: name, type: 'publishable' });
  await admin(`/api-keys/${api_key.id}/sales-channels`, { add: [sales_channel.id] });
  const headers = { 'x-publishable-api-key': api_key.token };
  return { id: sales_channel.id, shopper: (path) => call(url, headers, `/store${path}`) };
}

async function addProduct({ admin }, title, channels, more = {}) {
  const { product } = await admin('/products', {
    title,
    status: 'published',
    options: [{ title: 'Size', values: ['one'] }],
    variants: [
      {
        title: 'one',
        options: { Size: 'one' },
        manage_inventory: false,
        prices: [
          { amount: 11.9, currency_code: 'eur' },
          { amount: 9, currency_code: 'usd' },
        ],
      },
    ],
    sales_channels: channels.map(({ id }) => ({ id })),
    ...more,
  });
  return product.id;
}

test('products of a Medusa shop reach Simili as they change, and its store API lists what looks alike', {
  skip: isThere ? false : 'it is not installed, or there is no Postgres',
}, async (t) => {
  const shop = await startMedusa(t);
  const { admin, simili, gate } = shop;
  const [web, outlet] = [await addChannel(shop, 'web'), await addChannel(shop, 'outlet')];
  const { product_category: home } = await admin('/product-categories', { name: 'Home', is_active: true });
  const { product_category: mugs } = await admin('/product-categories', {
    name: 'Mugs',
    is_active: true,
    parent_category_id: home.id,
  });
  const { product_tag: acme } = await admin('/product-tags', { value: 'brand:acme' });
  const picture = 'https://shop.example/mug.jpg';
  const red = await addProduct(shop, 'red mug', [web, outlet], {
    images: [{ url: picture }],
    categories: [{ id: mugs.id }],
    tags: [{ id: acme.id }],
  });
  const pink = await addProduct(shop, 'pink mug', [web]);
  const blue = await addProduct(shop, 'blue jug', [web, outlet]);
  await addProduct(shop, 'a draft', [web], { status: 'draft' });
  const channel = ({ id }) => `channel:${id}`;
  const price = { amount: '11.90', currencyCode: 'EUR' };
  const pinkMug = {
    title: 'pink mug',
    availableForSale: true,
    categories: [],
    image: null,
    tags: [channel(web)],
    price,
  };
  const blueJug = { ...pinkMug, title: 'blue jug', tags: [channel(web), channel(outlet)].sort() };
  const redMug = {
    ...blueJug,
    title: 'red mug',
    categories: ['Home', 'Mugs'],
    image: { url: picture },
    tags: ['brand:acme', ...blueJug.tags],
  };
  await expectSoon(() => productsIn(simili), [redMug, pinkMug, blueJug]);

  await addDemoModel(simili, { vectors: { [red]: [1, 0], [pink]: [0.8, 0.6], [blue]: [0, 1] } });
  const listOf = async ({ shopper }, first) => {
    const { list } = await shopper(`/products/${red}/similar?first=${first}`);
    return list && { status: list.status, titles: list.nodes.map(({ title }) => title) };
  };
  assert.deepEqual(await listOf(web, 2), { status: 'OK', titles: ['pink mug', 'blue jug'] });
  assert.deepEqual(await listOf(outlet, 1), { status: 'OK', titles: ['blue jug'] });

  gate.leave();
  await admin(`/products/${red}`, { title: 'scarlet mug' });
  await shop.remove(`/products/${pink}`);
  assert.equal(await listOf(web, 6), null);
  gate.come();
  await expectSoon(() => productsIn(simili), [{ ...redMug, title: 'scarlet mug' }, blueJug]);
  await admin(`/products/${blue}`, { status: 'draft' });
  await expectSoon(async () => (await productsIn(simili)).map(({ title }) => title), ['scarlet mug']);
});
