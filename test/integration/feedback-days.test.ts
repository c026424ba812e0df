import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FeedbackWrite } from '../../src/db/feedback.ts';
import type { DayRange, PairStatistics } from '../../src/db/feedback-days.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { FEEDBACK_WORTH } from '../../src/feedback-worth.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';
import { type Deed, UNFADING, votesOracle, type Worth } from '../support/votes-oracle.ts';

/** Random histories of some days: what is derived from days that were rolled up is what follows from the events themselves. */
const DAYS = 5;
const DAY_MS = 86_400_000;
const RUNS = { numRuns: 12 };

let database: FreshDatabase;
let worth = UNFADING;
/** Worth of feedback from now on. */
function count(as: Worth): void {
  worth = as;
  database.repositories = makeRepositories({ ...database.storage, worth }, 'default');
}
/** Other values, and days that fade as one plays. */
const OTHER: Worth = { values: { click: 0.5, cart: 2, purchase: 7.5, dismiss: -2 }, halfLifeDays: 2.5 };

const kinds = ['IMPRESSION', 'CLICK', 'ADD_TO_CART', 'PURCHASE', 'DISMISS', 'VIEW'] as const;
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
      placement: fc.constantFrom('default', 'cart', 'page'),
      filtered: fc.boolean(),
    }),
    { minLength: 5, maxLength: most },
  );
type Drawn = Omit<Deed, 'receivedAt'> & { day: number; second: number };
/** Days are whole: 0 is the first, null is open. */
type DrawnSlice = { visitor: string | null; anchor: string | null; item: string | null; days: [number, number] | null };
const slice: fc.Arbitrary<DrawnSlice> = fc
  .record({
    visitor: fc.option(fc.constantFrom('v0', 'v1', 'v2')),
    anchor: fc.option(fc.constantFrom('a', 'b')),
    item: fc.option(fc.constantFrom('x', 'y')),
    days: fc.option(fc.constantFrom<[number, number]>([0, 1], [1, 3], [2, 9])),
  })
  .filter((one) => Object.values(one).some((field) => field !== null));
/** Step at the end of a day. */
type Between = 'rollUp' | 'read' | 'readEarlier' | 'erase' | 'release' | 'nothing' | DrawnSlice;
const between: fc.Arbitrary<Between[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Between>('rollUp', 'read', 'readEarlier', 'erase', 'release', 'nothing') },
    { weight: 3, arbitrary: slice },
  ),
  { minLength: DAYS, maxLength: DAYS },
);
const holds = ({ visitor, anchor, item, days }: DrawnSlice, deed: Deed & { day: number }): boolean =>
  (visitor ?? deed.visitor) === deed.visitor &&
  (anchor ?? deed.anchor) === deed.anchor &&
  (item ?? deed.item) === deed.item &&
  (days === null || (days[0] <= deed.day && deed.day < days[1]));

/** Plays a history, the last of its days being today. @returns the deeds that were not erased and are not in quarantine */
async function play(drawn: readonly Drawn[], then: readonly Between[]): Promise<Deed[]> {
  const { prisma } = database.storage;
  const { feedback, erasures, quarantines, clock } = database.repositories;
  for (const table of ['event', 'day', 'rollup', 'spent', 'quarantine', 'click_through'])
    await prisma.$executeRawUnsafe(`DELETE FROM simili.feedback_${table}`);
  const midnight = Math.floor(clock.now().getTime() / DAY_MS) * DAY_MS;
  const startOf = (day: number) => new Date(midnight - (DAYS - 1 - day) * DAY_MS);
  let known: (Deed & { day: number })[] = [];
  let slices: { id: string; slice: DrawnSlice }[] = [];
  const counting = () => known.filter((deed) => !slices.some((one) => holds(one.slice, deed)));
  for (const [day, what] of then.entries()) {
    const start = startOf(day).getTime();
    const own = drawn
      .filter((deed) => deed.day === day)
      .map((deed) => ({ ...deed, receivedAt: new Date(start + deed.second * 1000) }));
    for (const deed of own) await store(deed);
    known.push(...own);
    const soon = new Date(clock.now().getTime() + DAY_MS);
    if (what === 'rollUp') await feedback.days.rollUp(soon);
    if (what === 'read') await feedback.days.statistics(soon);
    if (what === 'readEarlier') await compare(counting(), new Date(start - DAY_MS / 2), 'day');
    if (what === 'erase') {
      await erasures.erase(['v0']);
      known = known.filter(({ visitor }) => visitor !== 'v0');
      slices = slices.filter((one) => one.slice.visitor !== 'v0');
    }
    if (what === 'release') for (const { id } of slices.splice(0, 1)) await quarantines.release(id);
    if (typeof what === 'object') {
      const { visitor: visitorId, anchor: anchorId, item: itemId, days } = what;
      const [since, until] = days === null ? [null, null] : [startOf(days[0]), startOf(days[1])];
      const { id } = await quarantines.add({ visitorId, anchorId, itemId, since, until }, 'test', null);
      if (!slices.some((one) => one.id === id)) slices.push({ id, slice: what });
    }
  }
  return counting();
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
  listedAt: new Date(),
  listExpiresAt: new Date(Date.now() + DAY_MS),
  filtered: deed.filtered,
  ...(deed.placement !== undefined && { placement: deed.placement }),
});

