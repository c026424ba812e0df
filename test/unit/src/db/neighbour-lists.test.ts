import { expect, test } from 'vitest';
import { LISTED, type NeighbourList, NeighbourLists, openNeighbourLists } from '../../../../src/db/neighbour-lists.ts';

const list = (name: string): NeighbourList => ({
  ids: Array.from({ length: LISTED }, (_, i) => `${name}-${i}`),
  l2: Array.from({ length: LISTED }, (_, i) => i / 100),
  snapshot: '10:20:15',
});
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Asks twice, for the second time with this list. */
async function keep(lists: NeighbourLists, id: string, made = list(id)) {
  for (let i = 0; i < 2; i++) lists.missed('t', id, async () => made);
  await turn();
}

test('the first question is remembered, the second one makes a list, whose parts are told with how near all others are', async () => {
  const lists = new NeighbourLists(1e6);
  let made = 0;
  const make = async () => {
    made++;
    return list('a');
  };
  lists.missed('t', 'a', make);
  await turn();
  expect([made, lists.of('t', 'a', 0)]).toEqual([0, null]);
  lists.missed('t', 'a', make);
  await turn();
  expect(made).toBe(1);
  const { ids, l2 } = list('a');
  for (const [part, length] of [17, 29, 55, 64].entries())
    expect(lists.of('t', 'a', part)).toEqual({ ids: ids.slice(0, length), radius: l2[length], snapshot: '10:20:15' });
  expect([lists.of('t', 'b', 0), lists.of('u', 'a', 0)]).toEqual([null, null]);
  lists.missed('t', 'a', make); // its page was short
  await turn();
  expect(made).toBe(1);
  lists.forget('t', 'a');
  expect(lists.of('t', 'a', 0)).toBeNull();
});

test('one is made at a time, and one that fails or is none leaves nothing behind', async () => {
  const lists = new NeighbourLists(1e6);
  const asked: string[] = [];
  let end = (_: NeighbourList | null) => {};
  const slow = (id: string) => () => {
    asked.push(id);
    return new Promise<NeighbourList | null>((resolve) => {
      end = resolve;
    });
  };
  for (const id of ['a', 'a', 'b', 'b']) lists.missed('t', id, slow(id));
  expect(asked).toEqual(['a']);
  end(null);
  await turn();
  expect(lists.of('t', 'a', 0)).toBeNull();
  lists.missed('t', 'b', () => Promise.reject(new Error('gone')));
  await turn();
  lists.missed('t', 'b', async () => list('b'));
  await turn();
  expect(lists.of('t', 'b', 0)!.ids[0]).toBe('b-0');
});

test('they take no more memory than they may: those that were not asked for longest go', async () => {
  const lists = new NeighbourLists(20_000);
  const ids = Array.from({ length: 100 }, (_, i) => `product-${i}`);
  for (const id of ids) {
    await keep(lists, id);
    lists.of('t', 'product-0', 0);
  }
  const kept = ids.filter((id) => lists.of('t', id, 0));
  expect(kept[0]).toBe('product-0');
  expect(kept.slice(1)).toEqual(ids.slice(-kept.length + 1));
  const bytes = kept.length * (250 + list('product-99').ids.slice(1).join(' ').length);
  expect(bytes).toBeGreaterThan(15_000);
  expect(bytes).toBeLessThan(21_000);
});

test('none are kept where none may be', () => {
  expect(openNeighbourLists(0)).toBeNull();
  expect(openNeighbourLists()).toBeInstanceOf(NeighbourLists);
});
