// A real Vendure shop for its tests, with Simili behind a gate.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execute, gateTo, makeDatabase, post, productsIn, stack, startSimili } from './real-shop.mjs';
import { installedAt, run, serve } from './shopper.mjs';

const LOGIN = 'mutation ($name: String!, $word: String!) { login(username: $name, password: $word) { __typename } }';

/** @returns the data of what was asked, and no error */
async function sure(asked) {
  const { data, errors } = await asked;
  assert.equal(errors, undefined);
  return data;
}

/** The shop, with Simili behind a gate. */
export async function startShop(test) {
  const t = stack(test);
  const folder = installedAt('vendure');
  const databaseUrl = await makeDatabase(t, 'vendure');
  const simili = await startSimili(t, 'vendure');
  const gate = await gateTo(t, simili.url);
  // Its 600 MB are installed by hand: README.md
  const hasDashboard = existsSync(join(folder, 'node_modules/@vendure/dashboard'));
  await run(folder, ['tsc']);
  if (hasDashboard) await run(folder, ['vite', 'build', '--logLevel', 'warn']);
  const env = { DATABASE_URL: databaseUrl, PORT: '0', SIMILI_URL: gate.url, SIMILI_KEY: simili.key };
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
    hasDashboard,
    as,
    execute: (statement, values) => execute(databaseUrl, statement, values),
    admin: (query, variables) => sure(office(query, variables)),
    /** Asks the shop API, in the usual channel or another. */
    shopper: (channel) => (query, variables) =>
      sure(post(`${url}/shop-api`, channel ? { 'vendure-token': channel } : {}, query, variables)),
    products: () => productsIn(simili),
  };
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
