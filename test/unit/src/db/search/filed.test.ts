import { expect, test } from 'vitest';
import { asksForStock, filedPart, isMostlyFiled } from '../../../../../src/db/search/filed.ts';
import type { SearchFilter } from '../../../../../src/db/search/statement.ts';
import type { Condition } from '../../../../../src/ports/condition.ts';

const red: Condition = { column: 'tags', overlaps: ['red'] };
const shoes: Condition = { column: 'categories', overlaps: ['Shoes'] };
const heavy: Condition = { attribute: 'weight', atLeast: '10' };
const cheap: Condition = { column: 'price', atMost: '10' };
const filed: Condition[] = [red, shoes, heavy, { not: red }, { any: [red, { all: [heavy, { not: shoes }] }] }];
const other: Condition[] = [
  cheap,
  { column: 'available', is: true },
  { column: 'title', in: ['A'] },
  { not: cheap },
  { any: [red, cheap] },
  { all: [heavy, { not: { any: [cheap] } }] },
];

test('what products are filed under is their categories, tags and attributes, however they are put together', () => {
  const filter: SearchFilter = { categories: ['Shoes'], conditions: [...filed, ...other], own: [...other, ...filed] };
  expect(filedPart(filter)).toEqual({ categories: ['Shoes'], conditions: filed, own: filed });
  expect(filedPart({ available: true, minPrice: '1', maxPrice: '2', excludeIds: ['a'], conditions: other })).toEqual(
    {},
  );
});

test('a filter asks for nothing beside that but for what is in stock, or its pages are not for lists of what is filed', () => {
  expect(isMostlyFiled({ categories: ['Shoes'], conditions: filed, own: filed, excludeIds: ['a'] })).toBe(true);
  expect([isMostlyFiled({ available: true }), asksForStock({ available: true }), asksForStock({})]).toEqual([
    true,
    true,
    false,
  ]);
  const others: SearchFilter[] = [{ available: false }, { minPrice: '1' }, { maxPrice: '1' }];
  const wider = other.flatMap((one): SearchFilter[] => [{ conditions: [red, one] }, { own: [one] }]);
  expect([...others, ...wider].map(isMostlyFiled)).toEqual([...others, ...wider].map(() => false));
});
