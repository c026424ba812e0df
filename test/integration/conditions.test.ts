import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conditionSql } from '../../src/db/search/condition-sql.ts';
import * as columns from '../../src/db/sql/row.ts';
import { type Condition, problemOfCondition } from '../../src/ports/condition.ts';
import type { ProductFacts } from '../../src/ports/encoder.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/** Oracle of conditions: whether a product meets one. A product without a value meets no condition on it. */
function meets(product: ProductFacts, condition: Condition): boolean {
  if ('all' in condition) return condition.all.every((one) => meets(product, one));
  if ('any' in condition) return condition.any.some((one) => meets(product, one));
  if ('not' in condition) return !meets(product, condition.not);
  if ('is' in condition) return product.available === condition.is;
  if ('in' in condition) return condition.in.includes(product[condition.column] as string);
  if ('overlaps' in condition) return condition.overlaps.some((one) => product[condition.column].includes(one));
  const { atLeast = '-9999', atMost = '9999' } = condition;
  const isWithin = (value: string) => Number(value) >= Number(atLeast) && Number(value) <= Number(atMost);
  if ('attribute' in condition) return numbersOf(product, condition.attribute).some(isWithin);
  return product.price !== null && isWithin(product.price);
}

const numbersOf = ({ tags }: ProductFacts, name: string): string[] =>
  tags
    .filter((tag) => tag.startsWith(`${name}:`))
    .map((tag) => tag.slice(name.length + 1))
    .filter((value) => /^-?\d{1,20}(\.\d{1,20})?$/.test(value));

const words = ['a', 'b', "it's", '%', '$1', '\\', 'é'];
const some = fc.uniqueArray(fc.constantFrom(...words), { maxLength: 3 });
const price = fc.integer({ min: 0, max: 40 }).map((cents) => (cents / 10).toFixed(2));
const products = Array.from({ length: 60 }, (_, i) => ({
  id: `p${i}`,
  title: words[i % words.length]!,
  url: i % 5 ? `https://shop.example/${i % 7}` : null,
  categories: words.filter((_word, at) => (i >> at) % 2),
  tags: [
    ...words.filter((_word, at) => (i >> (at % 4)) % 3 === 0),
    ...(i % 3 ? [`it's:${(i / 15).toFixed(2)}`] : []),
    ...(i % 7 ? [] : [`size:${i}`, `size:0${i}.0`, `size:${-i}`, 'size:m', 'size:1e3', 'size:4:5', ':6', 'size: 7']),
  ],
  price: i % 4 ? (i / 15).toFixed(2) : null,
  currency: i % 4 ? (i % 8 === 1 ? 'EUR' : 'USD') : null,
  available: i % 3 > 0,
}));

const { condition }: { condition: fc.Arbitrary<Condition> } = fc.letrec<{ condition: Condition; leaf: Condition }>(
  (tie) => ({
    leaf: fc.oneof(
      fc.boolean().map((is) => ({ column: 'available' as const, is })),
      fc.record({ atLeast: price, atMost: price }).map((range) => ({ column: 'price' as const, ...range })),
      price.map((atMost) => ({ column: 'price' as const, atMost })),
      fc.record({ atLeast: price, atMost: price }).map((range) => ({ attribute: "it's", ...range })),
      fc.integer({ min: -70, max: 70 }).map((atLeast) => ({ attribute: 'size', atLeast: String(atLeast) })),
      fc.integer({ min: -70, max: 70 }).map((atMost) => ({ attribute: 'size', atMost: String(atMost) })),
      some.map((list) => ({ column: 'title' as const, in: list })),
      fc.constantFrom(['https://shop.example/3'], []).map((list) => ({ column: 'url' as const, in: list })),
      fc.constantFrom(['EUR'], ['EUR', 'USD']).map((list) => ({ column: 'currency' as const, in: list })),
      fc.constantFrom(['p1', 'p2', 'p59', 'nobody']).map((list) => ({ column: 'id' as const, in: list })),
      some.map((overlaps) => ({ column: 'categories' as const, overlaps })),
      some.map((overlaps) => ({ column: 'tags' as const, overlaps })),
    ),
    condition: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.array(tie('condition'), { maxLength: 3 }).map((all): Condition => ({ all })),
      fc.array(tie('condition'), { maxLength: 3 }).map((any): Condition => ({ any })),
      tie('condition').map((not): Condition => ({ not })),
    ),
  }),
);

function describeConditions(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  test(`on ${name} a condition means in the database what it means in words, however it is nested, and no value is read as SQL`, {
    tags,
  }, async () => {
    await using database = await open();
    await addProducts(
      database,
      products.map(({ available, price: amount, currency, ...rest }) => ({
        ...rest,
        availableForSale: available,
        price: amount,
        currencyCode: currency,
      })),
    );
    await fc.assert(
      fc.asyncProperty(condition, async (one) => {
        expect(problemOfCondition(one)).toBeNull();
        const values: unknown[] = [];
        const sql = conditionSql(one, (value, type) => `$${values.push(value)}::${type}`);
        const text = `SELECT q.id FROM simili.product q WHERE ${sql} ORDER BY length(q.id), q.id`;
        const found = await database.storage.ask({ text, row: { id: columns.text } }, values);
        expect(found.map(({ id }) => id)).toEqual(products.filter((row) => meets(row, one)).map(({ id }) => id));
      }),
      { numRuns: 200 },
    );
  });
}

describeConditions('PGlite', () => freshDatabase());
describeConditions('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