async function store({ receivedAt, ...deed }: Deed): Promise<void> {
  const write = writeOf(deed);
  await database.repositories.feedback.append(deed.visitor, [write, write]);
  await database.storage.prisma.feedbackEvent.updateMany({ where: { eventId: write.eventId }, data: { receivedAt } });
}

const bought: Drawn = {
  day: 0,
  second: 1,
  visitor: 'v',
  kind: 'PURCHASE',
  anchor: 'a',
  item: 'x',
  position: 1,
  filtered: false,
};
const nothing = { visitorId: null, anchorId: null, itemId: null, since: null, until: null };
const ofVisitor = (visitorId: string) => ({ ...nothing, visitorId });

async function compare(known: readonly Deed[], until: Date, by: 'day' | 'all'): Promise<void> {
  const wanted = votesOracle(
    known.filter(({ receivedAt }) => receivedAt <= until),
    by,
    until,
    worth,
  );
  const found = await database.repositories.feedback.days.statistics(until);
  expect(found.map(rounded).filter(isSomething)).toEqual(wanted.map(rounded).filter(isSomething));
}
/** Days before one say what all said at its beginning, and with those from it on what all say. */
async function compareHalves(known: readonly Deed[]): Promise<void> {
  const start = new Date((Math.floor(database.repositories.clock.now().getTime() / DAY_MS) - 1) * DAY_MS);
  const day = start.toISOString().slice(0, 10);
  const sums = async (range: DayRange) => {
    const found: PairStatistics[] = [];
    await database.repositories.feedback.days.read(
      later(),
      (page) => void found.push(...page),
      (days) => {
        expect(days.map((one) => one.day)).toEqual([...new Set(days.map((one) => one.day))].sort());
        return range;
      },
    );
    return found;
  };
  const past = await sums({ from: null, before: day });
  const wanted = votesOracle(
    known.filter(({ receivedAt }) => receivedAt < start),
    'day',
    later(),
    worth,
    known,
  );
  expect(past.map(rounded).filter(isSomething)).toEqual(wanted.map(rounded).filter(isSomething));
  const clicks = (rows: readonly PairStatistics[]) => rows.reduce((sum, row) => sum + row.clicks, 0);
  const last = await sums({ from: day, before: null });
  expect(clicks(past) + clicks(last)).toBeCloseTo(
    clicks(await database.repositories.feedback.days.statistics(later())),
    6,
  );
}

