import { readFileSync } from 'node:fs';

export type Costly = { query: string; variables?: Record<string, unknown>; operationName?: string };

/** The 829 bytes that stood a server still: lists in lists in lists, their length in a variable. */
export const stall: Required<Omit<Costly, 'operationName'>> = JSON.parse(
  readFileSync(new URL('./stall.json', import.meta.url), 'utf8'),
);
const times = (n: number, part: (i: number) => string) => Array.from({ length: n }, (_, i) => part(i)).join(' ');
const list = (alias: string) => `${alias}: similarItems(id: "a") { status }`;

/** Requests that are refused, each with the limit that refuses it. */
export const costly: Readonly<Record<string, [request: Costly, message: RegExp]>> = {
  'the stall': [stall, /100 lists/],
  'the stall with long aliases': [
    { ...stall, query: stall.query.replace(/\ba(\d):/g, `${'a'.repeat(1_000)}$1:`) },
    /64 characters/,
  ],
  'the stall by a default of its variable': [{ query: stall.query.replace('$n:Int', '$n:Int=50') }, /100 lists/],
  'the stall in fragments': [
    {
      query:
        'query ($n: Int) { similarItems(id: "a", first: $n) { nodes { ...L } } } fragment L on Product { similarItems(first: $n) { edges { node { similarItems { status } } } } }',
      variables: { n: 50 },
    },
    /100 lists/,
  ],
  '480 fields of one name': [{ query: `{ ${times(480, () => 'products { totalCount }')} }` }, /1000 repetitions/],
  'one name with different arguments': [
    { query: `{ ${times(110, (i) => `similarItems(id: "${i}") { nodes { id title } }`)} }` },
    /1000 repetitions/,
  ],
  'fragments that double': [
    {
      query: `{ similarItems(id: "a") { nodes { ...F20 } } } fragment F0 on Product { id } ${times(20, (i) => `fragment F${i + 1} on Product { similarItems { nodes { ...F${i} } } again: similarItems { nodes { ...F${i} } } }`)}`,
    },
    /at most/,
  ],
  'fragments that double without a level': [
    {
      query: `{ ...F30 } fragment F0 on Query { __typename } ${times(30, (i) => `fragment F${i + 1} on Query { ... on Query { ...F${i} } ... on Query { ...F${i} } product(by: { id: "a" }) { ...P${i} } }  fragment P${i} on Product { id ${i ? `...P${i - 1}` : ''} }`)}`,
    },
    /at most/,
  ],
  'a fragment in itself': [
    {
      query:
        '{ similarItems(id: "a") { nodes { ...F } } } fragment F on Product { similarItems(first: 1) { nodes { ...F } } }',
    },
    /10 levels|100 lists/,
  ],
  'a fragment in itself, in the introspection': [
    {
      query:
        '{ __schema { ...F } } fragment F on __Schema { types { fields { type { ...T } } } } fragment T on __Type { ofType { ...T } x: ofType { ...T } }',
    },
    /10 levels/,
  ],
  'too much depth': [
    {
      query: `{ similarItems(id: "a") ${'{ nodes { similarItems(first: 1) '.repeat(8)}{ status } ${'} }'.repeat(8)} }`,
    },
    /10 levels/,
  ],
  '31 aliases': [{ query: `{ ${times(31, (i) => list(`a${i}`))} }` }, /30 aliases|30 root fields/],
  '31 aliases in one list': [
    { query: `{ product(by: { id: "a" }) { ${times(31, (i) => `a${i}: id`)} } }` },
    /30 aliases/,
  ],
  'a hundred operations over one fragment': [
    {
      query: `${times(100, (i) => `query Q${i} { ...F }`)} fragment F on Query { ${times(20, (i) => `... on Query { product(by: { id: "${i}" }) { id } }`)} }`,
      operationName: 'Q0',
    },
    /2000 fields|1000 repetitions/,
  ],
  'a page of products with a list each, and lists in these': [
    {
      query:
        'query ($n: Int) { products(first: $n) { nodes { similarItems(first: 2) { nodes { similarItems { status } } } } } }',
      variables: { n: 100 },
    },
    /100 lists/,
  ],
  'a large answer': [
    {
      query: `query ($n: Int) { ${times(20, (i) => `p${i}: products(first: $n) { nodes { id title url categories tags availableForSale image { url width height } price { amount } } }`)} }`,
      variables: { n: 100 },
    },
    /20000 values/,
  ],
  'a long list in a variable': [
    { query: '{ __typename }', variables: { ids: Array(20_000).fill('x') } },
    /10000 values in the variables/,
  ],
  'many objects in a variable': [
    { query: '{ __typename }', variables: { a: Array.from({ length: 6_000 }, () => ({ b: 1 })) } },
    /10000 values in the variables/,
  ],
  'a variable of a hundred levels': [
    { query: '{ __typename }', variables: { a: JSON.parse('['.repeat(100) + ']'.repeat(100)) } },
    /10000 values in the variables/,
  ],
};
