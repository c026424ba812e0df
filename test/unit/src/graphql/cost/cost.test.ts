import {
  buildSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../../../../../src/graphql/cost/check.ts';
import { adminLimits, storefrontLimits } from '../../../../../src/graphql/cost/limits.ts';
import { sizeOf } from '../../../../../src/graphql/cost/sizes.ts';
import { cheapShop } from '../../../../support/cheap-shop.ts';
import { costly } from '../../../../support/costly.ts';
import { cpuOf } from '../../../../support/cpu.ts';

const MOST_MS = 5;
const { storefront, admin } = cheapShop();
const messageOf = (query: string, variables?: Record<string, unknown>, schema: GraphQLSchema = storefront) =>
  refusalOf({ schema, document: parse(query), variables }, storefrontLimits)?.message ?? null;

test.each(Object.entries(costly))(
  '%s is refused in a few milliseconds, before it is validated',
  (_what, [request, message]) => {
    const document = parse(request.query);
    let refusal: ReturnType<typeof refusalOf> = null;
    const ms = cpuOf(() => {
      refusal = refusalOf({ schema: storefront, ...request, document }, storefrontLimits);
    }, MOST_MS);
    expect(refusal).toMatchObject({ code: 'TOO_COSTLY', message: expect.stringMatching(message) });
    expect(ms).toBeLessThanOrEqual(MOST_MS);
  },
);

/** Close to every limit that stands for work of validation. */
test.each([
  [
    'repeated arguments',
    `{ ${`similarItems(id: "a", filter: { categories: ["${'c" "'.repeat(8)}"] }) { status } `.repeat(12)} }`,
  ],
  [
    'repetitions in repetitions',
    `{ ${`product(by: { id: "a" }) { ${'price { amount amount } '.repeat(3)} } `.repeat(6)} }`,
  ],
  [
    'many fragments over one field',
    `{ product(by: { id: "a" }) { ${Array.from({ length: 40 }, (_, i) => `...F${i}`).join(' ')} } } ${Array.from({ length: 40 }, (_, i) => `fragment F${i} on Product { id }`).join(' ')}`,
  ],
])('what is left to validation by the limits takes it a few milliseconds: %s', (_what, query) => {
  const document = parse(query);
  expect(refusalOf({ schema: storefront, document }, storefrontLimits)).toBeNull();
  expect(cpuOf(() => validate(storefront, document), 2 * MOST_MS)).toBeLessThanOrEqual(2 * MOST_MS);
});

const several = (times: number) =>
  Array.from({ length: times }, (_, i) => `s${i}: similarToProducts(ids: $ids) { status }`).join(' ');
const nested = (first: string) => `similarItems(id: "a", first: ${first}) { nodes { similarItems { status } } }`;

describe('the lists of a request are counted with its variables', () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    // 2 lists, and one for each of 49 products in both: 100.
    [`query ($n: Int) { a: ${nested('$n')} b: ${nested('$n')} }`, { n: 49 }, true],
    [`query ($n: Int) { a: ${nested('$n')} b: ${nested('$n')} }`, { n: 50 }, false],
    [`query ($n: Int = 50) { a: ${nested('$n')} b: ${nested('$n')} }`, {}, false],
    [`query ($n: Int = 50) { a: ${nested('$n')} b: ${nested('$n')} }`, { n: 4 }, true],
    [`query ($n: Int = 50) { a: ${nested('$n')} b: ${nested('$n')} }`, { n: null }, true], // 12 by default
    // No page has more than 50: a resolver refuses the number.
    [`{ ${nested('10000')} }`, {}, true],
    [`query ($n: Int) { ${nested('$n')} }`, { n: 1e300 }, true],
    [`query ($n: Int) { a: ${nested('$n')} b: ${nested('$n')} }`, { n: 1e300 }, false],
    [`query ($n: Int) { ${nested('$n')} }`, { n: 'many' }, true],
    // Fields of one name in one place are one field.
    [`{ ${nested('50')} ${nested('50')} ... on Query { ${nested('50')} } }`, {}, true],
    // The same products stand in edges and in nodes.
    [
      '{ similarItems(id: "a", first: 50) { nodes { similarItems { status } } edges { node { similarItems { status } } } } }',
      {},
      false,
    ],
    ['{ products(first: 100) { nodes { id similarItems { status } } } }', {}, true],
    ['{ products(first: 100) { nodes { a: similarItems { status } b: similarItems { status } } } }', {}, false],
    // Of several anchors each is a list.
    [`query ($ids: [ID!]!) { ${several(5)} }`, { ids: Array(20).fill('p') }, true],
    [`query ($ids: [ID!]!) { ${several(5)} similarItems(id: "a") { status } }`, { ids: Array(20).fill('p') }, false],
    [`query ($ids: [ID!]!) { ${several(5)} }`, { ids: Array(5000).fill('p') }, true], // a resolver refuses more than 20
    ['{ similarToProducts(ids: ["a", "b"], first: 50) { nodes { similarItems { status } } } }', {}, true],
    [
      '{ similarToProducts(ids: ["a", "b"], first: 50) { nodes { similarItems { status } } edges { node { similarItems { status } } } } }',
      {},
      false,
    ],
    // Notices: a list each.
    ['{ products(first: 50) { nodes { similarItems { notices { code } } } } }', {}, true],
    ['{ products(first: 51) { nodes { similarItems { notices { code } } } } }', {}, false],
    // Distinct pictures: four lists each.
    [
      '{ a: similarToProducts(ids: ["a"], distinctPictures: true, first: 24) { nodes { similarItems(distinctPictures: true) { status } } } }',
      {},
      true,
    ],
    [
      '{ a: similarToProducts(ids: ["a"], distinctPictures: true, first: 25) { nodes { similarItems(distinctPictures: true) { status } } } }',
      {},
      false,
    ],
    [
      `query ($is: Boolean) { products(first: 25) { nodes { similarItems(distinctPictures: $is) { status } } } }`,
      { is: true },
      true,
    ],
    [
      `query ($is: Boolean) { products(first: 26) { nodes { similarItems(distinctPictures: $is) { status } } } }`,
      { is: true },
      false,
    ],
    [
      `query ($is: Boolean) { products(first: 26) { nodes { similarItems(distinctPictures: $is) { status } } } }`,
      { is: false },
      true,
    ],
    [
      `query ($is: Boolean = true) { products(first: 26) { nodes { similarItems(distinctPictures: $is) { status } } } }`,
      {},
      false,
    ],
    [
      `query ($is: Boolean = true) { products(first: 26) { nodes { similarItems(distinctPictures: $is) { status } } } }`,
      { is: null },
      true,
    ],
    // Diversity: four lists each, beside distinct pictures sixteen.
    ['{ products(first: 25) { nodes { similarItems(diversity: 0.5) { status } } } }', {}, true],
    ['{ products(first: 26) { nodes { similarItems(diversity: 0.5) { status } } } }', {}, false],
    ['{ products(first: 26) { nodes { similarItems(diversity: 1) { status } } } }', {}, false],
    ['{ products(first: 100) { nodes { similarItems(diversity: 0) { status } } } }', {}, true],
    [
      `query ($d: Float) { products(first: 26) { nodes { similarItems(diversity: $d) { status } } } }`,
      { d: 0.1 },
      false,
    ],
    [`query ($d: Float) { products(first: 26) { nodes { similarItems(diversity: $d) { status } } } }`, { d: 0 }, true],
    ['{ products(first: 6) { nodes { similarItems(diversity: 1, distinctPictures: true) { status } } } }', {}, true],
    ['{ products(first: 7) { nodes { similarItems(diversity: 1, distinctPictures: true) { status } } } }', {}, false],
    // A name that objects have by themselves.
    ['query ($constructor: Int) { similarItems(id: "a", first: $constructor) { status } }', {}, true],
  ])('%s with %j: %s', (query, variables, isTaken) => {
    expect(messageOf(query, variables)).toBe(
      isTaken ? null : 'One request may ask for at most 100 lists of similar items',
    );
  });
});

