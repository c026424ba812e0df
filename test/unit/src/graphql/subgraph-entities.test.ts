import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DefinitionNode,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  graphql,
  Kind,
  parse,
  print,
  visit,
} from 'graphql';
import { expect, test } from 'vitest';
import type { ProductRow } from '../../../../src/db/sql/product-row.ts';
import { databaseUnavailable } from '../../../../src/deadline.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { simili } from '../../../../src/plugin.ts';
import { cheapShop } from '../../../support/cheap-shop.ts';

/*
 * Our subgraph beside one of Apollo's own library, of the same SDL and the same products. What differs, and may:
 * - a __typename that the SDL does not have, or none: Apollo's `_entities` fails whole (`data` is null), ours at that entry
 *   alone. No router asks for it, and an answer in part is worth more to a shopper;
 * - messages and codes of such an entry: ours has a code of docs/errors.md, Apollo's says what graphql-js says of a union;
 * - `_Service.sdl` is `String!`, as the specification of Federation 2 has it, Apollo's is `String`;
 * - Apollo's SDL also spells out what the router knows: definitions of the federation directives and `_entities` itself.
 */
const known = ['a', 'b', 'c'];
let read: (ids: readonly string[]) => Promise<ProductRow[]>;
const { services } = cheapShop();
const { products } = services.repositories;
const rows = products.byIds.bind(products);
products.byIds = (ids) => read(ids);
const standing = async (ids: readonly string[]) => rows(ids.filter((id) => known.includes(id)));

const contract = `${readFileSync(new URL('../../../../schema.graphql', import.meta.url), 'utf8')}
directive @oneOf on INPUT_OBJECT`;
const ours = simili(services).subgraph();
const theirs = buildSubgraphSchema({
  typeDefs: parse(contract),
  resolvers: { Product: { __resolveReference: reference } },
});

/** As a subgraph of Apollo's library reads a product. */
async function reference({ id }: { id?: string | number }): Promise<ProductRow | null> {
  if (id === undefined || id === null)
    throw new SimiliError('INVALID_ARGUMENT', { argument: 'representations', why: 'must be products, by their id' });
  return (await products.byIds([String(id)]))[0] ?? null;
}

const QUERY = `query ($asked: [_Any!]!) {
  _entities(representations: $asked) { __typename ... on Product { id title categories tags } }
}`;

/** Parts of an answer that a router reads: data; of errors the place, the message and the code. */
type Seen = { data: unknown; errors: { path: unknown; message: string; code: unknown }[] };
const seen = ({ data, errors = [] }: ExecutionResult): Seen => ({
  data: data === undefined ? undefined : JSON.parse(JSON.stringify(data)),
  errors: errors.map(({ path, message, extensions }) => ({ path, message, code: extensions.code })),
});
const ask = async (schema: GraphQLSchema, asked: unknown, source = QUERY): Promise<Seen> =>
  seen(await graphql({ schema, source, contextValue: {}, variableValues: { asked } }));
const product = (id: unknown, more = {}) => ({ __typename: 'Product', id, ...more });

test.each<[string, unknown, unknown[] | undefined]>([
  ['a known id', [product('a')], ['a']],
  ['an unknown id', [product('nobody')], [null]],
  ['several, one of them unknown', [product('a'), product('nobody'), product('b')], ['a', null, 'b']],
  [
    'in the order asked, twice the same',
    [product('c'), product('a'), product('c'), product('b')],
    ['c', 'a', 'c', 'b'],
  ],
  ['a number as the key', [product(7), product('a')], [null, 'a']],
  ['fields beside the key', [product('a', { title: 'theirs', weight: { grams: 3 } })], ['a']],
  ['a missing key', [product('a'), { __typename: 'Product' }, product('b')], ['a', null, 'b']],
  ['a key that is null', [product(null), product('b')], [null, 'b']],
  ['nothing', [], []],
  ['a representation that is null', [product('a'), null], undefined],
  ['representations that are null', null, undefined],
])("a router gets the answer of Apollo's library: %s", async (_name, asked, ids) => {
  read = standing;
  const answer = await ask(ours, asked);
  expect(answer).toEqual(await ask(theirs, asked));
  const { _entities } = (answer.data ?? {}) as { _entities?: ({ id: string } | null)[] };
  expect(_entities?.map((entity) => entity?.id ?? null)).toEqual(ids);
});

