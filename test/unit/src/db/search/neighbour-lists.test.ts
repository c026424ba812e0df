import { expect, test } from 'vitest';
import { NeighbourLists, openNeighbourLists } from '../../../../../src/db/search/neighbour-lists.ts';

const IDS = '{p1,"a \\"b\\", c","{1 2}"}';
const keyOf = (productId: string) => ({ table: 't', productId, filed: '' });
const A = keyOf('a');
const LIST = `10:20:15,17 {0.25,0.5,1.25,1e-07} ${IDS}`;

test('a list is told with the radius of each of its parts, and with its ids as the database wrote them', () => {
  const lists = new NeighbourLists(1e6);
  lists.keep(A, LIST);
  for (const [part, [length, radius]] of [
    [17, 0.25],
    [29, 0.5],
    [55, 1.25],
    [64, 1e-7],
  ].entries())
    expect(lists.of(A, part)).toEqual({ ids: IDS, length, radius, snapshot: '10:20:15,17', isRough: false });
  expect([lists.of(keyOf('b'), 0), lists.of({ ...A, table: 'u' }, 0), lists.of({ ...A, filed: 'f' }, 0)]).toEqual([
    null,
    null,
    null,
  ]);
  lists.forget(A);
  expect(lists.of(A, 0)).toBeNull();
});

test('one that is rough says so, until another is kept in its place', () => {
  const lists = new NeighbourLists(1e6);
  lists.keep(A, LIST, { isRough: true });
  const rough = lists.of(A, 1);
  lists.keep(A, LIST);
  expect(rough).toEqual({ ...lists.of(A, 1), isRough: true });
  expect(lists.of(A, 1)).toEqual({ ids: IDS, length: 29, radius: 0.5, snapshot: '10:20:15,17', isRough: false });
});

test('they take no more memory than they may: those that were not asked for longest go', () => {
  const lists = new NeighbourLists(20_000);
  const list = LIST.padEnd(800, '.');
  const ids = Array.from({ length: 100 }, (_, i) => `product-${i}`);
  for (const id of ids) {
    lists.keep(keyOf(id), list);
    lists.of(keyOf('product-0'), 0);
  }
  const kept = ids.filter((id) => lists.of(keyOf(id), 0));
  expect(kept[0]).toBe('product-0');
  expect(kept.slice(1)).toEqual(ids.slice(-kept.length + 1));
  expect(kept.length).toBe(Math.floor(20_000 / (150 + 't  product-99'.length + 800)));
});

test('none are kept where none may be', () => {
  expect(openNeighbourLists(0)).toBeNull();
  expect(openNeighbourLists()).toBeInstanceOf(NeighbourLists);
});