test('only the operation that is asked for counts, and none when the name says none', () => {
  const query = `query A { a: ${nested('50')} b: ${nested('50')} } query B { __typename }`;
  const check = (operationName?: string) =>
    refusalOf({ schema: storefront, document: parse(query), operationName }, storefrontLimits);
  expect(check('A')).toMatchObject({ code: 'TOO_COSTLY' });
  expect(check('B')).toBeNull();
  expect(check()).toBeNull(); // refused by graphql: OPERATION_RESOLUTION_FAILURE
});

test('in a host whose root has another name the same is counted', () => {
  const { plugin } = cheapShop();
  const theirs = buildSchema('schema { query: Shop } type Shop { product: Product } type Product { id: ID! }');
  const schema = plugin.extend(theirs);
  for (const query of [
    `{ a: ${nested('50')} b: ${nested('50')} }`,
    `{ ...F } fragment F on Shop { a: ${nested('50')} b: ${nested('50')} }`,
  ])
    expect(messageOf(query, {}, schema)).toBe('One request may ask for at most 100 lists of similar items');
  expect(messageOf(`{ ${nested('50')} }`, {}, schema)).toBeNull();
});

describe("a host's own connections are counted as their pages", () => {
  const { plugin } = cheapShop();
  const schema = plugin.extend(
    buildSchema(`
      type Query { product: Product, orders(first: Int, last: Int): Orders!, search(limit: Int): Found! }
      type Product { id: ID! }
      type Orders { nodes: [Product!]!, edges: [Order!]!, filters: [Product!]! }
      type Order { node: Product! }
      type Found { nodes: [Product!]!, items: [Product!]! }`),
  );
  const list = 'similarItems { status }';
  test.each<[string, Record<string, unknown>, boolean]>([
    [`{ orders(first: 100) { nodes { ${list} } } }`, {}, true],
    [`{ orders(first: 101) { nodes { ${list} } } }`, {}, false],
    [`{ orders(last: 101) { edges { node { ${list} } } } }`, {}, false],
    [
      'query ($n: Int, $l: Int) { orders(first: $n, last: $l) { nodes { similarItems { status } } } }',
      { l: 101 },
      false,
    ],
    ['query ($n: Int) { search(limit: $n) { nodes { similarItems { status } } } }', { n: 101 }, false],
    // One that has few entries may have several lists each.
    [`{ orders(first: 2) { nodes { a: similarItems(diversity: 1, distinctPictures: true) { status } } } }`, {}, true],
    // A page is that of a connection's own lists; where none says how long they are it is a few.
    [`{ orders(first: 100) { filters { ${list} } } }`, {}, true],
    [`{ search(limit: 1000) { items { ${list} } } }`, {}, true],
    [
      '{ search { nodes { a: similarItems(diversity: 1) { status } b: similarItems(diversity: 1) { status } } } }',
      {},
      true,
    ],
    ['{ orders { nodes { a: similarItems(diversity: 1, distinctPictures: true) { status } } } }', {}, false],
  ])('%s with %j: %s', (query, variables, isTaken) => {
    expect(messageOf(query, variables, schema)).toBe(
      isTaken ? null : 'One request may ask for at most 100 lists of similar items',
    );
  });
});

