import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A pair on one day of January 2026. */
type Day = { day: number; anchor: string; item: string; seen: number; chosen: number };
const store = (days: readonly Day[], catalog = 'default') =>
  database.storage.prisma.feedbackRollup.createMany({
    data: days.map(({ day, anchor, item, seen, chosen }) => ({
      catalogId: catalog,
      day: new Date(Date.UTC(2026, 0, day)),
      anchorId: anchor,
      itemId: item,
      position: 1,
      modelId: 'm',
      impressions: seen,
      chosen,
      clicks: chosen,
      carts: 0,
      purchases: 0,
      dismisses: 0,
    })),
  });

test('lists beside whose anchors most was chosen come first, each with what was seen most beside it', async () => {
  const { feedback } = database.repositories;
  await store([
    { day: 1, anchor: 'a', item: 'x', seen: 5, chosen: 1 },
    { day: 2, anchor: 'a', item: 'x', seen: 5, chosen: 1 },
    { day: 2, anchor: 'a', item: 'y', seen: 20, chosen: 0 },
    { day: 1, anchor: 'b', item: 'z', seen: 9, chosen: 5 },
    { day: 2, anchor: 'c', item: 'x', seen: 9, chosen: 0 }, // nothing was chosen beside it
    { day: 2, anchor: 'd', item: 'x', seen: 9, chosen: 1 },
  ]);
  const all = () => true;
  const lists = [
    ['b', 'z'],
    ['a', 'y', 'x'],
    ['d', 'x'],
  ];
  expect(await feedback.tellingLists({ from: null, isWanted: all })).toEqual(lists);
  expect(await feedback.tellingLists({ from: null, isWanted: (id) => id !== 'b' })).toEqual(lists.slice(1));
  expect(await feedback.tellingLists({ from: '2026-01-02', isWanted: all })).toEqual(lists.slice(1));
  expect(await feedback.tellingLists({ from: '2026-01-03', isWanted: all })).toEqual([]);
});

test('of many lists, and of long ones, a part is told', async () => {
  const { feedback } = database.repositories;
  const anchors = Array.from({ length: 300 }, (_, i) => `many ${String(i).padStart(3, '0')}`);
  await store(anchors.map((anchor, i) => ({ day: 1, anchor, item: 'x', seen: 9, chosen: 1000 - i })));
  await store(
    Array.from({ length: 40 }, (_, i) => ({ day: 2, anchor: anchors[0]!, item: `y${i}`, seen: 100 - i, chosen: 0 })),
  );
  const lists = await feedback.tellingLists({ from: null, isWanted: () => true });
  expect(lists.map(([anchor]) => anchor)).toEqual(anchors.slice(0, 200));
  expect(lists[0]).toEqual([anchors[0], ...Array.from({ length: 24 }, (_, i) => `y${i}`)]);
});
