import { expect, test } from 'vitest';
import { byCategory } from '../../../lab/by-category.ts';

const row = (id: number, category: string | null) => ({ id, category });

test('rows are by their category, each in the order given, and those without one are left out', () => {
  const rows = [row(1, 'shoes'), row(2, null), row(3, 'bags'), row(4, 'shoes')];
  expect([...byCategory(rows)]).toEqual([
    ['shoes', [row(1, 'shoes'), row(4, 'shoes')]],
    ['bags', [row(3, 'bags')]],
  ]);
});

test('a category of two hundred thousand takes no longer than many small ones', { timeout: 10_000 }, () => {
  const many = Array.from({ length: 200_000 }, (_, i) => row(i, 'shoes'));
  expect(byCategory(many).get('shoes')).toEqual(many);
});