test('a document that names nothing we know is left to validation', () => {
  expect(messageOf('{ nothing { at { all ...Nobody ... on Nowhere { x } } } }')).toBeNull();
  expect(messageOf('subscription { jobProgress(id: "a") { state } }')).toBeNull();
});

test('what tools ask a schema about itself passes the limits', () => {
  const options = { specifiedByUrl: true, inputValueDeprecation: true, oneOf: true, schemaDescription: true };
  for (const schema of [storefront, admin]) expect(messageOf(getIntrospectionQuery(options), {}, schema)).toBeNull();
});

test('the largest calls that the contract allows pass: 100 events of 50 products, 500 products with 100 tags', () => {
  const itemIds = Array(50).fill('p');
  const events = Array.from({ length: 100 }, () => ({ impression: { eventId: 'e', occurredAt: 't', itemIds } }));
  const submit =
    'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted userErrors { code } } }';
  expect(messageOf(submit, { input: { visitor: { id: 'v' }, events } })).toBeNull();
  const products = Array.from({ length: 500 }, () => ({
    id: 'p',
    tags: Array(100).fill('t'),
    imageUrls: Array(10).fill('u'),
  }));
  const upsert = parse('mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) { created } }');
  expect(refusalOf({ schema: admin, document: upsert, variables: { input: { products } } }, adminLimits)).toBeNull();
  const curves = parse('{ jobs(first: 100) { id curve { step loss activeShare precision } } }');
  expect(refusalOf({ schema: admin, document: curves }, adminLimits)).toBeNull();
});

