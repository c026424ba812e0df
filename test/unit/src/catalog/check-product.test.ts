import { describe, expect, test } from 'vitest';
import { checkProduct } from '../../../../src/catalog/check-product.ts';
import { writeProducts } from '../../../../src/catalog/products.ts';
import type { ProductWrite } from '../../../../src/db/products.ts';

const draft = { id: 'a', title: 'A', imageUrls: ['https://shop.test/a.png'] };
const SHOE = '\u{1f45f}'; // two UTF-16 units, one character
const refusal = (argument: string, why: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', facts: { argument, why: expect.stringMatching(why) } });
const check = (changes: Partial<Parameters<typeof checkProduct>[0]>) => () => checkProduct({ ...draft, ...changes });

describe('lengths', () => {
  test('are counted in characters, of which an emoji is one', () => {
    expect(check({ id: SHOE.repeat(200), title: SHOE.repeat(1000), tags: [SHOE.repeat(200)] })).not.toThrow();
    expect(check({ title: SHOE.repeat(1001) })).toThrow(refusal('title', /1 to 1000 characters, not 1001/));
  });
});

test('an id is kept in its composed spelling, and one that breaks a rule costs no other', async () => {
  const written: ProductWrite[] = [];
  const write = async (product: ProductWrite) => {
    written.push(product);
    return 'created' as const;
  };
  const result = await writeProducts(
    [
      { ...draft, id: 'cafe\u0301' },
      { ...draft, id: '' },
    ],
    {
      catalog: 'default',
      products: { write },
      queue: { add: async () => {} },
    },
  );
  expect(written.map(({ id }) => id)).toEqual(['caf\u00e9']);
  expect(result).toMatchObject({ created: 1, rejections: [{ index: 1, error: { code: 'INVALID_ARGUMENT' } }] });
});
