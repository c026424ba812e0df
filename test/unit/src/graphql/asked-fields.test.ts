import {
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { expect, test } from 'vitest';
import { asksForPictures } from '../../../../src/graphql/asked-fields.ts';

function asks(document: string): boolean {
  const { definitions } = parse(document);
  const operation = definitions.find((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  const fragments = definitions.filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION);
  const byName = Object.fromEntries(fragments.map((one) => [one.name.value, one]));
  return asksForPictures({ operation, fragments: byName } as Pick<GraphQLResolveInfo, 'operation' | 'fragments'>);
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
  expect(asks(document)).toBe(isAsked);
});
