import { expect, test } from 'vitest';
import { isIn, itemsIn, lotOf, placeOf, splitOf, splits } from '../../../../learning/metrics/split.ts';

test('the parts of these ids never change', () => {
  // First 32 bits of `printf %s ID | sha256sum` over 2^32: .17, .46, .52; .74, .79; .83, .89, .99.
  const parts = {
    train: ['foo', 'SKU-1', 'café'],
    val: ['SKU-11', 'lamp'],
    test: ['SKU-7', '', 'bar'],
  };
  for (const [part, ids] of Object.entries(parts)) expect(ids.map(splitOf)).toEqual(ids.map(() => part));
});

test('parts are 70, 10 and 20 % of ids', () => {
  const counts = { train: 0, val: 0, test: 0 };
  for (let i = 0; i < 20_000; i++) counts[splitOf(`product-${i}`)]++;
  expect(Math.abs(counts.train / 20_000 - 0.7)).toBeLessThan(0.01);
  expect(Math.abs(counts.val / 20_000 - 0.1)).toBeLessThan(0.01);
  expect(Math.abs(counts.test / 20_000 - 0.2)).toBeLessThan(0.01);
});

test('columns tell which items are in which part', () => {
  const columns = {
    categories: new Int32Array(4),
    splits: Uint8Array.from(['val', 'train', 'test', 'val'], (name) => splits.indexOf(name as 'val')),
  };
  expect([...itemsIn(columns, 'val')]).toEqual([0, 3]);
  expect([...itemsIn(columns, 'train', 'test')]).toEqual([1, 2]);
  expect([0, 1, 2, 3].map((item) => isIn(columns, item, 'val'))).toEqual([true, false, false, true]);
});

test('lots are even whatever the split, and never change', () => {
  // Bytes 5 to 8 of `printf %s ID | sha256sum` over 2^32.
  const words = [0x68ffc68f, 0x9e07d1b2, 0x98fc1c14];
  expect(['foo', 'SKU-7', ''].map(lotOf)).toEqual(words.map((word) => word / 2 ** 32));
  for (const id of ['foo', 'SKU-7', '']) expect(placeOf(id)).toEqual({ split: splitOf(id), lot: lotOf(id) });
  const held = Array.from({ length: 20_000 }, (_, i) => `product-${i}`).filter((id) => splitOf(id) === 'test');
  expect(Math.abs(held.filter((id) => lotOf(id) < 0.25).length / held.length - 0.25)).toBeLessThan(0.02);
});