test('every list of objects in both contracts has a size', () => {
  const lists = Object.values(admin.getTypeMap()).flatMap((type) =>
    isObjectType(type) && !type.name.startsWith('__')
      ? Object.values(type.getFields()).flatMap((field) =>
          isObjectList(field.type) ? [[type.name, field.name] as const] : [],
        )
      : [],
  );
  expect(lists.length).toBeGreaterThan(8);
  expect(lists.filter(([type, field]) => !sizeOf(type, field)?.entries)).toEqual([]);
});

function isObjectList(type: unknown): boolean {
  let inner = type as { ofType?: unknown };
  let isList = false;
  while (inner.ofType) {
    isList ||= isListType(inner);
    inner = inner.ofType as { ofType?: unknown };
  }
  return isList && 'getFields' in inner;
}

test('a document that was let through is judged again where its variables, its operation, the limits or the schema are others', () => {
  const document = parse(
    `query Some($n: Int = 1) { products(first: $n) { nodes { ...Lists } } }
     query Many { products(first: 100) { nodes { ...Lists } } }
     fragment Lists on Product { similarItems { nodes { id } } others: similarItems(first: 1) { nodes { id } } }`,
  );
  const refused = (variables: Record<string, unknown>, operationName = 'Some', limits = storefrontLimits) =>
    refusalOf({ schema: storefront, document, operationName, variables }, limits)?.code ?? null;
  for (const _again of [1, 2]) {
    expect(refused({ n: 2 })).toBeNull();
    expect(refused({ n: 2, other: 'x' })).toBeNull();
    expect(refused({ n: 100 })).toBe('TOO_COSTLY');
    expect(refused({ n: '100' })).toBeNull();
    expect(refused({})).toBeNull();
    expect(refused({ n: 2 }, 'Many')).toBe('TOO_COSTLY');
    expect(refused({ n: 2 }, 'Some', { ...storefrontLimits, lists: 1 })).toBe('TOO_COSTLY');
    expect(refused({ n: 2, far: Array(storefrontLimits.variableValues).fill(0) })).toBe('TOO_COSTLY');
  }
});

test('a document that was let through costs nothing more, and one whose list became longer all of it', () => {
  const document = parse('query ($n: Int) { products(first: $n) { nodes { id } } }');
  let asked = 0;
  const getQueryType = () => {
    asked++;
    return storefront.getQueryType();
  };
  const schema = { ...storefront, getQueryType } as GraphQLSchema;
  for (const [n, walks] of [
    [2, 1],
    [2, 1],
    [3, 2],
    [3, 2],
  ]) {
    expect(refusalOf({ schema, document, variables: { n } }, storefrontLimits)).toBeNull();
    expect(asked).toBe(walks);
  }
});
