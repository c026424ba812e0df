import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { parse, specifiedRules, validate } from 'graphql';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../src/errors.ts';
import { withoutFederation } from '../../../src/graphql/extend.ts';
import { limitRules } from '../../../src/http/apollo.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

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
  for (const query of queries) expect(validate(schema, parse(query), [...specifiedRules, ...limitRules()])).toEqual([]);
});
