import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareDecimals, digitsOf, isDecimal } from '../../../../src/similarity/decimal.ts';
import { toSearchFilter } from '../../../../src/similarity/filter.ts';

const decimal = fc
  .record({ cents: fc.integer({ min: -1_000_000, max: 1_000_000 }), zeros: fc.nat(3) })
  .map(({ cents, zeros }) => ({ cents, text: `${(cents / 100).toFixed(2)}${'0'.repeat(zeros)}` }));

test('decimals compare as whole cents do', () => {
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      expect(Math.sign(compareDecimals(a.text, b.text))).toBe(Math.sign(a.cents - b.cents));
    }),
  );
});

test('decimals beyond the precision of a float compare exactly', () => {
  expect(compareDecimals('9007199254740993.1', '9007199254740993')).toBe(1);
  expect(compareDecimals('0.10000000000000000001', '0.1')).toBe(1);
  expect(compareDecimals('1.50', '1.5')).toBe(0);
});

test.each(['', '1e3', '1,5', '.5', '5.', '+1', ' 1', '0x1', 'NaN', '1'.repeat(21)])('%j is no decimal', (text) => {
  expect(isDecimal(text)).toBe(false);
});

test('zeros that mean nothing are not counted as digits', () => {
  expect(digitsOf('0019.9000')).toEqual({ whole: 2, fraction: 1 });
  expect(digitsOf('0')).toEqual({ whole: 0, fraction: 0 });
});

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

test.each([
  ['filter.categories', { categories: Array(51).fill('c') }],
  ['filter.tags', { tags: Array(51).fill('t') }],
  ['filter.attributes', { attributes: Array(11).fill({ name: 'size', anyOf: ['m'] }) }],
  ['filter.attributes.0.name', { attributes: [{ name: 'a:b', anyOf: ['m'] }] }],
  [
    'filter.attributes.1.anyOf',
    {
      attributes: [
        { name: 'a', anyOf: ['m'] },
        { name: 'b', anyOf: [] },
      ],
    },
  ],
  ['filter.attributes.0.anyOf', { attributes: [{ name: 'a', anyOf: Array(51).fill('m') }] }],
  ['filter.not.categories', { not: { categories: Array(51).fill('c') } }],
  ['filter.not.attributes.0.name', { not: { attributes: [{ name: '', anyOf: ['m'] }] } }],
  ['filter.excludeIds', { excludeIds: Array(201).fill('c') }],
  ['filter.price', { price: { min: '2', max: '1.99' } }],
  ['filter.price.max', { price: { max: 'cheap' } }],
])('%s is refused when it makes no sense', (argument, filter) => {
  expect(() => toSearchFilter(filter)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', facts: expect.objectContaining({ argument }) }),
  );
});