test("a null in the query's own text is refused before execution, in the same words", async () => {
  read = standing;
  const source = '{ _entities(representations: [null]) { __typename } }';
  const answer = await ask(ours, undefined, source);
  expect(answer).toEqual(await ask(theirs, undefined, source));
  expect(answer.errors).toHaveLength(1);
});

test('products that cannot be read are each an error at their own place, and the rest of the answer stands', async () => {
  read = () => Promise.reject(databaseUnavailable('it is down'));
  const source = `query ($asked: [_Any!]!) { _service { __typename } ${QUERY.slice(QUERY.indexOf('_entities'), -1)} }`;
  const asked = [product('a'), product('b')];
  const answer = await ask(ours, asked, source);
  expect(answer).toEqual(await ask(theirs, asked, source));
  expect(answer.data).toEqual({ _service: { __typename: '_Service' }, _entities: [null, null] });
  expect(answer.errors.map(({ path, code }) => [path, code])).toEqual([
    [['_entities', 0], 'DATABASE_UNAVAILABLE'],
    [['_entities', 1], 'DATABASE_UNAVAILABLE'],
  ]);
});

test('an unforeseen failure is told at its place too, without our insides', async () => {
  read = () => Promise.reject(new Error('password of the database'));
  const { data, errors } = await ask(ours, [product('a'), product('b')]);
  expect(data).toEqual({ _entities: [null, null] });
  expect(errors.map(({ path, code }) => [path, code])).toEqual([
    [['_entities', 0], 'INTERNAL'],
    [['_entities', 1], 'INTERNAL'],
  ]);
  expect(JSON.stringify(errors)).not.toContain('password');
});

test('a type of the SDL that is no entity is null and one error at its place; the words are our own', async () => {
  read = standing;
  const asked = [product('a'), { __typename: 'Money', amount: '1' }, product('b')];
  const [mine, other] = [await ask(ours, asked), await ask(theirs, asked)];
  const places = ({ errors }: Seen) => errors.map(({ path }) => path);
  expect(mine.data).toEqual(other.data);
  expect(places(mine)).toEqual(places(other));
  expect(places(mine)).toEqual([['_entities', 1]]);
});

test.each([
  ['of no type that there is', { __typename: 'Review', id: '1' }],
  ['without a type', { id: 'a' }],
  ['no object', 'a'],
])("a representation %s is an error: alone here, of the whole answer in Apollo's", async (_name, wrong) => {
  read = standing;
  const asked = [product('a'), wrong, product('b')];
  const other = await ask(theirs, asked);
  expect([other.data, other.errors.map(({ path }) => path)]).toEqual([null, [['_entities']]]);
  const mine = await ask(ours, asked);
  expect(mine.data).toMatchObject({ _entities: [{ id: 'a' }, null, { id: 'b' }] });
  expect(mine.errors).toEqual([expect.objectContaining({ path: ['_entities', 1], code: 'INVALID_ARGUMENT' })]);
});

test("the SDL given to a router has every definition as Apollo's has it", async () => {
  const definitions = async (schema: GraphQLSchema): Promise<string[]> => {
    const { data } = await ask(schema, [], '{ _service { sdl } }');
    return plain(parse((data as { _service: { sdl: string } })._service.sdl)).sort();
  };
  const mine = await definitions(ours);
  expect(mine).toContainEqual(expect.stringMatching(/^type Product @key\(fields: "id"\) \{/m));
  expect(mine).toEqual(await definitions(theirs));
});

/** Definitions as text, without what Apollo's library adds to them. */
function plain(sdl: DocumentNode): string[] {
  const shown = visit(sdl, {
    [Kind.STRING]: { enter: (node) => ({ ...node, block: false }) },
    [Kind.FIELD_DEFINITION]: (node) => (['_service', '_entities'].includes(node.name.value) ? null : undefined),
  });
  return shown.definitions.filter((definition) => !isOfFederation(definition)).map(print);
}

const FEDERATION = /^(_Any|_Entity|_Service|link|key|shareable|(link|federation)__.+)$/;
const isOfFederation = (definition: DefinitionNode): boolean =>
  definition.kind === Kind.SCHEMA_DEFINITION || ('name' in definition && FEDERATION.test(definition.name?.value ?? ''));
