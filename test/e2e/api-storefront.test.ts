import { afterAll, beforeAll, expect, test } from 'vitest';
import { pictureSpace } from '../../src/ports/space.ts';
import { makeCursor } from '../../src/similarity/cursor.ts';
import { ADMIN_KEY, SIGNING_KEY, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf } from '../support/ask.ts';
import { addModel, addProducts, serve, type TestModel } from '../support/fixtures.ts';

let api: TestApi;
let first: TestModel;
let active: TestModel;

beforeAll(async () => {
  api = await testApi();
  await addProducts(api.database, [
    {
      id: 'red',
      url: 'https://shop.example/red',
      imageUrls: ['https://cdn.example/red.jpg'],
      price: '19.90',
      currencyCode: 'EUR',
      categories: ['clothes', 'shirts'],
    },
    { id: 'pink', imageUrls: ['/pictures/pink.png'], availableForSale: false },
    {
      id: 'blue',
      price: '5',
      currencyCode: 'EUR',
      categories: ['clothes', 'trousers'],
    },
    { id: 'new' },
  ]);
  first = await addModel(api.database, {
    red: [1, 0],
    pink: [1, 0.2],
    blue: [0, 1],
  });
  active = await addModel(api.database, {
    red: [1, 0],
    pink: [0, 1],
    blue: [1, 0.1],
  });
});
afterAll(() => api[Symbol.asyncDispose]());

async function switchTo({ id }: TestModel): Promise<void> {
  await serve(api.database, id);
  api.services.serving.forget();
}

const similar = (args: string, fields = 'status modelVersionId nodes { id }') =>
  api.shop(`{ similarItems(${args}) { ${fields} } }`);

test('answers what looks alike, best first, with products, scores and positions', async () => {
  const { data, errors } = await similar(
    'id: "red"',
    'status modelVersionId recommendationId edges { position score node { id title url price { amount currencyCode } image { url width } availableForSale categories tags } }',
  );
  expect(errors).toBeUndefined();
  expect(data.similarItems).toMatchObject({
    status: 'OK',
    modelVersionId: active.id,
    recommendationId: expect.stringMatching(/^[\w-]{60,}$/),
  });
  const d = (2 - 2 / Math.hypot(1, 0.1)) / 4; // squared distance of unit vectors: 2 - 2 cos
  expect(data.similarItems.edges).toEqual([
    {
      position: 1,
      score: expect.closeTo(1 - d, 6),
      node: {
        id: 'blue',
        title: 'Product blue',
        url: null,
        price: { amount: '5.00', currencyCode: 'EUR' },
        image: null,
        availableForSale: true,
        categories: ['clothes', 'trousers'],
        tags: [],
      },
    },
    {
      position: 2,
      score: expect.closeTo(0.5, 6),
      node: expect.objectContaining({ id: 'pink', availableForSale: false }),
    },
  ]);
});

test('pictures on the web keep their address, imported ones are served by us', async () => {
  const { data } = await api.shop(
    '{ red: product(by: { id: "red" }) { image { url } } pink: product(by: { id: "pink" }) { image { url } } }',
  );
  expect(data.red.image.url).toBe('https://cdn.example/red.jpg');
  expect(data.pink.image.url).toMatch(/^\/images\/img_[\w-]+$/);
});

test.each(['nobody', '', ' ', '💥', 'a'.repeat(10_000), "'; DROP TABLE product; --"])(
  'an unknown id %j is a status, not an error',
  async (id) => {
    const { data, errors } = await api.shop(
      'query ($id: ID!) { similarItems(id: $id) { status nodes { id } } product(by: { id: $id }) { id } }',
      { id },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      similarItems: { status: 'ITEM_UNKNOWN', nodes: [] },
      product: null,
    });
  },
);

test('a product whose picture is not embedded yet is cold', async () => {
  const { data } = await similar('id: "new"');
  expect(data.similarItems).toEqual({
    status: 'COLD_ITEM',
    modelVersionId: null,
    nodes: [],
  });
});

