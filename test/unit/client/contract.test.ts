import { readFileSync } from 'node:fs';
import { buildASTSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../src/errors.ts';
import { withoutFederation } from '../../../src/graphql/extend.ts';

const inRoot = (path: string) => new URL(`../../../${path}`, import.meta.url);
const { similarItemsDocument } = await import(inRoot('client/list.ts').href);
const { asMutation } = await import(inRoot('client/way.ts').href);
const schema = buildASTSchema(withoutFederation(parse(readFileSync(inRoot('schema.graphql'), 'utf8'))));

test('what the client asks is of the contract: the list, with own fields too, and the mutation', () => {
  const documents: string[] = [similarItemsDocument(), similarItemsDocument('id tags groupId')];
  const body = asMutation('/graphql', {}).bodyOf({ visitor: { id: 'v' }, events: [] });
  documents.push(JSON.parse(body).query);
  for (const document of documents) expect(validate(schema, parse(document))).toEqual([]);
});

test("every status and every code of Simili's that the client's types name is one", () => {
  const named = (file: string, type: string) => {
    const [, union = ''] = new RegExp(`type ${type} =([^;]*);`).exec(readFileSync(inRoot(file), 'utf8')) ?? [];
    return [...union.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  };
  const statuses = schema.getType('RecommendationStatus')?.toConfig() as { values: object };
  expect(named('client/list.ts', 'Status').sort()).toEqual(Object.keys(statuses.values).sort());
  const others = /^(BAD_|GRAPHQL_|UNREACHABLE$)/;
  const codes = errorCodes.map(({ code }) => code as string);
  const ours = named('client/errors.ts', 'SimiliErrorCode').filter((code) => !others.test(code ?? ''));
  expect(ours.length).toBeGreaterThan(10);
  expect(codes).toEqual(expect.arrayContaining(ours));
});
