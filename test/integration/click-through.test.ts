import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { clickThrough } from '../../src/feedback/click-through.ts';
import { type ClickDeed, clickThroughOracle } from '../support/click-through-oracle.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';

/* Random histories of some days: what the roll-up says of click-through is what follows from the events that are left. */
const DAYS = 3;
const DAY_MS = 86_400_000;
const RUNS = { numRuns: 10, seed: 7 };
const kinds = ['IMPRESSION', 'IMPRESSION', 'IMPRESSION', 'CLICK', 'ADD_TO_CART', 'PURCHASE', 'DISMISS'] as const;
let database: FreshDatabase;

/** A seed, so that a history of a thousand deeds is cheap to draw. About half of the cells have 20 visitors or more. */
const history = fc.record({
  seed: fc.integer(),
  between: fc.array(fc.constantFrom('rollUp', 'read', 'erase', 'visitor', 'item', 'release', 'nothing'), {
    minLength: 3,
    maxLength: 6,
  }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

const midnight = () => Math.floor(database.repositories.clock.now().getTime() / DAY_MS) * DAY_MS;
const later = () => new Date(database.repositories.clock.now().getTime() + DAY_MS);
/** On days that are over for certain. */
function deedsOf({ seed }: History): ClickDeed[] {
  const { int } = makeRandom(seed);
  const visitors = 20 + int(25);
  const start = midnight() - (DAYS + 2) * DAY_MS;
  const placements = int(2) === 0 ? ['default'] : ['default', 'default', 'default', 'cart'];
  return Array.from({ length: 600 + int(900) }, () => ({
    receivedAt: new Date(start + int(DAYS) * DAY_MS + int(86_400) * 1000),
    visitor: `v${int(visitors)}`,
    kind: kinds[int(kinds.length)]!,
    anchor: 'ab'[int(2)]!,
    item: 'xy'[int(2)]!,
    position: 1 + int(2),
    filtered: int(2) === 0,
    model: ['m1', 'm2'][int(6) === 0 ? 1 : 0]!,
    placement: placements[int(placements.length)]!,
  }));
}

async function store(deeds: readonly ClickDeed[]): Promise<void> {
  const { prisma } = database.storage;
  for (const table of ['event', 'day', 'rollup', 'spent', 'quarantine', 'click_through'])
    await prisma.$executeRawUnsafe(`DELETE FROM simili.feedback_${table}`);
  await prisma.feedbackEvent.createMany({
    data: deeds.map(
      ({ visitor, anchor, item, position, placement = 'default', model, kind, filtered, receivedAt }) => ({
        catalogId: 'default',
        eventId: randomUUID(),
        visitorId: visitor,
        anchorId: anchor,
        itemIds: [item],
        positions: [position],
        placement,
        modelId: model,
        occurredAt: receivedAt,
        kind,
        filtered,
        receivedAt,
      }),
    ),
  });
}

const ask = (request: { days?: number; modelVersionId?: string; until?: Date } = {}) =>
  clickThrough(
    { clickThrough: database.repositories.clickThrough, now: () => database.repositories.clock.now() },
    { days: 30, until: null, modelVersionId: null, ...request },
  );

/** An answer in the oracle's shape. */
function found(answer: Awaited<ReturnType<typeof ask>>) {
  const shown = ({ rate, suppressedCells: suppressed }: Omit<Version, 'modelVersionId'>) => {
    if (!rate) return { suppressed };
    const { high: _, ...rest } = rate;
    return { ...rest, suppressed, low: expect.closeTo(rate.low, 9), rate: expect.closeTo(rate.rate, 12) };
  };
  return {
    versions: Object.fromEntries(answer.versions.map((one) => [one.modelVersionId, shown(one)])),
    places: Object.fromEntries(answer.places.map((one) => [String(one.place), shown(one)])),
    placements: Object.fromEntries(answer.placements.map((one) => [one.placement, shown(one)])),
  };
}
type Version = Awaited<ReturnType<typeof ask>>['versions'][number];

/** @returns the deeds that count in the end */
async function play(drawn: History): Promise<ClickDeed[]> {
  const { feedback, erasures, quarantines } = database.repositories;
  let left = deedsOf(drawn);
  await store(left);
  const slices: { id: string; visitor: string | null; item: string | null }[] = [];
  for (const [turn, what] of drawn.between.entries()) {
    const visitor = `v${turn}`;
    if (what === 'rollUp') await feedback.days.rollUp(later());
    if (what === 'read') await feedback.days.statistics(later());
    if (what === 'release') for (const { id } of slices.splice(0, 1)) await quarantines.release(id);
    if (what === 'erase') {
      await erasures.erase([visitor]);
      left = left.filter((deed) => deed.visitor !== visitor);
    }
    if (what !== 'visitor' && what !== 'item') continue;
    const slice = what === 'visitor' ? { visitor, item: null } : { visitor: null, item: 'x' };
    const { id } = await quarantines.add(
      { visitorId: slice.visitor, itemId: slice.item, anchorId: null, since: null, until: null },
      'test',
      null,
    );
    if (!slices.some((one) => one.id === id)) slices.push({ id, ...slice });
  }
  return left.filter(
    ({ visitor, item }) => !slices.some((s) => (s.visitor ?? visitor) === visitor && (s.item ?? item) === item),
  );
}

function describeClickThrough(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`click-through on ${name}`, { tags }, () => {
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database[Symbol.asyncDispose]());

    test('places that nobody is told of are one row, however deep somebody has looked', async () => {
      await store([]);
      const { prisma } = database.storage;
      const day = new Date(midnight() - 3 * DAY_MS);
      const sums = { visitors: 1, impressions: 1n, choices: 0n, impressionsSq: 1n, products: 0n, choicesSq: 0n };
      const cellAt = (position: number) => ({ catalogId: 'default', day, modelId: 'm', position, ...sums });
      await prisma.feedbackDay.create({ data: { catalogId: 'default', day, stale: false } });
      await prisma.feedbackClickThrough.createMany({ data: Array.from({ length: 301 }, (_, i) => cellAt(i)) });
      const cells = await database.repositories.clickThrough.cells({
        first: '2000-01-01',
        last: '2100-01-01',
        modelId: null,
      });
      expect(cells).toHaveLength(52);
      expect(cells.find(({ position }) => position === 51)).toMatchObject({ suppressed: 250 });
      expect(await ask()).toMatchObject({ versions: [{ suppressedCells: 300 }] });
    });

    test('is what the events that are left say, whatever was rolled up, erased, quarantined or released between', async () => {
      let shown = 0;
      await fc.assert(
        fc.asyncProperty(history, async (drawn) => {
          const left = await play(drawn);
          const { feedback } = database.repositories;
          // Before days are built anew nothing of what was erased or quarantined is shown, either: their days are left out.
          const before = await ask();
          await feedback.days.rollUp(later());
          const answer = await ask();
          expect(answer.daysPending).toBe(0);
          expect(before.days).toBeLessThanOrEqual(answer.days);
          expect(clickThroughOracle(left)).toEqual(found(answer));
          const own = left.filter(({ model }) => model === 'm1');
          expect(clickThroughOracle(own)).toEqual(found(await ask({ modelVersionId: 'm1' })));
          shown += answer.versions.filter(({ rate }) => rate).length;
        }),
        RUNS,
      );
      expect(shown).toBeGreaterThan(5);
    });

    const DAY = { kind: 'IMPRESSION', anchor: 'a', item: 'x', filtered: false, model: 'm1' } as const;
    const seenBy = (visitors: number, daysAgo: number, changes: Partial<ClickDeed> = {}): ClickDeed[] =>
      Array.from({ length: visitors }, (_, i) => ({
        ...DAY,
        visitor: `v${i}`,
        position: 1,
        receivedAt: new Date(midnight() - daysAgo * DAY_MS + 3_600_000),
        ...changes,
      }));
    const answerTo = async (deeds: readonly ClickDeed[], request = {}) => {
      await store(deeds);
      await database.repositories.feedback.days.rollUp(later());
      return ask(request);
    };

    test('of fewer than twenty visitors is null and says so; the same nineteen on two days are not thirty-eight', async () => {
      const clicked = seenBy(5, 3, { kind: 'CLICK' });
      const nineteen = await answerTo([...seenBy(19, 3), ...seenBy(19, 2), ...clicked]);
      expect(nineteen.versions).toEqual([{ modelVersionId: 'm1', rate: null, suppressedCells: 2 }]);
      expect(nineteen.places).toEqual([{ place: 1, rate: null, suppressedCells: 2 }]);
      const twenty = await answerTo([...seenBy(20, 3), ...seenBy(19, 2), ...seenBy(3, 3, { position: 2 }), ...clicked]);
      const rate = { visitors: 20, impressions: 20, choices: 5, rate: 0.25 };
      expect(twenty.versions).toEqual([
        { modelVersionId: 'm1', rate: expect.objectContaining(rate), suppressedCells: 2 },
      ]);
      expect(twenty.places).toEqual([
        { place: 1, rate: expect.objectContaining(rate), suppressedCells: 1 },
        { place: 2, rate: null, suppressedCells: 1 },
      ]);
    });

    test('keeps placements apart: nineteen visitors of one are in no number, and who saw two counts as two', async () => {
      const cart = { placement: 'cart' };
      const deeds = [
        ...seenBy(30, 3),
        ...seenBy(20, 3, cart),
        ...seenBy(5, 3, { ...cart, kind: 'CLICK' }),
        ...seenBy(19, 3, { placement: 'page', position: 2 }),
      ];
      const { versions, places, placements } = await answerTo(deeds);
      const both = { visitors: 50, impressions: 50, choices: 5 };
      expect(versions).toMatchObject([{ rate: both, suppressedCells: 1 }]);
      expect(places).toMatchObject([
        { place: 1, rate: both, suppressedCells: 0 },
        { place: 2, rate: null, suppressedCells: 1 },
      ]);
      expect(placements).toMatchObject([
        { placement: 'default', rate: { visitors: 30, choices: 0 }, suppressedCells: 0 },
        { placement: 'cart', rate: { visitors: 20, choices: 5, rate: 0.25 }, suppressedCells: 0 },
        { placement: 'page', rate: null, suppressedCells: 1 },
      ]);
    });

    test('counts what was seen once a visitor and day, and a choice only of what was seen on its day, whatever list and filter', async () => {
      const deeds = [
        ...seenBy(25, 3),
        ...seenBy(25, 3, { filtered: true }),
        ...seenBy(25, 3, { kind: 'CLICK', item: 'unseen' }),
        ...seenBy(10, 2, { kind: 'PURCHASE' }),
        ...seenBy(4, 3, { kind: 'PURCHASE', filtered: true }),
        ...seenBy(4, 3, { kind: 'CLICK' }),
        ...seenBy(6, 3, { kind: 'DISMISS' }),
      ];
      const [version] = (await answerTo(deeds)).versions;
      expect(version!.rate).toMatchObject({ visitors: 25, impressions: 25, choices: 4, rate: 0.16 });
    });

    test('counts whole days alone, not those that are open or wait to be built again', async () => {
      const deeds = [...seenBy(30, 4), ...seenBy(30, 3), ...seenBy(30, 0)];
      expect(await answerTo(deeds, { days: 4 })).toMatchObject({ days: 1, daysPending: 0 });
      const all = await ask({ days: 5 });
      expect(all).toMatchObject({ days: 2, daysPending: 0, versions: [{ rate: { visitors: 60 } }] });
      const early = await ask({ days: 1, until: new Date(midnight() - 4 * DAY_MS + 1) });
      expect(early).toMatchObject({ days: 1, versions: [{ rate: { visitors: 30 } }] });
      const { prisma } = database.storage;
      await database.repositories.erasures.erase(['v29']);
      expect(await ask()).toMatchObject({ days: 0, daysPending: 2, versions: [], places: [] });
      await database.repositories.feedback.days.rollUp(later());
      expect(await ask()).toMatchObject({ days: 2, daysPending: 0, versions: [{ rate: { visitors: 58 } }] });
      // Once the events are over their time the sums stay.
      await database.repositories.feedback.days.forget(2);
      expect(await prisma.feedbackEvent.count()).toBe(29);
      expect(await ask()).toMatchObject({ days: 2, versions: [{ rate: { visitors: 58 } }] });
    });
  });
}

describeClickThrough('PGlite', () => freshDatabase());
describeClickThrough('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