test('filters hold, and a page they leave short says so', async () => {
  expect((await similar('id: "red", first: 1, filter: { available: true }')).data.similarItems).toMatchObject({
    status: 'OK',
    nodes: [{ id: 'blue' }],
  });
  expect((await similar('id: "red", filter: { available: true }')).data.similarItems).toMatchObject({
    status: 'PARTIAL',
    nodes: [{ id: 'blue' }],
  });
  expect((await similar('id: "red", filter: { available: false }')).data.similarItems.nodes).toEqual([{ id: 'pink' }]);
  expect((await similar('id: "red", filter: { categories: ["trousers", "hats"] }')).data.similarItems.nodes).toEqual([
    { id: 'blue' },
  ]);
  expect((await similar('id: "red", filter: { price: { min: "5.00", max: "5" } }')).data.similarItems.nodes).toEqual([
    { id: 'blue' },
  ]);
  expect((await similar('id: "red", filter: { excludeIds: ["blue"] }')).data.similarItems.nodes).toEqual([
    { id: 'pink' },
  ]);
});

test.each([
  'first: 0',
  'first: -1',
  'first: 51',
  'first: 10000',
  'filter: { price: { min: "2", max: "1" } }',
  `filter: { categories: [${'"c",'.repeat(51)}] }`,
  `filter: { excludeIds: [${'"c",'.repeat(201)}] }`,
])('%s nulls the widget with INVALID_ARGUMENT', async (argument) => {
  const answer = await api.shop(
    `{ similarItems(id: "red", ${argument}) { status } products(first: 1) { totalCount } }`,
  );
  expect(codeOf(answer)).toBe('INVALID_ARGUMENT');
  expect(answer.data).toEqual({
    similarItems: null,
    products: { totalCount: 4 },
  });
});

test('the largest page that is allowed is allowed', async () => {
  expect((await similar('id: "red", first: 50')).data.similarItems.status).toBe('OK');
});

test('a cursor leads to the rest of the list, also after another version took over', async () => {
  const page = await similar('id: "red", first: 1', 'nodes { id } pageInfo { endCursor hasNextPage hasPreviousPage }');
  expect(page.data.similarItems.pageInfo).toMatchObject({
    hasNextPage: true,
    hasPreviousPage: false,
  });
  await switchTo(first);
  const after = page.data.similarItems.pageInfo.endCursor;
  const rest = await similar(
    `id: "red", after: "${after}"`,
    'status modelVersionId edges { position node { id } } pageInfo { hasNextPage hasPreviousPage }',
  );
  await switchTo(active);
  expect(rest.data.similarItems).toEqual({
    status: 'OK',
    modelVersionId: active.id,
    edges: [{ position: 2, node: { id: 'pink' } }],
    pageInfo: { hasNextPage: false, hasPreviousPage: true },
  });
});

test.each(['', 'garbage', 'bm90IG91cnM', '%00'])(
  'the malformed cursor %j is CURSOR_INVALID, for both lists',
  async (after) => {
    const answer = await api.shop('query ($after: String) { similarItems(id: "red", after: $after) { status } }', {
      after,
    });
    expect(codeOf(answer)).toBe('CURSOR_INVALID');
    expect(codeOf(await api.shop('query ($after: String) { products(after: $after) { totalCount } }', { after }))).toBe(
      'CURSOR_INVALID',
    );
  },
);

test.each(['toString', 'constructor', '__proto__'])('a variable may be named %s', async (name) => {
  const query = `query ($${name}: Int = 1) { products(first: $${name}) { nodes { id } } }`;
  const listed = async (variables?: object) => (await api.shop(query, variables)).data?.products.nodes.length;
  expect([await listed(), await listed({}), await listed({ x: 1 })]).toEqual([1, 1, 1]);
  expect(await listed(JSON.parse(`{ "${name}": 2 }`))).toBe(2);
});

test("another product's cursor is CURSOR_INVALID", async () => {
  const page = await similar('id: "red", first: 1', 'pageInfo { endCursor }');
  expect(codeOf(await similar(`id: "blue", after: "${page.data.similarItems.pageInfo.endCursor}"`))).toBe(
    'CURSOR_INVALID',
  );
});

test('a cursor of a retired version is CURSOR_RETIRED', async () => {
  const retired = await addModel(api.database, { red: [1, 0], blue: [1, 0] }, 'RETIRED');
  await api.database.repositories.embeddings.dropTables(retired.number, [pictureSpace(2)]);
  const after = makeCursor(SIGNING_KEY, {
    modelId: retired.id,
    anchorId: 'red',
    position: 1,
    l2: 0,
    productId: 'blue',
    skip: 0,
  });
  const answer = await similar(`id: "red", after: "${after}"`);
  expect(codeOf(answer)).toBe('CURSOR_RETIRED');
  expect(answer.errors?.[0]?.extensions.retry).toBe(false);
});

