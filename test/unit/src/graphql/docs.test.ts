import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../../src/errors.ts';
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
