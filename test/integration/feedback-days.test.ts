import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FeedbackWrite } from '../../src/db/feedback.ts';
import type { PairStatistics } from '../../src/db/feedback-days.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';
import { type Deed, votesOracle } from '../support/votes-oracle.ts';

/** Random histories of some days: what is derived from days that were rolled up is what follows from the events themselves. */
const DAYS = 5;
const DAY_MS = 86_400_000;
const RUNS = { numRuns: 12 };

let database: FreshDatabase;

const kinds = ['IMPRESSION', 'CLICK', 'ADD_TO_CART', 'PURCHASE', 'DISMISS'] as const;
const deeds = (visitors: number, most: number, of: readonly (typeof kinds)[number][]) =>
  fc.array(
    fc.record({
      day: fc.nat(DAYS - 1),
      second: fc.nat(86_399),
      visitor: fc.nat(visitors - 1).map((i) => `v${i}`),
      kind: fc.constantFrom(...of),
      anchor: fc.constantFrom('a', 'b'),
      item: fc.constantFrom('x', 'y', 'z'),
      position: fc.integer({ min: 1, max: 2 }),
      filtered: fc.boolean(),
    }),
    { minLength: 5, maxLength: most },
  );
type Drawn = Omit<Deed, 'receivedAt'> & { day: number; second: number };
/** What happens at the end of a day. */
const between = fc.array(fc.constantFrom('rollUp', 'read', 'readEarlier', 'erase', 'nothing'), {
  minLength: DAYS,
  maxLength: DAYS,
});
type Between = 'rollUp' | 'read' | 'readEarlier' | 'erase' | 'nothing';

/** Plays a history, the last of its days being today. @returns the deeds that were not erased */
async function play(drawn: readonly Drawn[], then: readonly Between[]): Promise<Deed[]> {
  const { prisma } = database.storage;
  const { feedback, erasures, clock } = database.repositories;
  for (const table of ['feedback_event', 'feedback_day', 'feedback_rollup', 'feedback_spent'])
    await prisma.$executeRawUnsafe(`DELETE FROM simili.${table}`);
  const midnight = Math.floor(clock.now().getTime() / DAY_MS) * DAY_MS;
  let known: Deed[] = [];
  for (const [day, what] of then.entries()) {
    const start = midnight - (DAYS - 1 - day) * DAY_MS;
    const own = drawn
      .filter((deed) => deed.day === day)
      .map((deed): Deed => ({ ...deed, receivedAt: new Date(start + deed.second * 1000) }));
    for (const deed of own) await store(deed);
    known.push(...own);
    const soon = new Date(clock.now().getTime() + DAY_MS);
    if (what === 'rollUp') await feedback.rollUp(soon);
    if (what === 'read') await feedback.statistics(soon);
    if (what === 'readEarlier') await compare(known, new Date(start - DAY_MS / 2), 'day');
    if (what === 'erase') {
      await erasures.erase(['v0']);
      known = known.filter(({ visitor }) => visitor !== 'v0');
    }
  }
  return known;
}

const writeOf = (deed: Omit<Deed, 'receivedAt'>): FeedbackWrite => ({
  eventId: crypto.randomUUID(),
  kind: deed.kind,
  anchorId: deed.anchor,
  itemIds: [deed.item],
  positions: [deed.position],
  modelId: `m${deed.position}`,
  occurredAt: new Date(),
  listId: crypto.randomUUID(),
  listExpiresAt: new Date(Date.now() + DAY_MS),
  filtered: deed.filtered,
});

async function store({ receivedAt, ...deed }: Deed): Promise<void> {
  const write = writeOf(deed);
  await database.repositories.feedback.append(deed.visitor, [write, write]);
  await database.storage.prisma.feedbackEvent.updateMany({ where: { eventId: write.eventId }, data: { receivedAt } });
}

async function compare(known: readonly Deed[], until: Date, by: 'day' | 'all'): Promise<void> {
  const wanted = votesOracle(
    known.filter(({ receivedAt }) => receivedAt <= until),
    by,
  );
  const found = await database.repositories.feedback.statistics(until);
  expect(found.map(rounded).filter(isSomething)).toEqual(wanted.map(rounded).filter(isSomething));
}
/** What a visitor's caps leave may be 0, or 1e-16 where the oracle divides floats: neither says anything. */
const isSomething = ({ impressions, clicks, value }: Record<'impressions' | 'clicks' | 'value', string>): boolean =>
  [impressions, clicks, value].some((sum) => Number(sum) !== 0);
