import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeKind } from '../../lab/simulate/fakes.ts';
import { type BotEvent, botWorld, exposure, storeWorld } from '../support/bot-worlds.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';

/* Days whose bots are known; `npm run bench -- bots` has more of them (docs/feedback.md). */
const BOTS = { crawler: 2, hasty: 2, replayer: 2, blind: 2 };
const RULES: Partial<Record<FakeKind, string>> = {
  crawler: 'rate',
  hasty: 'haste',
  replayer: 'replay',
  blind: 'unseen',
  pusher: 'push',
};
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const derive = async (events: readonly BotEvent[]) =>
  database.repositories.feedback.days.statistics(await storeWorld(database, events));
const convicted = () => database.repositories.quarantines.newest(500, null, null);

test('each kind of bot is found by its rule, and no shopper who reports impressions by any; a pushed product is shown as without the farm', async () => {
  const { lists, events } = botWorld(1, 200, { ...BOTS, pusher: 2 });
  const pushed = exposure(lists, await derive(events));
  const found = await convicted();
  for (const [kind, rule] of Object.entries(RULES)) {
    const own = found.filter(({ visitorId }) => visitorId!.startsWith(kind)).map((one) => one.rule);
    expect([kind, ...own]).toEqual([kind, rule, rule]);
  }
  const reporting = new Set(events.flatMap(({ visitor, kind }) => (kind === 'IMPRESSION' ? [visitor] : [])));
  expect(found.filter(({ visitorId: id }) => id!.startsWith('s') && reporting.has(id!))).toEqual([]);
  const organic = exposure(lists, await derive(events.filter(({ fake }) => fake !== 'pusher')));
  expect(pushed / organic).toBeLessThan(1.1);
});

test('who was let out is found by no rule again, and his feedback counts', async () => {
  const until = await storeWorld(database, botWorld(2, 40, { crawler: 1 }).events);
  const { feedback, quarantines } = database.repositories;
  const clicks = async () => (await feedback.days.statistics(until)).reduce((sum, row) => sum + row.clicks, 0);
  const before = await clicks();
  const [bot, ...others] = await convicted();
  expect([bot?.visitorId, bot?.rule, others]).toEqual(['crawler0', 'rate', []]);
  expect(bot?.until).toBeNull(); // what he does next counts for nothing, either
  await quarantines.release(bot!.id);
  expect(await clicks()).toBeGreaterThan(before);
  expect(await convicted()).toMatchObject([{ id: bot!.id, releasedAt: expect.any(Date) }]);
});

/** Actions of a visitor in lists that are made when the first of each is. `dwell`: ms from then to the action. */
type Act = {
  item: number;
  anchor?: number;
  list?: number;
  kind?: 'CLICK' | 'ADD_TO_CART';
  dwell?: number;
  isSeen?: boolean;
};
const HOUR_MS = 3_600_000;
const acts = (visitor: string, own: readonly Act[], gapMs = 10_000): BotEvent[] =>
  own.flatMap(({ item, anchor = 1, list = item, kind = 'CLICK', dwell = 5000, isSeen = true }, i) => {
    const at = 10 * HOUR_MS + i * gapMs;
    const hex = [...`${visitor} ${list}`]
      .reduce((hash, sign) => (hash * 31 + sign.charCodeAt(0)) % 2 ** 32, 7)
      .toString(16);
    const listId = `00000000-0000-4000-8000-0000${hex.padStart(8, '0')}`;
    const event = { visitor, fake: null, anchor, items: [item], positions: [1], listId, listedAt: at - dwell };
    const action = { ...event, kind, occurredAt: at, receivedAt: at } as const;
    return isSeen ? [{ ...action, kind: 'IMPRESSION' } as const, action] : [action];
  });
const times = (count: number, of: (i: number) => Partial<Act>): Act[] =>
  Array.from({ length: count }, (_, i) => ({ item: i, anchor: i, ...of(i) }));
const crowd = (count: number): BotEvent[] =>
  Array.from({ length: count }, (_, i) =>
    acts(
      `s${i}`,
      times(1, () => ({})),
    ),
  ).flat();

