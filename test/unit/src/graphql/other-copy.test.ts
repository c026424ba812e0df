import * as own from 'graphql';
import { afterAll, expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { simili } from '../../../../src/plugin.ts';
import { cheapShop } from '../../../support/cheap-shop.ts';
import { otherGraphQL } from '../../../support/other-graphql.ts';

/* A host whose graphql is another copy than ours, of the same version: its classes refuse all that ours have made. */
const other = otherGraphQL();
afterAll(() => other[Symbol.dispose]());
const { graphql } = other;
const { services } = cheapShop();
const plugin = simili(services, graphql);

/** A schema of the host's, whose products know their id and a text. */
const shop = (sdl: string) => graphql.buildSchema(`type Product { id: ID! sku: String title: String } ${sdl}`);
const rootValue = { product: ({ id }: { id: string }) => ({ id, sku: `SKU-${id}`, title: 'of the host' }) };
const answer = (schema: own.GraphQLSchema, source: string, variableValues = {}) =>
  graphql.graphql({ schema, source, rootValue, contextValue: {}, variableValues });
const list = 'similarItems(first: 2) { status nodes { id } pageInfo { hasNextPage } }';
const found = { status: 'OK', nodes: [{ id: 'p0' }, { id: 'p1' }], pageInfo: { hasNextPage: true } };

test('two copies of one version refuse each other: what this file is about', () => {
  expect(() => own.isObjectType(graphql.buildSchema('type Query { a: Int }').getQueryType())).toThrow('another module');
});

test("a host's schema is extended by the copy that made it, and answers its own fields and ours", async () => {
  const schema = plugin.extend(shop('type Query { product(id: ID!): Product }'));
  expect(schema).toBeInstanceOf(graphql.GraphQLSchema);
  expect(graphql.validateSchema(schema)).toEqual([]);
  const { data, errors } = await answer(schema, `{ product(id: "a") { sku title ${list} } }`);
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({ product: { sku: 'SKU-a', title: 'of the host', similarItems: found } });
});

test('the copy need not be given where it is ours', () => {
  const theirs = own.buildSchema('type Query { hello: String }');
  expect(plugin.extend(theirs)).toBeInstanceOf(own.GraphQLSchema);
});

test('a schema of a copy that nobody can find is refused in a sentence', () => {
  expect(() => simili(services).extend(shop('type Query { product(id: ID!): Product }'))).toThrow(
    expect.objectContaining({ code: 'SCHEMA_UNSUITABLE', message: expect.stringContaining('openSimili({ graphql })') }),
  );
});

test('roots of other names gain our fields, and a host without mutations gains that root', async () => {
  const theirs = shop('schema { query: Shop } type Shop { product(id: ID!): Product }');
  const schema = plugin.extend(theirs);
  expect(Object.keys(schema.getQueryType()!.getFields())).toEqual([
    'product',
    'similarItems',
    'similarToProducts',
    'similarToPicture',
    'visitorErasure',
  ]);
  expect(schema.getType('Query')).toBeUndefined();
  expect(Object.keys(schema.getMutationType()!.getFields())).toEqual(['submitFeedback', 'forgetMe']);
  expect((await answer(schema, `{ ${list.replace('(', '(id: "a", ')} }`)).data).toMatchObject({ similarItems: found });
  const named = plugin.extend(shop('schema { query: Q mutation: M } type Q { product: Product } type M { buy: Int }'));
  expect(Object.keys(named.getMutationType()!.getFields())).toEqual(['buy', 'submitFeedback', 'forgetMe']);
});

test("what is refused is an error of the host's own class, with our code and nothing of another class behind it", async () => {
  const schema = plugin.extend(shop('type Query { product(id: ID!): Product }'));
  const refused = await answer(schema, '{ similarItems(id: "a", first: 0) { status } }');
  const wrong = await answer(
    schema,
    'query ($min: Decimal!) { similarItems(id: "a", filter: { price: { min: $min } }) { status } }',
    { min: 5 },
  );
  expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'CURSOR_INVALID', retry: false });
  expect(wrong.errors?.[0]?.message).toContain('A Decimal is text');
  const literal = await answer(schema, '{ similarItems(id: "a", filter: { price: { min: "abc" } }) { status } }');
  expect(literal.errors).toMatchObject([
    { message: expect.stringMatching(/^A Decimal is text .*, not "abc"$/), locations: [{ line: 1, column: 49 }] },
  ]);
  for (const { errors } of [refused, wrong]) {
    let cause: unknown = errors?.[0];
    while (cause) {
      expect(cause).toBeInstanceOf(graphql.GraphQLError);
      cause = (cause as own.GraphQLError).originalError;
    }
  }
});

test.each([
  ['standalone', (copy: typeof plugin) => copy.standalone(), `{ product(by: { id: "a" }) { title ${list} } }`],
  ['subgraph', (copy: typeof plugin) => copy.subgraph(), `{ product(by: { id: "a" }) { title ${list} } }`],
  ['admin', (copy: typeof plugin) => copy.admin({ authorize: () => true }), '{ models { number createdAt metrics } }'],
])('the schema %s is made by the copy that is given', async (_name, schemaOf, query) => {
  const schema = schemaOf(plugin);
  expect(schema).toBeInstanceOf(graphql.GraphQLSchema);
  expect(await graphql.graphql({ schema, source: query, contextValue: {} })).toEqual({ data: expect.any(Object) });
});

test("the Apollo plugins read a host's schema whichever copy made it", async () => {
  const schema = plugin.extend(shop('type Query { product(id: ID!): Product }'));
  const document = graphql.parse(
    'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted } }',
  );
  const request = { variables: { input: { visitor: { id: 'v' }, events: [{ nonsense: 1 }, 5] } } };
  const [operation] = document.definitions as own.OperationDefinitionNode[];
  const entries = await plugin.apolloPlugin().requestDidStart();
  await entries.didResolveOperation({ schema, operation, request, contextValue: {} });
  expect(request.variables.input).toEqual({ visitor: { id: 'v' }, events: [{}, {}] });
  await expect(
    entries.didResolveOperation({
      schema,
      operation,
      contextValue: {},
      request: { variables: { input: { visitor: { id: 2 ** 60 }, events: [] } } },
    }),
  ).rejects.toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
});

test.each([
  [
    'an input of our name',
    'input ProductFilter { a: Int } type Query { product(f: ProductFilter): Product }',
    'ProductFilter',
  ],
  ['a Product that is no type', 'type Query { a: Int }', 'Product', 'interface Product { id: ID! }'],
])('a host that has %s is told so', (_what, sdl, name, product?) => {
  const theirs = product ? graphql.buildSchema(`${product} ${sdl}`) : shop(sdl);
  expect(() => plugin.extend(theirs)).toThrow(SimiliError);
  expect(() => plugin.extend(theirs)).toThrow(name);
});
