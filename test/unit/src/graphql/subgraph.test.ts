import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type GraphQLSchema, graphql, lexicographicSortSchema, parse, printSchema } from 'graphql';
import { expect, test } from 'vitest';
import { offenders } from '../../../../scripts/check-licences.mjs';
import { cheapShop } from '../../../support/cheap-shop.ts';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
const ours = cheapShop().plugin.subgraph();
const ask = async (schema: GraphQLSchema, source: string) => graphql({ schema, source, contextValue: {} });
const sdlOf = async (schema: GraphQLSchema) =>
  ((await ask(schema, '{ _service { sdl } }')).data as { _service: { sdl: string } })._service.sdl;
const apollos = (sdl: string) => buildSubgraphSchema({ typeDefs: parse(sdl) });

test("Apollo's own subgraph library reads our SDL as it reads the contract", async () => {
  const contract = buildSubgraphSchema([
    { typeDefs: parse(read('schema.graphql')) },
    { typeDefs: parse('directive @oneOf on INPUT_OBJECT') },
  ]);
  expect(await sdlOf(apollos(await sdlOf(ours)))).toBe(await sdlOf(contract));
});

test('a router finds the fields and types that it finds with that library', async () => {
  const printed = (schema: GraphQLSchema) => printSchema(lexicographicSortSchema(schema)).split(/\n\n/);
  const partsOf = (schema: GraphQLSchema) =>
    printed(schema).filter((part) => /^(scalar _Any|union _Entity|type _Service|type Product )/.test(part));
  const root = (schema: GraphQLSchema) =>
    Object.values(schema.getQueryType()?.getFields() ?? {})
      .map((field) => `${field.name}: ${field.type}`)
      .sort();
  const theirs = apollos(await sdlOf(ours));
  expect(root(ours)).toEqual(root(theirs));
  expect(root(ours)).toContain('_entities: [_Entity]!');
  expect(partsOf(ours).filter((part) => !part.includes('_Service'))).toEqual(
    partsOf(theirs).filter((part) => !part.includes('_Service')),
  );
});

test('an entity of another type or without a key is an error alone, the others are answered', async () => {
  const representations =
    '[{ __typename: "Product", id: "a" }, { __typename: "Review", id: "1" }, { __typename: "Product" }, { __typename: "Product", id: 7 }]';
  const { data, errors } = await ask(
    ours,
    `{ _entities(representations: ${representations}) { __typename ... on Product { id } } }`,
  );
  expect(data?._entities).toEqual([{ __typename: 'Product', id: 'a' }, null, null, { __typename: 'Product', id: '7' }]);
  expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
    [['_entities', 1], 'INVALID_ARGUMENT'],
    [['_entities', 2], 'INVALID_ARGUMENT'],
  ]);
});

test('what a user installs is under licences that go with ours, and one that is not is named', () => {
  const lock = JSON.parse(read('package-lock.json')) as Parameters<typeof offenders>[0];
  expect(offenders(lock)).toEqual([]);
  const { packages } = lock;
  packages['']!.dependencies = { ...packages['']!.dependencies, '@apollo/subgraph': '2' };
  expect(offenders(lock)).toEqual([expect.stringMatching(/^@apollo\/federation-internals@.+: Elastic-2\.0$/)]);
});

test("graphql is the host's own: a peer of the package, never a copy beside it", () => {
  const { dependencies, peerDependencies } = JSON.parse(read('package.json'));
  expect(dependencies.graphql).toBeUndefined();
  expect(peerDependencies.graphql).toMatch(/^\^16/);
});
