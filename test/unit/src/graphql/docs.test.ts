import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { Kind, parse, validate, visit } from 'graphql';
import { expect, test } from 'vitest';
import { errorCodes, knownCode } from '../../../../src/errors.ts';
import { refusalOf } from '../../../../src/graphql/cost/check.ts';
import { storefrontLimits } from '../../../../src/graphql/cost/limits.ts';
import { withoutFederation } from '../../../../src/graphql/extend.ts';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

test('docs/errors.md names every code once, with its retry, and no other', () => {
  const [ours = ''] = read('docs/errors.md').split('## Codes of GraphQL');
  const rows = [...ours.matchAll(/^\| `([A-Z_]+)` +\| .+ \| .+ \| (yes|no) +\|$/gm)];
  const named = rows.map(([, code, retry]) => `${code} ${retry}`);
  expect(named.sort()).toEqual(errorCodes.map(({ code, retry }) => `${code} ${retry ? 'yes' : 'no'}`).sort());
});

test('the enum of the contract has every code, in the order of src/errors.ts, described as docs/errors.md does', () => {
  const found = parse(read('schema.graphql')).definitions.find(
    (one) => one.kind === Kind.ENUM_TYPE_DEFINITION && one.name.value === 'SimiliErrorCode',
  );
  const values = found?.kind === Kind.ENUM_TYPE_DEFINITION ? (found.values ?? []) : [];
  expect(values.map(({ name }) => name.value)).toEqual(errorCodes.map(({ code }) => code));
  const when = new Map(
    [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` +\| (.+?) +\|/gm)].map(([, code, text]) => [code, text]),
  );
  for (const { name, description } of values)
    expect([name.value, description?.value]).toEqual([name.value, when.get(name.value)]);
});

test('every field, value and scalar of both contracts is described', () => {
  const named: string[] = [];
  const bare: string[] = [];
  const look = (node: { name: { value: string }; description?: { value: string } | undefined }) => {
    named.push(node.name.value);
    if (!node.description?.value.trim()) bare.push(node.name.value);
  };
  for (const file of ['schema.graphql', 'schema.admin.graphql']) {
    visit(parse(read(file)), {
      ScalarTypeDefinition: look,
      FieldDefinition: look,
      EnumValueDefinition: look,
      InputObjectTypeDefinition: ({ fields = [] }) => fields.forEach(look),
    });
  }
  expect(named.length).toBeGreaterThan(400);
  expect(bare).toEqual([]);
});

test('a code that another version stored is INTERNAL: an enum cannot say it', () => {
  expect(['IMAGE_TIMEOUT', 'OF_TOMORROW', 'toString', null].map(knownCode)).toEqual([
    'IMAGE_TIMEOUT',
    'INTERNAL',
    'INTERNAL',
    'INTERNAL',
  ]);
});

test('every query of docs/api.md fits the contract and its limits', () => {
  const contract = ['schema.graphql', 'schema.admin.graphql'].map((file) => withoutFederation(parse(read(file))));
  const schema = makeExecutableSchema({ typeDefs: contract });
  const queries = [...read('docs/api.md').matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, query]) => query ?? '');
  expect(queries.length).toBeGreaterThan(8);
  for (const document of queries.map((query) => parse(query))) {
    expect(refusalOf({ schema, document }, storefrontLimits)).toBeNull();
    expect(validate(schema, document)).toEqual([]);
  }
});