const rounded = (row: PairStatistics) => ({
  ...row,
  impressions: row.impressions.toFixed(6),
  clicks: row.clicks.toFixed(6),
  value: (row.value + 0).toFixed(6).replace(/^-(0\.0+)$/, '$1'),
});
const later = () => new Date(database.repositories.clock.now().getTime() + DAY_MS);

function describeDays(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`feedback by days on ${name}`, { tags }, () => {
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database[Symbol.asyncDispose]());

    test('where nobody did more than counts, days that were rolled up give what all events at once give', async () => {
      const few = deeds(40, 50, ['IMPRESSION', 'CLICK', 'DISMISS']);
      await fc.assert(
        fc.asyncProperty(few, between, async (drawn, then) => {
          await compare(await play(drawn, then), later(), 'all');
        }),
        RUNS,
      );
    });

    test('where few did much, a day takes what the days before have left, whatever was rolled up, read or erased between', async () => {
      await fc.assert(
        fc.asyncProperty(deeds(3, 60, kinds), between, async (drawn, then) => {
          const known = await play(drawn, then);
          await compare(known, later(), 'day');
          await database.repositories.feedback.rollUp(later());
          await compare(known, later(), 'day');
        }),
        RUNS,
      );
    });

    test('events whose time is over are gone, and who did them; their sums stay, and who did them may count anew', async () => {
      const { prisma } = database.storage;
      const { feedback, erasures } = database.repositories;
      const drawn = (day: number, visitor: string, kind: (typeof kinds)[number]) =>
        ({ day, second: 1, visitor, kind, anchor: 'a', item: 'x', position: 1, filtered: false }) satisfies Drawn;
      const all = await play(
        [drawn(0, 'v', 'PURCHASE'), drawn(1, 'w', 'CLICK'), drawn(4, 'v', 'PURCHASE')],
        Array(DAYS).fill('nothing'),
      );
      await compare(all, later(), 'day'); // of v's second purchase four of six are left
      expect(await prisma.feedbackDay.updateMany({ data: { stale: true } })).toMatchObject({ count: 3 });
      expect(await feedback.forget(2)).toBe(0); // not before they are rolled up
      await feedback.rollUp(later());
      expect(await feedback.forget(4)).toBe(0);
      expect(await feedback.forget(3)).toBe(1);
      expect(await feedback.forget(3)).toBe(0);
      expect(await feedback.statistics(later())).toMatchObject([{ clicks: 3, value: 6 + 1 + 6 }]);
      expect(await prisma.feedbackEvent.count({ where: { visitorId: 'v' } })).toBe(1);
      expect(await prisma.feedbackSpent.findMany({ where: { visitorId: 'v' }, orderBy: { day: 'asc' } })).toMatchObject(
        [{ anchorId: 'a' }],
      );
      await erasures.erase(['v', 'w']);
      const [left] = await feedback.statistics(later());
      expect(left).toMatchObject({ clicks: 1, value: 6 }); // of a purchase by nobody knows whom
      expect(await prisma.feedbackSpent.count()).toBe(0);
    });

    test('a day that is rolled up is rolled up again when an event comes after all: the clock went back', async () => {
      const { feedback } = database.repositories;
      const deed = {
        day: DAYS - 1,
        second: 0,
        visitor: 'v',
        kind: 'CLICK',
        anchor: 'a',
        item: 'x',
        position: 1,
      } as const;
      await play([{ ...deed, filtered: false }], Array(DAYS).fill('read'));
      await database.storage.prisma.feedbackDay.updateMany({ data: { stale: false } });
      await database.repositories.feedback.append('w', [writeOf({ ...deed, visitor: 'w', filtered: false })]);
      expect(await database.storage.prisma.feedbackDay.findMany()).toMatchObject([{ stale: true }]);
      expect(await feedback.statistics(later())).toMatchObject([{ clicks: 2 }]);
    });

    test('twenty that roll up, read and erase at once leave what the events that are left say', async () => {
      const { feedback, erasures } = database.repositories;
      const drawn = Array.from({ length: 60 }, (_, i): Drawn => {
        const place = { anchor: 'a', item: 'xyz'[i % 3]!, position: 1 + (i % 2), filtered: false };
        return { day: i % DAYS, second: i, visitor: `v${i % 12}`, kind: kinds[i % 4]!, ...place };
      });
      const known = await play(drawn, Array(DAYS).fill('nothing'));
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          i % 4 === 0
            ? erasures.erase([`v${i % 12}`])
            : i % 4 === 1
              ? feedback.statistics(later())
              : feedback.rollUp(later()),
        ),
      );
      const gone = ['v0', 'v4', 'v8'];
      await compare(
        known.filter(({ visitor }) => !gone.includes(visitor)),
        later(),
        'day',
      );
    });
  });
}

describeDays('PGlite', () => freshDatabase());
describeDays('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
