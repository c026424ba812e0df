import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLScalarType, type GraphQLSchema, parse, printSchema } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseUnavailable } from '../../src/deadline.ts';
import { simili } from '../../src/plugin.ts';
import { makeServices, type Services } from '../../src/services.ts';
import { fakeLog, SIGNING_KEY, UNHURRIED } from '../support/api.ts';
import { ask, codeOf, host } from '../support/ask.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addModel, addProducts, fakeQueue } from '../support/fixtures.ts';

let database: FreshDatabase;
let services: Services;
const logged = fakeLog();

beforeAll(async () => {
  database = await freshDatabase();
  await addProducts(database, [{ id: 'a' }, { id: 'b', price: '3', currencyCode: 'EUR' }]);
  await addModel(database, { a: [1, 0], b: [0, 1] });
  const { repositories } = database;
  services = makeServices({
    repositories,
    queue: fakeQueue(),
    log: logged.log,
    signingKey: SIGNING_KEY,
    exploring: 0,
    auditing: { share: 0, alarmBelow: 0.95 },
    now: () => new Date(),
    patience: UNHURRIED,
    retraining: { pauseMinutes: 60, choices: 500 },
  });
});
afterAll(() => database[Symbol.asyncDispose]());

const shopOf = (typeDefs: string) =>
  makeExecutableSchema({
    typeDefs,
    resolvers: {
      Query: { product: (_root: unknown, { id }: { id: string }) => ({ id }) },
      Product: { sku: ({ id }: { id: string }) => `SKU-${id}`, price: () => 9.5 },
    },
  });
const shop = shopOf(`
  type Query { product(id: ID!): Product }
  type Product { id: ID! sku: String! price: Float! }
  type Money { cents: Int! }
`);
const list = 'similarItems { status edges { score node { id } } }';
const found = { status: 'OK', edges: [{ score: expect.closeTo(0.5, 6), node: { id: 'b' } }] };
const entities = (fields: string, ...ids: string[]) =>
  `{ _entities(representations: [${ids.map((id) => `{ __typename: "Product", id: "${id}" }`).join(' ')}]) { ... on Product { ${fields} } } }`;

type Way = [name: string, schemaOf: (plugin: ReturnType<typeof simili>) => GraphQLSchema, query: string, data: unknown];

test.each<Way>([
  [
    'standalone',
    (plugin) => plugin.standalone(),
    `{ product(by: { id: "a" }) { title ${list} } }`,
    { product: { title: 'Product a', similarItems: found } },
  ],
  [
    'subgraph',
    (plugin) => plugin.subgraph(),
    entities(`title ${list}`, 'a'),
    { _entities: [{ title: 'Product a', similarItems: found }] },
  ],
  [
    'extend',
    (plugin) => plugin.extend(shop),
    `{ product(id: "a") { sku price ${list} } }`,
    { product: { sku: 'SKU-a', price: 9.5, similarItems: found } },
  ],
  [
    'admin',
    (plugin) => plugin.admin({ authorize: () => true }),
    `{ product(by: { id: "a" }) { ${list} } models { number embedded } }`,
    { product: { similarItems: found }, models: [{ number: 1, embedded: 2 }] },
  ],
])('a shopper gets similar items over HTTP: %s', async (_name, schemaOf, query, data) => {
  await using server = await host(schemaOf(simili(services)));
  expect(await ask(server.url, query)).toEqual({ status: 200, data });
});

test('a router asks for many entities at once, known and unknown, with one query for products', async () => {
  await using server = await host(simili(services).subgraph());
  const { products } = database.repositories;
  let queries = 0;
  const byIds = products.byIds.bind(products);
  products.byIds = (ids) => {
    queries += 1;
    return byIds(ids);
  };
  const answer = await ask(server.url, entities('id price { amount } similarItems { status }', 'a', 'nobody', 'b'));
  products.byIds = byIds;
  expect(answer.data._entities).toEqual([
    { id: 'a', price: null, similarItems: { status: 'OK' } },
    null,
    { id: 'b', price: { amount: '3.00' }, similarItems: { status: 'OK' } },
  ]);
  expect(queries).toBe(1);
});