/** Whether a row says anything: a visitor's caps may leave 0, or 1e-16 where the oracle divides floats. */
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
      database = { ...(await open()) };
    });
    beforeEach(() => count(UNFADING));
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
        fc.asyncProperty(deeds(3, 60, kinds), between, fc.constantFrom(UNFADING, OTHER), async (drawn, then, as) => {
          count(as);
          const known = await play(drawn, then);
          await compare(known, later(), 'day');
          await database.repositories.feedback.days.rollUp(later());
          await compare(known, later(), 'day');
          await compareHalves(known);
        }),
        RUNS,
      );
    });

    test('feedback fades by half in each half-life, is chosen as often a view as before, and a fresh day counts whole', async () => {
      const { clock } = database.repositories;
      const day = (back: number, kind: (typeof kinds)[number], visitor: string): Drawn => {
        return { ...bought, day: DAYS - 1 - back, visitor, kind };
      };
      const seen = [0, 2, 4].flatMap((back) =>
        ['IMPRESSION', 'CLICK'].map((kind) => day(back, kind as never, `v${back}`)),
      );
      await play(seen, Array(DAYS).fill('rollUp'));
      count({ ...UNFADING, halfLifeDays: 2 });
      const [found] = await database.repositories.feedback.days.statistics(clock.now());
      expect(found).toMatchObject({ impressions: 1.75, clicks: 1.75, value: 1.75 });
      expect(FEEDBACK_WORTH).toEqual({ ...UNFADING, halfLifeDays: 180 });
    });

    test('a visitor chooses twenty products and ten beside an anchor, whatever a shop says that a purchase is worth', async () => {
      const dear: Worth = { ...UNFADING, values: { click: 1, cart: 3, purchase: 100, dismiss: -0.1 } };
      count(dear);
      const many = (day: number, visitor: string, anchor: string, kind: (typeof kinds)[number]) =>
        Array.from({ length: 15 }, (_, i): Drawn => ({ ...bought, day, visitor, anchor, kind, item: `x${i}` }));
      const days = Array<Between>(DAYS).fill('rollUp');
      const sum = (rows: readonly PairStatistics[], of: 'clicks' | 'value') =>
        rows.reduce((total, row) => total + row[of], 0);
      const { feedback } = database.repositories;
      const beside = await play(many(0, 'v', 'a', 'CLICK'), days);
      expect(sum(await feedback.days.statistics(later()), 'clicks')).toBeCloseTo(10, 6);
      await compare(beside, later(), 'day');
      const everywhere = await play(
        ['a', 'b', 'c'].flatMap((anchor, day) => many(day, 'v', anchor, 'CLICK')),
        days,
      );
      expect(sum(await feedback.days.statistics(later()), 'clicks')).toBeCloseTo(20, 6);
      await compare(everywhere, later(), 'day');
      const dismissed = await play(many(0, 'v', 'a', 'DISMISS'), days);
      expect(sum(await feedback.days.statistics(later()), 'value')).toBeCloseTo(-1, 6);
      await compare(dismissed, later(), 'day');
    });

    test('a derivation comes to its end however often somebody is erased beside it, and has nothing of them', async () => {
      const { feedback, erasures } = database.repositories;
      const visitors = Array.from({ length: 9 }, (_, i) => `v${i}`);
      const of = { day: 0, second: 1, kind: 'CLICK' as const, anchor: 'a', item: 'x', position: 1, filtered: false };
      await play(
        visitors.map((visitor) => ({ ...of, visitor })),
        Array(DAYS).fill('nothing'),
      );
      const { days } = feedback;
      const rollUp = days.rollUp.bind(days);
      let erased = 0;
      days.rollUp = async (until) => {
        const built = await rollUp(until);
        await erasures.erase([visitors[erased++] ?? 'nobody']);
        return built;
      };
      const found = await days.statistics(later()).finally(() => {
        days.rollUp = rollUp;
      });
      expect(erased).toBeLessThan(visitors.length);
      expect(found).toMatchObject([{ clicks: visitors.length - erased }]);
    });

    test('the twenty placements that are seen most are told apart on a day, and in all; others count as `default`', async () => {
      const { feedback, clickThrough } = database.repositories;
      const see = (day: number, visitor: string, placement: string) =>
        ({ ...bought, kind: 'IMPRESSION', day, visitor, placement }) satisfies Drawn;
      const names = Array.from({ length: 25 }, (_, i) => `p${i + 10}`);
      // On the first day the last five have two visitors each, on the second one: others have one, and none.
      const first = [...names, ...names.slice(20)].map((name, i) => see(0, `v${i}`, name));
      const second = names.slice(20).map((name, i) => see(1, `w${i}`, name));
      const third = Array.from({ length: 3 }, (_, i) => see(2, `x${i}`, 'a-late-one'));
      await play([...first, ...second, ...third, see(3, 'y', 'default')], Array(DAYS).fill('rollUp'));
      const told = (await feedback.days.statistics(later())).map(({ placement, impressions }) => [
        placement,
        impressions,
      ]);
      expect(told).toEqual([
        ['a-late-one', 3],
        ...names.slice(0, 14).map((name) => [name, 1]), // of the first fifteen of the day the last has no room in all
        ...names.slice(20).map((name) => [name, 3]),
        ['default', 5 + 1 + 1],
      ]);
      const cells = await clickThrough.cells({ first: '2000-01-01', last: '2100-01-01', modelId: null });
      expect(new Set(cells.map(({ placement }) => placement))).toEqual(new Set(told.map(([placement]) => placement)));
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
      expect(await feedback.days.forget(2)).toBe(0); // not before they are rolled up
      await feedback.days.rollUp(later());
      expect(await feedback.days.forget(4)).toBe(0);
      expect(await feedback.days.forget(3)).toBe(1);
      expect(await feedback.days.forget(3)).toBe(0);
      expect(await feedback.days.statistics(later())).toMatchObject([{ clicks: 3, value: 6 + 1 + 6 }]);
      expect(await prisma.feedbackEvent.count({ where: { visitorId: 'v' } })).toBe(1);
      expect(await prisma.feedbackSpent.findMany({ where: { visitorId: 'v' }, orderBy: { day: 'asc' } })).toMatchObject(
        [{ anchorId: 'a' }],
      );
      await erasures.erase(['v', 'w']);
      const [left] = await feedback.days.statistics(later());
      expect(left).toMatchObject({ clicks: 1, value: 6 }); // of a purchase by nobody knows whom
      expect(await prisma.feedbackSpent.count()).toBe(0);
    });

    test('days whose time is over at once are forgotten one by one: whoever is ended in between has done those before', async () => {
      const { prisma } = database.storage;
      const { feedback } = database.repositories;
      const days = ['v', 'w', 'x'].map((visitor, day): Drawn => ({ ...bought, day, visitor }));
      await play([...days, { ...bought, day: 2, visitor: 'y' }], Array(DAYS).fill('rollUp'));
      const left = async () =>
        (await prisma.feedbackEvent.findMany({ orderBy: { visitorId: 'asc' } })).map(({ visitorId }) => visitorId);
      await prisma.$executeRaw`
        CREATE FUNCTION simili.end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the process is gone'; END $$`;
      await prisma.$executeRaw`
        CREATE TRIGGER end_it BEFORE DELETE ON simili.feedback_event FOR EACH ROW WHEN (old.visitor_id = 'w') EXECUTE FUNCTION simili.end_it()`;
      await expect(feedback.days.forget(1)).rejects.toThrow('the process is gone');
      await prisma.$executeRaw`DROP FUNCTION simili.end_it CASCADE`;
      expect(await left()).toEqual(['w', 'x', 'y']);
      expect(await prisma.feedbackDay.count({ where: { forgotten: true } })).toBe(1);
      expect(await feedback.days.forget(1)).toBe(3);
      expect(await left()).toEqual([]);
      expect(await prisma.feedbackSpent.count()).toBe(0);
    });

    test('what is in quarantine counts for nothing, is kept, and counts as before once it is released', async () => {
      const { feedback, quarantines, erasures } = database.repositories;
      const drawn = Array.from({ length: 40 }, (_, i): Drawn => {
        const place = { anchor: 'ab'[i % 2]!, item: 'xyz'[i % 3]!, position: 1 + (i % 2), filtered: false };
        return { day: i % DAYS, second: i, visitor: `v${i % 4}`, kind: kinds[i % 5]!, ...place };
      });
      const known = await play(drawn, Array(DAYS).fill('rollUp'));
      const before = await feedback.days.statistics(later());
      const visitor = await quarantines.add(ofVisitor('v1'), 'a robot', null);
      const pair = await quarantines.add({ ...nothing, anchorId: 'a', itemId: 'x' }, 'pushed', 'pair');
      expect(visitor).toMatchObject({ visitorId: 'v1', reason: 'a robot', rule: null, events: 10, releasedAt: null });
      expect(await quarantines.add(ofVisitor('v1'), 'again', 'rate')).toEqual(visitor);
      const isOfPair = ({ anchor, item }: Deed) => anchor === 'a' && item === 'x';
      expect(pair.events).toBe(known.filter(isOfPair).length);
      const left = known.filter((deed) => deed.visitor !== 'v1' && !isOfPair(deed));
      await compare(left, later(), 'day');
      expect(await feedback.count()).toBe(40);
      const choices = left.filter(({ kind }) => kind !== 'IMPRESSION' && kind !== 'DISMISS');
      const chosen = new Set(choices.map((deed) => `${deed.visitor} ${deed.anchor} ${deed.item}`)).size;
      expect(await feedback.choices(new Date(0))).toEqual({ before: 0, after: chosen });
      expect(await feedback.visitorsOfPair('a', 'x', 90)).toMatchObject({ chosen: 0, dismissed: 0 });
      expect((await quarantines.newest(10, null, null)).map(({ id }) => id)).toEqual([pair.id, visitor.id]);
      expect(await quarantines.newest(10, pair.id, null)).toEqual([visitor]);
      await Promise.all([visitor, pair, pair].map(({ id }) => quarantines.release(id)));
      expect(await feedback.days.statistics(later())).toEqual(before);
      expect(await quarantines.release(crypto.randomUUID())).toBeNull();
      expect(await quarantines.newest(10, null, 'v1')).toMatchObject([
        { id: visitor.id, releasedAt: expect.any(Date) },
      ]);
      // Of a visitor who was erased no quarantine tells, either.
      await erasures.erase(['v1']);
      expect(await quarantines.newest(10, null, 'v1')).toEqual([]);
    });

    test('what begins to count again begins to count under the same caps: later days of its visitors are built anew, too', async () => {
      const { feedback, quarantines } = database.repositories;
      const purchase = (day: number): Drawn => ({
        ...bought,
        day,
        item: 'xy'[day % 2]!,
      });
      await play([purchase(0), purchase(1), purchase(2)], Array(DAYS).fill('rollUp'));
      const sum = async () => (await feedback.days.statistics(later())).reduce((total, { value }) => total + value, 0);
      expect(await sum()).toBe(10);
      const first = { visitorId: null, anchorId: 'a', itemId: 'x', since: null, until: null };
      const { id } = await quarantines.add(first, 'test', null);
      expect(await feedback.days.statistics(later())).toMatchObject([{ itemId: 'y', value: 6 }]);
      await quarantines.release(id);
      expect(await feedback.days.statistics(later())).toMatchObject([{ value: 6 }, { value: 4 }]);
    });

    test('quarantines of visitors of whom nothing is left are forgotten with the events, others are kept', async () => {
      const { feedback, quarantines } = database.repositories;
      await play([bought, { ...bought, day: 4, visitor: 'w' }], Array(DAYS).fill('nothing'));
      for (const slice of [{ visitorId: 'v' }, { visitorId: 'w' }, { itemId: 'y' }])
        await quarantines.add({ ...nothing, ...slice }, 'test', 'rate');
      await feedback.days.rollUp(later());
      expect(await feedback.days.forget(3)).toBe(1);
      expect(await quarantines.newest(10, null, null)).toHaveLength(3); // they are of today
      await database.storage.prisma.feedbackQuarantine.updateMany({
        data: { createdAt: new Date(Date.now() - 4 * DAY_MS) },
      });
      await feedback.days.forget(3);
      const left = await quarantines.newest(10, null, null);
      expect(left.map(({ visitorId, itemId }) => visitorId ?? itemId).sort()).toEqual(['w', 'y']);
      expect(await quarantines.changedSince(new Date(0))).toBe(false); // all are of a rule
      await quarantines.release(left[0]!.id);
      expect(await quarantines.changedSince(new Date(Date.now() - DAY_MS))).toBe(true);
      expect(await quarantines.changedSince(new Date(Date.now() + DAY_MS))).toBe(false);
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
      expect(await feedback.days.statistics(later())).toMatchObject([{ clicks: 2 }]);
    });

    test('twenty that roll up, read, erase and put into quarantine at once leave what the events that are left say', async () => {
      const { feedback, erasures, quarantines } = database.repositories;
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
              ? feedback.days.statistics(later())
              : i % 4 === 2
                ? feedback.days.rollUp(later())
                : quarantines.add(ofVisitor(`v${i % 12}`), 'test', null),
        ),
      );
      const gone = ['v0', 'v4', 'v8', 'v3', 'v7', 'v11'];
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
