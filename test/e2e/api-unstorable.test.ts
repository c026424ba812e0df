import { type GraphQLInputType, isEnumType, isInputObjectType, isListType, isNonNullType, isObjectType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { simili } from '../../src/plugin.ts';
import { makePictureToken } from '../../src/similarity/picture-token.ts';
import { SIGNING_KEY, type TestApi, testApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const BAD = ['a\0', 'a\ud83d'];
/** A text in the arguments of a field: where it stands, and the arguments with `text` there. */
type Place = { path: string[]; at: (text: string) => unknown };

const picture = makePictureToken(SIGNING_KEY, { modelId: 'mdl', vector: Float32Array.of(1, 0) }, new Date());
const TYPICAL: Record<string, unknown> = {
  ID: 'a',
  String: 'a',
  Int: 1,
  Float: 0.5,
  Boolean: true,
  Decimal: '1',
  PictureInput: { token: picture },
};

/** The least that a value of this type must hold. */
function least(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return least(type.ofType);
  if (isListType(type)) return [least(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (!isInputObjectType(type) || type.name in TYPICAL) return TYPICAL[type.name];
  const needed = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
  return Object.fromEntries(needed.map((field) => [field.name, least(field.type)]));
}

function placesIn(type: GraphQLInputType): Place[] {
  if (isNonNullType(type)) return placesIn(type.ofType);
  if (isListType(type))
    return placesIn(type.ofType).map(({ path, at }) => ({ path: ['0', ...path], at: (text) => [at(text)] }));
  if (isInputObjectType(type)) {
    const rest = type.isOneOf ? {} : (least(type) as object);
    return Object.values(type.getFields()).flatMap((field) =>
      placesIn(field.type).map(({ path, at }) => ({
        path: [field.name, ...path],
        at: (text) => ({ ...rest, [field.name]: at(text) }),
      })),
    );
  }
  return ['ID', 'String'].includes(type.name) ? [{ path: [], at: (text) => text }] : [];
}

type Call = { root: string; name: string; path: string[]; query: string; variablesOf: (text: string) => object };

/** Every text that a query or mutation of both contracts takes. */
function calls(): Call[] {
  const schema = simili(api.services).admin({ authorize: () => true });
  return ['Query', 'Mutation'].flatMap((root) => {
    const type = schema.getType(root);
    if (!isObjectType(type)) throw new Error(`no ${root}`);
    return Object.values(type.getFields()).flatMap((field) => {
      const declared = field.args.map((arg) => `$${arg.name}: ${arg.type}`).join(', ');
      const passed = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
      const picked = root === 'Mutation' ? '{ userErrors { code field } }' : '{ __typename }';
      const query = `${root.toLowerCase()} (${declared}) { ${field.name}(${passed}) ${picked} }`;
      const needed = Object.fromEntries(
        field.args.filter(({ type: own }) => isNonNullType(own)).map((arg) => [arg.name, least(arg.type)]),
      );
      return field.args.flatMap((arg) =>
        placesIn(arg.type).map(({ path, at }) => ({
          root,
          name: field.name,
          path: [arg.name, ...path],
          query,
          variablesOf: (text: string) => ({ ...needed, [arg.name]: at(text) }),
        })),
      );
    });
  });
}

test('every text of every field is refused by its path where it cannot be stored', async () => {
  const all = calls();
  expect(new Set(all.map(({ name }) => name)).size).toBeGreaterThanOrEqual(14);
  for (const { root, name, path, query, variablesOf } of all) {
    const what = `${name} ${path.join('.')}`;
    for (const text of BAD) {
      const { data, errors } = await api.admin(query, variablesOf(text));
      const told = errors?.[0] ?? data[name]?.userErrors?.[0];
      const code = told?.extensions?.code ?? told?.code;
      if (path[0] === 'after') expect(code, what).toBe('CURSOR_INVALID');
      else {
        expect(code, what).toBe('INVALID_ARGUMENT');
        const wanted = path.filter((part) => part !== 'input' && part !== 'by');
        const where = root === 'Mutation' ? told.field : String(told.message).split(' ')[0]?.split('.');
        expect(where, what).toEqual(wanted);
      }
    }
  }
});

test('a bad text among others costs them nothing, and a catalog of such a name is unknown', async () => {
  await api.admin(
    'mutation { upsertProducts(input: { products: [{ id: "mug", title: "Mug", imageUrls: [] }] }) { created } }',
  );
  const both = 'query ($bad: ID!) { bad: product(by: { id: $bad }) { id } good: product(by: { id: "mug" }) { id } }';
  expect(await api.shop(both, { bad: 'mug\0' })).toMatchObject({
    data: { bad: null, good: { id: 'mug' } },
    errors: [{ path: ['bad'], extensions: { code: 'INVALID_ARGUMENT', retry: false } }],
  });
  const answer = await fetch(`${api.server.url}/graphql?catalog=%00`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ products { totalCount } }' }),
  });
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'CATALOG_UNKNOWN' } }] });
});