test('while the database is away a router gets the last lists of products of whom it asks nothing else', async () => {
  await using server = await host(simili(services).subgraph());
  const { products, search } = database.repositories;
  const lists = (...ids: string[]) => entities('__typename id ...Its', ...ids) + ITS;
  const ITS = ' fragment Its on Product { similarItems(first: 7) { status stale nodes { id } } }';
  const last = (stale: boolean) => ({ status: 'OK', stale, nodes: [{ id: 'b' }] });
  expect((await ask(server.url, lists('a'))).data._entities).toMatchObject([{ similarItems: last(false) }]);
  const away = () => Promise.reject(databaseUnavailable('it is down'));
  Object.assign(products, { byIds: away });
  Object.assign(search, { nearestOfEach: away });
  const [answer, whole] = [await ask(server.url, lists('a', 'b')), await ask(server.url, entities('title', 'a'))];
  delete (products as { byIds?: unknown }).byIds;
  delete (search as { nearestOfEach?: unknown }).nearestOfEach;
  expect(answer.data._entities).toEqual([
    { __typename: 'Product', id: 'a', similarItems: last(true) },
    { __typename: 'Product', id: 'b', similarItems: null },
  ]);
  expect(answer.errors?.map(({ extensions }) => extensions?.code)).toEqual(['DATABASE_UNAVAILABLE']);
  expect(whole.data._entities).toEqual([null]);
});

test('a router is given the contract in full, with the one directive that some of them do not know', async () => {
  await using server = await host(simili(services).subgraph());
  const { sdl } = (await ask(server.url, '{ _service { sdl } }')).data._service;
  expect(sdl).toContain('type Product @key(fields: "id")');
  expect(sdl).toContain('https://specs.apollo.dev/federation/v2.9');
  expect(sdl).toContain('directive @oneOf on INPUT_OBJECT');
  expect(sdl).toMatch(/input ProductKeyInput\s+@oneOf/);
  parse(sdl);
});

test('@oneOf holds in the subgraph itself', async () => {
  await using server = await host(simili(services).subgraph());
  expect(codeOf(await ask(server.url, '{ product(by: { id: "a", url: "https://x.example" }) { id } }'))).toBe(
    'GRAPHQL_VALIDATION_FAILED',
  );
});

test("a host's catalog stays its own: it gains seven fields and nothing about products", () => {
  const schema = simili(services).extend(shop);
  const fields = (type: string) => Object.keys((schema.getType(type) as never as { getFields(): object }).getFields());
  expect(fields('Query')).toEqual([
    'product',
    'similarItems',
    'similarToProducts',
    'similarToPicture',
    'visitorErasure',
  ]);
  expect(fields('Product')).toEqual(['id', 'sku', 'price', 'similarItems']);
  expect(fields('Mutation')).toEqual(['submitFeedback', 'forgetMe']);
  expect(fields('Money')).toEqual(['cents']);
  expect(printSchema(schema)).not.toMatch(/ProductConnection|ProductImage/);
});

test("products of a list are the host's own: all its fields start from the id", async () => {
  await using server = await host(simili(services).extend(shop));
  const { data } = await ask(server.url, '{ similarItems(id: "a") { nodes { id sku price } } }');
  expect(data.similarItems.nodes).toEqual([{ id: 'b', sku: 'SKU-b', price: 9.5 }]);
});

test('a product of the host may have a number for its id', async () => {
  const theirs = makeExecutableSchema({
    typeDefs: 'type Query { products: [Product!]! } type Product { id: ID! }',
    resolvers: { Query: { products: () => [{ id: 42 }, { id: 'a' }] } },
  });
  await using server = await host(simili(services).extend(theirs));
  const { data } = await ask(server.url, '{ products { id similarItems { status } } }');
  expect(data.products).toEqual([
    { id: '42', similarItems: { status: 'ITEM_UNKNOWN' } },
    { id: 'a', similarItems: { status: 'OK' } },
  ]);
});

test.each([
  ['numbers', Number],
  ['objects', (text: string) => ({ toString: () => text })],
])('a Decimal of the host may make %s of bounds', async (_what, parse) => {
  const theirs = makeExecutableSchema({
    typeDefs: 'scalar Decimal type Query { product: Product } type Product { id: ID! weight: Decimal }',
    resolvers: {
      Decimal: new GraphQLScalarType({ name: 'Decimal', parseValue: (value) => parse(value as string) }),
      Query: { product: () => ({ id: 'a' }) },
    },
  });
  await using server = await host(simili(services).extend(theirs));
  const query =
    'query ($max: Decimal) { product { similarItems(filter: { price: { min: "1.5", max: $max } }) { nodes { id } } } }';
  const nodes = async (max: string) => (await ask(server.url, query, { max })).data.product.similarItems?.nodes;
  expect(await nodes('3')).toEqual([{ id: 'b' }]);
  expect(await nodes('2.99')).toEqual([]);
});

