import { expect, test } from 'vitest';
import type { ProductRow } from '../../../../src/db/sql/product-row.ts';
import { readCursor } from '../../../../src/similarity/cursor.ts';
import { SimilarItem } from '../../../../src/similarity/similar-item.ts';

const PLACE = { modelId: 'mdl', anchorId: 'a', position: 3, l2: 0.25, productId: 'b', skip: 2 };

test('its cursor is its place, signed', () => {
  const item = new SimilarItem({ id: 'b' } as ProductRow, 3, 0.9, PLACE, 'a key');
  expect(readCursor('a key', item.cursor(), 'a')).toEqual(PLACE);
});

test('it holds nothing that could hold more than itself', () => {
  const item = new SimilarItem({ id: 'b' } as ProductRow, 3, 0.9, PLACE, 'a key');
  expect(Object.values(item).filter((value) => typeof value === 'function')).toEqual([]);
});
