import { expect, test } from 'vitest';
import { toSearchFilter } from '../../../../src/similarity/filter.ts';

test('null, left out and an empty list are no constraint', () => {
  for (const filter of [null, undefined, {}, { available: null, categories: [], price: {}, excludeIds: null }]) {
    expect(toSearchFilter(filter)).toEqual({});
  }
});

test('every constraint reaches the search', () => {
  const filter = { available: false, categories: ['shoes'], price: { min: '1', max: '1.0' }, excludeIds: ['a'] };
  expect(toSearchFilter(filter)).toEqual({
    available: false,
    categories: ['shoes'],
    minPrice: '1',
    maxPrice: '1.0',
    excludeIds: ['a'],
  });
});

test('any of the tags, each of the attributes, and nothing of what is left out: an attribute is a tag with its name before a colon', () => {
  const attributes = [
    { name: 'brand', anyOf: ['acme', 'b:c'] },
    { name: 'size', anyOf: ['m'] },
  ];
  const not = { categories: ['sale'], tags: ['used', 'old'], attributes: [{ name: 'colour', anyOf: ['red'] }] };
  expect(toSearchFilter({ tags: ['new'], attributes, not })).toEqual({
    conditions: [
      { column: 'tags', overlaps: ['new'] },
      { column: 'tags', overlaps: ['brand:acme', 'brand:b:c'] },
      { column: 'tags', overlaps: ['size:m'] },
      {
        not: {
          any: [
            { column: 'categories', overlaps: ['sale'] },
            { column: 'tags', overlaps: ['used', 'old'] },
            { column: 'tags', overlaps: ['colour:red'] },
          ],
        },
      },
    ],
  });
  expect(toSearchFilter({ tags: [], attributes: [], not: { categories: [], tags: null } })).toEqual({});
});

test('a range of an attribute reaches the search with the bounds that it has', () => {
  const attributes = [
    { name: 'weight', range: { min: '1.5', max: null } },
    { name: 'size', anyOf: null, range: { max: '40' } },
  ];
  const not = { attributes: [{ name: 'year', range: { min: '2000', max: '2000.0' } }] };
  expect(toSearchFilter({ attributes, not })).toEqual({
    conditions: [
      { attribute: 'weight', atLeast: '1.5' },
      { attribute: 'size', atMost: '40' },
      { not: { any: [{ attribute: 'year', atLeast: '2000', atMost: '2000.0' }] } },
    ],
  });
});

test.each([
  ['filter.attributes.0 needs either anyOf or range', { attributes: [{ name: 'size' }] }],
  [
    'filter.attributes.0 needs either anyOf or range',
    { attributes: [{ name: 'size', anyOf: ['m'], range: { min: '1' } }] },
  ],
  ['filter.attributes.0.range needs min or max', { attributes: [{ name: 'size', range: { min: null } }] }],
  [
    'filter.not.attributes.0.range has min 2 above max 1',
    { not: { attributes: [{ name: 'size', range: { min: '2', max: '1' } }] } },
  ],
  [
    'filter.attributes.0.range.max must be text like "19.90": at most 20 digits before and after one point, no exponent',
    { attributes: [{ name: 'size', range: { min: '2', max: 'm' } }] },
  ],
  ['filter.available must be true or false', { available: 'yes' }],
  ['filter.categories may hold at most 50 entries, not 51', { categories: Array(51).fill('c') }],
  ['filter.tags may hold at most 50 entries, not 51', { tags: Array(51).fill('t') }],
  ['filter.tags.1 must be text', { tags: ['t', 1] }],
  [
    'filter.attributes may hold at most 10 entries, not 11',
    { attributes: Array(11).fill({ name: 'size', anyOf: ['m'] }) },
  ],
  ['filter.attributes.0.name must be a name without a colon', { attributes: [{ name: 'a:b', anyOf: ['m'] }] }],
  [
    'filter.attributes.1.anyOf must hold 1 to 50 entries, not 0',
    {
      attributes: [
        { name: 'a', anyOf: ['m'] },
        { name: 'b', anyOf: [] },
      ],
    },
  ],
  [
    'filter.attributes.0.anyOf must hold 1 to 50 entries, not 51',
    { attributes: [{ name: 'a', anyOf: Array(51).fill('m') }] },
  ],
  ['filter.not.categories may hold at most 50 entries, not 51', { not: { categories: Array(51).fill('c') } }],
  [
    'filter.not.attributes.0.name must be a name without a colon',
    { not: { attributes: [{ name: '', anyOf: ['m'] }] } },
  ],
  ['filter.excludeIds may hold at most 200 entries, not 201', { excludeIds: Array(201).fill('c') }],
  ['filter.price has min 2 above max 1.99', { price: { min: '2', max: '1.99' } }],
  [
    'filter.price.max must be text like "19.90": at most 20 digits before and after one point, no exponent',
    { price: { min: '2', max: 'cheap' } },
  ],
  ['filter.own may hold at most 10 entries, not 11', { own: Array(11).fill({ name: 'brand', values: [] }) }],
  [
    'filter.own.0.values may hold at most 50 entries, not 51',
    { own: [{ name: 'brand', values: Array(51).fill('a') }] },
  ],
])('a filter that makes no sense is refused: %s', (message, filter) => {
  expect(() => toSearchFilter(filter as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
});
