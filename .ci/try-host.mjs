// A shop whose graphql is another copy than Simili's: its schema is extended, and its servers answer with both halves.
// Runs in the shop's own folder. Arguments: examples/demo-shop.mjs, then the packages of the servers to try.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import * as graphql from 'graphql';
import { buildSchema, GraphQLSchema, version } from 'graphql';
import { openSimili, simili as pluginOf } from 'simili';

const [demoShop, ...servers] = process.argv.slice(2);
const { addDemoShop } = await import(pathToFileURL(demoShop).href);

const theirs = buildSchema(`
  type Query { product(id: ID!): Product }
  type Product { id: ID! inStock: Int }
`);
theirs.getQueryType().getFields().product.resolve = (_root, { id }) => ({ id, inStock: 3 });

const simili = await openSimili({ dataDir: null, exploring: 0 });
await addDemoShop(simili);
assert(!(simili.plugin.standalone() instanceof GraphQLSchema), 'there is one copy of graphql only');
const schema = simili.plugin.extend(theirs);

/** Executes one document, as JSON over HTTP would have it. */
const asks = {
  async '@apollo/server'() {
    const { ApolloServer } = await import('@apollo/server');
    const server = new ApolloServer({ schema, plugins: [simili.plugin.limits(), simili.plugin.apolloPlugin()] });
    return async (query) => (await server.executeOperation({ query })).body.singleResult;
  },
  async 'graphql-yoga'() {
    const { createYoga } = await import('graphql-yoga');
    const yoga = createYoga({ schema, logging: false });
    return async (query) => {
      const headers = { 'content-type': 'application/json' };
      return (
        await yoga.fetch('http://shop.test/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) })
      ).json();
    };
  },
};

/** graphql-yoga reads a request with files by itself. */
async function sendFile() {
  const { createYoga } = await import('graphql-yoga');
  const adminKey = 'host-admin-key-0123';
  const yoga = createYoga({ schema: pluginOf(simili.services, graphql).admin({ adminKey }), logging: false });
  const query = `mutation ($products: [ProductInput!]!) {
    upsertProducts(input: { products: $products }) { created userErrors { field } } }`;
  const body = new FormData();
  const variables = { products: [{ id: 'boot', title: 'Boot', pictures: [null] }] };
  body.set('operations', JSON.stringify({ query, variables }));
  body.set('map', JSON.stringify({ 0: ['variables.products.0.pictures.0'] }));
  body.set('0', new Blob(['one']), 'boot.jpg');
  const headers = { authorization: `Bearer ${adminKey}` };
  const { data } = await (await yoga.fetch('http://shop.test/graphql', { method: 'POST', headers, body })).json();
  assert.deepEqual(data, { upsertProducts: { created: 1, userErrors: [] } });
  const [boot] = await simili.repositories.products.byIds(['boot']);
  assert.match(boot.image.source, /^upload:7692c3ad3540bb80/); // sha-256 of "one"
}

for (const name of servers) {
  const ask = await asks[name]();
  const { data } = await ask('{ product(id: "red-mug") { inStock similarItems(first: 2) { status nodes { id } } } }');
  assert.deepEqual(JSON.parse(JSON.stringify(data)), {
    product: { inStock: 3, similarItems: { status: 'OK', nodes: [{ id: 'pink-mug' }, { id: 'blue-jug' }] } },
  });
  const { errors } = await ask('{ similarItems(id: "red-mug", first: 0) { status } }');
  assert.equal(errors[0].extensions.code, 'INVALID_ARGUMENT');
  if (name === 'graphql-yoga') await sendFile();
  process.stdout.write(`${name} on graphql ${version}: ok\n`);
}
await simili.close();
