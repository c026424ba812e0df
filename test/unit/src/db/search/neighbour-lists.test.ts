import { expect, test } from 'vitest';
import { NeighbourLists, openNeighbourLists } from '../../../../../src/db/search/neighbour-lists.ts';

const IDS = '{p1,"a \\"b\\", c","{1 2}"}';
const keyOf = (productId: string) => ({ table: 't', productId, filed: '' });
const A = keyOf('a');
/** Distances of 64 products, and of the next one. */
const DISTANCES = Array.from({ length: 65 }, (_, i) => Math.sqrt(i + 1) / 10);
const BYTES = Buffer.alloc(65 * 8);
for (const [i, distance] of DISTANCES.entries()) BYTES.writeDoubleBE(distance, 8 * i);
// The database breaks base64 into lines.
const LIST = `10:20:15,17 ${BYTES.toString('base64').replaceAll(/.{76}/g, '$&\n')} ${IDS}`;

test('a list is told with the radius of each of its parts, and with its ids and distances as the database wrote them', () => {
  const lists = new NeighbourLists(1e6);
  lists.keep(A, LIST);
  for (const [part, length] of [17, 29, 55, 64].entries()) {
    const radius = DISTANCES[length];
    expect(lists.of(A, part)).toEqual({
      ids: IDS,
      distances: BYTES,
      length,
      radius,
      snapshot: '10:20:15,17',
    });
  }
  expect([lists.of(keyOf('b'), 0), lists.of({ ...A, table: 'u' }, 0), lists.of({ ...A, filed: 'f' }, 0)]).toEqual([
    null,
    null,
    null,
  ]);
  lists.forget(A);
  expect(lists.of(A, 0)).toBeNull();
});

test('they take no more memory than they may: those that were not asked for longest go', () => {
  const lists = new NeighbourLists(20_000);
  const list = LIST.padEnd(1000, '.');
  const ids = Array.from({ length: 100 }, (_, i) => `product-${i}`);
  for (const id of ids) {
    lists.keep(keyOf(id), list);
    lists.of(keyOf('product-0'), 0);
  }
  const kept = ids.filter((id) => lists.of(keyOf(id), 0));
  expect(kept[0]).toBe('product-0');
  expect(kept.slice(1)).toEqual(ids.slice(-kept.length + 1));
  expect(kept.length).toBe(Math.floor(20_000 / (150 + 't  product-99'.length + 1000)));
});

test('none are kept where none may be', () => {
  expect(openNeighbourLists(0)).toBeNull();
  expect(openNeighbourLists()).toBeInstanceOf(NeighbourLists);
});
