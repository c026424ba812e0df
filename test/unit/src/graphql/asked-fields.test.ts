import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { expect, test } from 'vitest';
import { partsShown } from '../../../../src/graphql/asked-fields.ts';

const contract = readFileSync('schema.graphql', 'utf8');
/** Directives of federation are declared elsewhere. */
const schemaOf = (text: string) => buildSchema(text, { assumeValidSDL: true });
const own = schemaOf(contract);

function shown(document: string, schema: GraphQLSchema = own) {
  const { definitions } = parse(document);
  const operation = definitions.find((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION)!;
  const fragments = definitions.filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION);
  const byName = Object.fromEntries(fragments.map((one) => [one.name.value, one]));
  const returnType = schema.getQueryType()!.getFields().similarItems!.type;
  return partsShown({ operation, fragments: byName, returnType } as GraphQLResolveInfo);
}

test.each([
  ['a list without', '{ similarItems(id: "a") { nodes { id title images: title } } }', false],
  ['a list', '{ similarItems(id: "a") { nodes { id image { url } } } }', true],
  ['under another name', '{ similarItems(id: "a") { nodes { photo: image { url } } } }', true],
  [
    'a list within a list',
    '{ similarItems(id: "a") { nodes { similarItems { edges { node { image { url } } } } } } }',
    true,
  ],
  ['an inline fragment', '{ similarItems(id: "a") { nodes { ... { ... on Product { image { url } } } } } }', true],
  ['a fragment', '{ similarItems(id: "a") { nodes { ...Card } } } fragment Card on Product { image { url } }', true],
  ['a fragment without', '{ similarItems(id: "a") { nodes { ...Card } } } fragment Card on Product { id }', false],
])('pictures are asked for by their field, wherever it stands: %s', (_name, document, isAsked) => {
  expect(shown(document)).toEqual({ pictures: isAsked, labels: false });
});

test.each([['categories'], ['tags'], ['all: categories']])('labels are asked for by either field: %s', (field) => {
  expect(shown(`{ similarItems(id: "a") { nodes { ${field} } } }`)).toEqual({ pictures: false, labels: true });
});

test('each field of a product says which part it needs, and none is another’s', () => {
  const product = own.getType('Product');
  if (!isObjectType(product)) throw new Error('no type Product');
  const fields = Object.keys(product.getFields());
  expect(fields).toContain('availableForSale');
  for (const field of fields) {
    const parts = { pictures: field === 'image', labels: field === 'categories' || field === 'tags' };
    expect([field, shown(`{ similarItems(id: "a") { nodes { ${field} } } }`)]).toEqual([field, parts]);
  }
});

test('a field that a shop has added to products may read any part; one that stands elsewhere reads none', () => {
  const schema = schemaOf(`${contract}
    extend type Product { constructor: String badge: String }
    extend type Query { shop: String }`);
  expect(shown('{ similarItems(id: "a") { nodes { id badge } } }', schema)).toEqual({});
  expect(shown('{ similarItems(id: "a") { nodes { id constructor } } }', schema)).toEqual({});
  expect(shown('{ shop similarItems(id: "a") { nodes { id } } }', schema)).toEqual({ pictures: false, labels: false });
});