test('feedback goes through a host too, with its own scalars and PageInfo', async () => {
  const theirs = makeExecutableSchema({
    typeDefs: `
      scalar DateTime scalar UUID
      type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
      type Query { product(id: ID!): Product pages: PageInfo }
      type Mutation { buy: Boolean }
      type Product { id: ID! }
    `,
    resolvers: {
      Query: { product: (_root: unknown, { id }: { id: string }) => ({ id }) },
      Mutation: { buy: () => true },
    },
  });
  await using server = await host(simili(services).extend(theirs));
  const { data } = await ask(
    server.url,
    '{ product(id: "a") { similarItems(first: 1) { recommendationId pageInfo { endCursor hasNextPage } } } }',
  );
  expect(data.product.similarItems.pageInfo).toEqual({ endCursor: expect.any(String), hasNextPage: false });
  const { recommendationId } = data.product.similarItems;
  const input = {
    visitor: { id: 'v' },
    events: [
      { click: { eventId: crypto.randomUUID(), occurredAt: new Date().toISOString(), itemId: 'b', recommendationId } },
    ],
  };
  const mutation =
    'mutation ($input: SubmitFeedbackInput!) { buy submitFeedback(input: $input) { accepted userErrors { message } } }';
  expect((await ask(server.url, mutation, { input })).data).toEqual({
    buy: true,
    submitFeedback: { accepted: 1, userErrors: [] },
  });
});

test("in a host's server too an event is judged alone; with our Apollo plugin also one with a field too many", async () => {
  const mutation = `mutation ($events: [FeedbackEventInput!]!) { submitFeedback(input: { visitor: { id: "v" }, events: $events }) {
    accepted rejected userErrors { field } } }`;
  const schema = simili(services).extend(shop);
  await using bare = await host(schema);
  await using whole = await host(schema, [simili(services).apolloPlugin()]);
  const { recommendationId } = (await ask(bare.url, '{ similarItems(id: "a") { recommendationId } }')).data
    .similarItems;
  const click = (changes: object) => ({
    click: {
      eventId: crypto.randomUUID(),
      occurredAt: new Date().toISOString(),
      itemId: 'b',
      recommendationId,
      ...changes,
    },
  });
  const events = [click({}), click({ occurredAt: 5 }), click({ eventId: null }), { ...click({}), dismiss: {} }];
  expect((await ask(bare.url, mutation, { events })).data.submitFeedback).toEqual({
    accepted: 1,
    rejected: 3,
    userErrors: [['1', 'click', 'occurredAt'], ['2', 'click', 'eventId'], ['3']].map((path) => ({
      field: ['events', ...path],
    })),
  });
  const odd = [click({}), click({ colour: 'red' })];
  expect(codeOf(await ask(bare.url, mutation, { events: odd }))).toBe('BAD_USER_INPUT');
  expect((await ask(whole.url, mutation, { events: odd })).data.submitFeedback).toMatchObject({
    accepted: 1,
    rejected: 1,
  });
});

test('a host without products gains the whole contract', async () => {
  const theirs = makeExecutableSchema({
    typeDefs: 'type Query { hello: String }',
    resolvers: { Query: { hello: () => 'world' } },
  });
  await using server = await host(simili(services).extend(theirs));
  const { data } = await ask(
    server.url,
    `{ hello product(by: { id: "b" }) { title price { amount } ${list} } products { totalCount } }`,
  );
  expect(data).toMatchObject({
    hello: 'world',
    product: { title: 'Product b', price: { amount: '3.00' }, similarItems: { status: 'OK' } },
    products: { totalCount: 2 },
  });
});

test.each([
  [
    'a field similarItems',
    'type Query { product: Product } type Product { id: ID! similarItems: Int }',
    'Product.similarItems',
  ],
  [
    'a type of our names',
    'type Query { product: Product } type Product { id: ID! } type UserError { text: String }',
    'UserError',
  ],
])('a host that has %s already is told so at start', (_what, typeDefs, name) => {
  expect(() => simili(services).extend(makeExecutableSchema({ typeDefs }))).toThrow(`${name} already`);
});

test("in a host's server too, errors carry our code and keep our insides", async () => {
  await using server = await host(simili(services).extend(shop));
  expect(codeOf(await ask(server.url, '{ product(id: "a") { similarItems(first: 0) { status } } }'))).toBe(
    'INVALID_ARGUMENT',
  );
  const { search } = database.repositories;
  search.nearestOfEach = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7'));
  const answer = await ask(server.url, '{ product(id: "a") { sku similarItems { status } } }');
  delete (search as { nearestOfEach?: unknown }).nearestOfEach;
  expect(answer.data).toEqual({ product: { sku: 'SKU-a', similarItems: null } });
  expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL', requestId: expect.any(String) });
  expect(answer.errors?.[0]?.message).not.toContain('10.0.0.7');
  expect(logged.entries).toHaveLength(1);
});
