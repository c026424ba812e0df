import { expect, test } from 'vitest';
import { checkedAnchors, firstProduct, keyOfAnchors } from '../../../../src/similarity/anchors.ts';

const several = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);

test('1 to 20 anchors, each once, in the one spelling of an id', () => {
  expect(checkedAnchors(several(20))).toEqual(several(20));
  expect(checkedAnchors(['b', 'a', 'b', 'e\u0301', '\u00e9'])).toEqual(['b', 'a', '\u00e9']);
  for (const count of [0, 21])
    expect(() => checkedAnchors(several(count))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

test('a set of anchors has one key in any order, and no other set has it', () => {
  expect(keyOfAnchors(['a', 'b'])).toBe(keyOfAnchors(['b', 'a']));
  const sets = [['a'], ['a', 'b'], ['a,b'], ['a","b'], ['ab'], ['a', 'b', 'c']];
  expect(new Set(sets.map(keyOfAnchors)).size).toBe(sets.length);
});

test('the first anchor that is a product stands for all', async () => {
  const view = { product: async (id: string) => (id === 'nobody' ? null : ({ id } as never)) };
  expect(await firstProduct(view, ['nobody', 'b', 'a'])).toEqual({ id: 'b' });
  expect(await firstProduct(view, ['nobody'])).toBeNull();
});