test('a version that is retired under a running server is left for the one that serves', async () => {
  expect((await similar('id: "red"')).data.similarItems.modelVersionId).toBe(active.id); // now in the cache
  const next = await addModel(api.database, { red: [1, 0], blue: [1, 0.5] });
  await api.database.storage.prisma.$executeRawUnsafe(
    `ALTER TABLE simili.embedding_${active.number} RENAME TO embedding_gone`,
  );
  const { data, errors } = await similar('id: "red"');
  await api.database.storage.prisma.$executeRawUnsafe(
    `ALTER TABLE simili.embedding_gone RENAME TO embedding_${active.number}`,
  );
  await switchTo(active);
  expect(errors).toBeUndefined();
  expect(data.similarItems.modelVersionId).toBe(next.id);
});

test.each([
  ['a query that does not parse', '{ similarItems(id: "red" { status } }', {}, 'GRAPHQL_PARSE_FAILED'],
  ['a field that does not exist', '{ similarItem(id: "red") { status } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  [
    'a filter that does not exist',
    '{ similarItems(id: "red", filter: { colour: "red" }) { status } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'an argument of the wrong type',
    '{ similarItems(id: "red", first: "12") { status } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a decimal that is a float',
    '{ similarItems(id: "red", filter: { price: { min: 1.5 } }) { status } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a variable of the wrong type',
    'query ($first: Int) { similarItems(id: "red", first: $first) { status } }',
    { first: 'x' },
    'BAD_USER_INPUT',
  ],
  [
    'two keys at once',
    '{ product(by: { id: "red", url: "https://shop.example/red" }) { id } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['no key at all', 'query ($by: ProductKeyInput!) { product(by: $by) { id } }', { by: {} }, 'BAD_USER_INPUT'],
  ['introspection', '{ __schema { types { name } } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  [
    'too much depth',
    `{ similarItems(id: "red") ${'{ nodes { similarItems '.repeat(8)}{ status } ${'} }'.repeat(8)} }`,
    {},
    'TOO_COSTLY',
  ],
  [
    'too many aliases',
    `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: similarItems(id: "red") { status }`).join(' ')} }`,
    {},
    'TOO_COSTLY',
  ],
  ['too many tokens', `{ ${'__typename '.repeat(2100)} }`, {}, 'GRAPHQL_PARSE_FAILED'],
  ['too many comments', `{ __typename }${'#\n'.repeat(1001)}`, {}, 'GRAPHQL_PARSE_FAILED'],
  [
    'too much cost',
    '{ products(first: 100) { nodes { similarItems(first: 50) { nodes { similarItems(first: 50) { nodes { id } } } } } } }',
    {},
    'TOO_COSTLY',
  ],
])('%s is refused by its code', async (_what, query, variables, code) => {
  const answer = await api.shop(query, variables);
  expect(answer).toMatchObject({
    status: 400,
    errors: [{ extensions: { code, retry: false } }],
  });
  expect(JSON.stringify(answer)).not.toMatch(/Did you mean|stacktrace|node_modules/);
});

test('lists that nest beyond 100 are refused however the page size is hidden in a variable', async () => {
  const ids = Array.from({ length: 101 }, (_, i) => ({
    id: `many-${String(i).padStart(3, '0')}`,
  }));
  await addProducts(api.database, ids);
  const query = 'query ($n: Int) { products(first: $n) { nodes { id similarItems { status } } } }';
  const answer = await api.shop(query, { n: 100 });
  expect(answer.errors).toBeUndefined();
  const nested = await api.shop(
    'query ($n: Int) { products(first: $n) { nodes { id similarItems { nodes { similarItems { status } } } } } }',
    { n: 100 },
  );
  expect(codeOf(nested)).toBe('TOO_COSTLY');
  await api.database.repositories.products.remove(ids.map(({ id }) => id));
});

test('24 anchors with 12 products each are one query for products and pass the limits', async () => {
  const { products } = api.database.repositories;
  let queries = 0;
  const byIds = products.byIds.bind(products);
  products.byIds = (ids) => {
    queries += 1;
    return byIds(ids);
  };
  const anchors = Array.from(
    { length: 24 },
    (_, i) =>
      `i${i}: similarItems(id: "${['red', 'pink', 'blue'][i % 3]}", first: 12) { status recommendationId nodes { id title image { url } price { amount currencyCode } } }`,
  );
  const { data, errors } = await api.shop(`{ ${anchors.join(' ')} }`);
  products.byIds = byIds;
  expect(errors).toBeUndefined();
  expect(new Set(Object.values(data).map((list) => (list as { status: string }).status))).toEqual(new Set(['OK']));
  expect(queries).toBeLessThanOrEqual(2);
});

test('all lists of one answer come from one version, although it changes in between', async () => {
  const { models } = api.database.repositories;
  let reads = 0;
  models.serving = async () => {
    reads += 1;
    api.clock.aheadMs += 10_000; // the cache is always too old
    const { id, number } = reads % 2 ? first : active;
    return { modelId: id, number, epoch: reads, spaces: [pictureSpace(2)] };
  };
  api.services.serving.forget();
  const { data } = await api.shop(
    '{ products(first: 4) { nodes { similarItems { modelVersionId nodes { similarItems { modelVersionId } } } } } }',
  );
  delete (models as { serving?: unknown }).serving;
  api.services.serving.forget();
  const used = JSON.stringify(data).match(/mdl_[\w-]+/g) ?? [];
  expect(used.length).toBeGreaterThan(3);
  expect(new Set(used).size).toBe(1);
});

test('the catalog pages in id order without repeats, and says how many there are', async () => {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const {
      data,
    }: {
      data: {
        products: {
          totalCount: number;
          edges: { cursor: string; node: { id: string } }[];
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
      };
    } = await api.shop(
      'query ($after: String) { products(first: 3, after: $after) { totalCount edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }',
      { after },
    );
    expect(data.products.totalCount).toBe(4);
    ids.push(...data.products.edges.map(({ node }) => node.id));
    after = data.products.pageInfo.hasNextPage ? data.products.pageInfo.endCursor : null;
  } while (after);
  expect(ids).toEqual(['blue', 'new', 'pink', 'red']);
});

test('a product is found by its address too', async () => {
  const { data } = await api.shop(
    '{ found: product(by: { url: "https://shop.example/red" }) { id } missing: product(by: { url: "https://shop.example/green" }) { id } }',
  );
  expect(data).toEqual({ found: { id: 'red' }, missing: null });
});

test('without any model the answer says so', async () => {
  const { prisma } = api.database.storage;
  await prisma.serving.deleteMany({ where: { slot: 'active' } });
  api.services.serving.forget();
  const { data } = await similar('id: "red"');
  await serve(api.database, active.id);
  api.services.serving.forget();
  expect(data.similarItems).toEqual({
    status: 'MODEL_NOT_READY',
    modelVersionId: null,
    nodes: [],
  });
});

test('an outage nulls the widget, keeps the page, and tells nothing but a request id', async () => {
  const { search } = api.database.repositories;
  search.nearestOfEach = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
  const answer = await api.shop('{ similarItems(id: "red") { status } product(by: { id: "red" }) { title } }');
  delete (search as { nearestOfEach?: unknown }).nearestOfEach;
  expect(answer.data).toEqual({
    similarItems: null,
    product: { title: 'Product red' },
  });
  expect(answer.errors?.[0]).toMatchObject({
    path: ['similarItems'],
    extensions: { code: 'INTERNAL', retry: true },
  });
  expect(JSON.stringify(answer)).not.toContain('10.0.0.7');
  const requestId = answer.errors?.[0]?.extensions.requestId;
  expect(api.logged).toContainEqual(
    expect.objectContaining({
      level: 'error',
      facts: expect.objectContaining({ requestId }),
    }),
  );
});

test('GET asks, but never changes anything, and never without a preflight header', async () => {
  const get = (query: string, headers: Record<string, string>) =>
    fetch(`${api.server.url}/graphql?query=${encodeURIComponent(query)}`, {
      headers,
    });
  const preflight = { 'apollo-require-preflight': '1' };
  const asked = await get('{ similarItems(id: "red") { status } }', preflight);
  expect(await asked.json()).toEqual({
    data: { similarItems: { status: 'OK' } },
  });
  expect((await get('{ similarItems(id: "red") { status } }', {})).status).toBe(400);
  const mutation = 'mutation { submitFeedback(input: { visitor: { id: "v" }, events: [] }) { accepted } }';
  expect((await get(mutation, preflight)).status).toBe(405);
});

test('the admin contract is not on the storefront, with or without a key', async () => {
  for (const query of [
    '{ activeModel { id } }',
    'mutation { retrain { job { id } } }',
    '{ catalogHealth { products } }',
  ]) {
    const answer = await ask(`${api.server.url}/graphql`, query, {}, { authorization: `Bearer ${ADMIN_KEY}` });
    expect(codeOf(answer)).toBe('GRAPHQL_VALIDATION_FAILED');
  }
});