test('each rule begins where it says: one action, one share or one millisecond less convicts nobody', async () => {
  const of = (isBad: boolean, bad: Partial<Act>): Partial<Act> => (isBad ? bad : {});
  const cases: Record<string, BotEvent[]> = {
    'rate 31': acts(
      'rate 31',
      times(31, () => ({})),
      2000,
    ),
    '30 a minute': acts(
      '30 a minute',
      times(30, () => ({})),
      1000,
    ),
    '31 of a basket': acts(
      '31 of a basket',
      times(31, () => ({ kind: 'ADD_TO_CART' })),
      0,
    ),
    'haste 5 of 10': acts(
      'haste 5 of 10',
      times(10, (i) => of(i < 5, { dwell: 999 })),
    ),
    'hasty 5 of 11': acts(
      'hasty 5 of 11',
      times(11, (i) => of(i < 5, { dwell: 999 })),
    ),
    'hasty 4 of 4': acts(
      'hasty 4 of 4',
      times(4, () => ({ dwell: 999 })),
    ),
    'a second later': acts(
      'a second later',
      times(10, () => ({ dwell: 1000 })),
    ),
    'replay 10 of 20': acts(
      'replay 10 of 20',
      times(20, (i) => of(i < 11, { item: 90, list: 90, anchor: 1 })),
    ),
    'repeats 10 of 21': acts(
      'repeats 10 of 21',
      times(21, (i) => of(i < 11, { item: 90, list: 90, anchor: 1 })),
    ),
    'repeats 9 of 10': acts(
      'repeats 9 of 10',
      times(10, () => ({ item: 90, list: 90, anchor: 1 })),
    ),
    'unseen 8 of 10': acts(
      'unseen 8 of 10',
      times(10, (i) => of(i < 8, { isSeen: false })),
    ),
    'blind 7 of 9': acts(
      'blind 7 of 9',
      times(9, (i) => of(i < 7, { isSeen: false })),
    ),
    'blind 4 of 4': acts(
      'blind 4 of 4',
      times(4, () => ({ isSeen: false })),
    ),
    'push 6 of 10': acts(
      'push 6 of 10',
      times(10, (i) => of(i < 6, { item: 90, list: 100 + i })),
    ),
    'liked 5 of 9': acts(
      'liked 5 of 9',
      times(9, (i) => of(i < 5, { item: 90, list: 100 + i })),
    ),
    'liked 4 of 4': acts(
      'liked 4 of 4',
      times(4, (i) => ({ item: 90, list: 100 + i })),
    ),
  };
  await derive([...crowd(30), ...Object.values(cases).flat()]);
  const found = (await convicted()).map(({ visitorId, rule }) => [visitorId!, rule]);
  expect(found.sort()).toEqual(
    Object.keys(cases)
      .filter((name) => /^(rate|haste|replay|unseen|push) /.test(name))
      .map((name) => [name, name.split(' ')[0]])
      .sort(),
  );
});

test('an impression of the days before counts as seen, and so does one of the hour after midnight', async () => {
  const bad = times(5, () => ({ isSeen: false }));
  const seen = (visitor: string) =>
    acts(
      visitor,
      times(5, () => ({})),
    ).filter(({ kind }) => kind === 'IMPRESSION');
  const days = (events: BotEvent[], count: number) =>
    events.map((event) => ({ ...event, receivedAt: event.receivedAt + count * 24 * HOUR_MS }));
  await derive([
    ...crowd(30),
    ...['never', 'before', 'after', 'too late'].flatMap((visitor) => acts(visitor, bad)),
    ...days(seen('before'), -7),
    ...days(seen('after'), 14.9 / 24),
    ...days(seen('too late'), 15.1 / 24),
  ]);
  expect((await convicted()).map(({ visitorId }) => visitorId).sort()).toEqual(['never', 'too late']);
});

test('what more than a tenth do is how a storefront reports, and convicts nobody', async () => {
  const hasty = ['a', 'b', 'c', 'd', 'e'].map((visitor) =>
    acts(
      visitor,
      times(5, () => ({ dwell: 10 })),
    ),
  );
  await derive([...crowd(36), ...hasty.slice(0, 4).flat()]);
  expect(await convicted()).toHaveLength(4);
  await derive([...crowd(36), ...hasty.flat()]);
  expect(await convicted()).toEqual([]);
});

test('fewer than twenty who act do not say what is usual', async () => {
  const crawler = acts(
    'crawler',
    times(40, () => ({})),
    1000,
  );
  await derive([...crowd(18), ...crawler]);
  expect(await convicted()).toEqual([]);
  await derive([...crowd(19), ...crawler]);
  expect((await convicted()).map(({ visitorId }) => visitorId)).toEqual(['crawler']);
});

test('a day that is not over convicts nobody; later days of who is convicted are built again', async () => {
  const { prisma } = database.storage;
  const { feedback } = database.repositories;
  const crawler = acts(
    'crawler',
    times(40, () => ({})),
    1000,
  );
  const events = [
    ...crowd(30),
    ...crawler,
    ...crawler.map((event) => ({ ...event, receivedAt: event.receivedAt + 24 * HOUR_MS })),
  ];
  const until = await storeWorld(database, events);
  await feedback.days.rollUp(until);
  expect(await convicted()).toMatchObject([{ visitorId: 'crawler', events: 160 }]); // of both days, with impressions
  await prisma.feedbackQuarantine.deleteMany();
  await prisma.$executeRaw`UPDATE simili.feedback_day SET stale = day = (SELECT min(day) FROM simili.feedback_day)`;
  await feedback.days.rollUp(until);
  expect(await convicted()).toHaveLength(1);
  expect(await prisma.feedbackDay.findMany({ where: { stale: true } })).toHaveLength(1); // the later one

  await storeWorld(database, events);
  await prisma.feedbackEvent.updateMany({ data: { receivedAt: new Date() } });
  await feedback.days.statistics(new Date(Date.now() + 60_000));
  expect(await convicted()).toEqual([]);
});
