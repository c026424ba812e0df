import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { feedbackHealth } from '../../src/feedback/health.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';

const DAY_MS = 86_400_000;
let database: FreshDatabase;
const midnight = () => Math.floor(database.repositories.clock.now().getTime() / DAY_MS) * DAY_MS;
const dayAgo = (days: number) => new Date(midnight() - days * DAY_MS).toISOString().slice(0, 10);
const ask = (days = 7) => {
  const { feedbackHealth: health, feedback, clock } = database.repositories;
  return feedbackHealth({ health, days: feedback.days, now: () => clock.now() }, days);
};

/** An event about a list, some days ago. */
async function store(
  kind: 'IMPRESSION' | 'CLICK' | 'VIEW',
  list: string | null,
  visitorId: string,
  daysAgo: number,
  withoutList = false,
): Promise<void> {
  await database.storage.prisma.feedbackEvent.create({
    data: {
      catalogId: 'default',
      eventId: randomUUID(),
      kind,
      visitorId,
      anchorId: list && 'a',
      withoutList,
      itemIds: ['x'],
      positions: [1],
      modelId: 'm',
      occurredAt: new Date(),
      listId: list,
      receivedAt: new Date(midnight() - daysAgo * DAY_MS + 3_600_000),
    },
  });
}

function describeHealth(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`feedback health on ${name}`, { tags }, () => {
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database[Symbol.asyncDispose]());

    test('of a shop without feedback is nothing, and no share of nothing', async () => {
      expect(await ask()).toEqual({
        since: new Date(midnight() - 6 * DAY_MS),
        accepted: 0,
        duplicates: 0,
        withoutConsent: 0,
        rejected: 0,
        rejections: [],
        lists: 0,
        impressionCoverage: null,
        withoutList: 0,
        outcomes: 0,
        quarantines: 0,
        quarantinedEvents: 0,
        bots: { visitors: 0, events: 0, rules: [] },
        newestEvent: null,
        rolledUpTo: null,
        daysPending: 0,
      });
    });

    test('adds up counts of twenty processes at once, and sums the days that are asked for', async () => {
      const { feedbackCounts } = database.repositories;
      const counts = [
        { catalog: 'default', day: dayAgo(0), name: 'accepted', count: 3 },
        { catalog: 'default', day: dayAgo(6), name: 'accepted', count: 2 },
        { catalog: 'default', day: dayAgo(7), name: 'accepted', count: 100 },
        { catalog: 'default', day: dayAgo(1), name: 'duplicates', count: 1 },
        { catalog: 'default', day: dayAgo(1), name: 'NOT_IN_LIST', count: 4 },
        { catalog: 'default', day: dayAgo(1), name: 'TIME_OUT_OF_RANGE', count: 5 },
        { catalog: 'other', day: dayAgo(1), name: 'accepted', count: 1000 },
      ];
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => feedbackCounts.add(i % 2 ? counts : [...counts].reverse())),
      );
      expect(await ask()).toMatchObject({
        accepted: 100,
        duplicates: 20,
        rejected: 180,
        rejections: [
          { code: 'TIME_OUT_OF_RANGE', count: 100 },
          { code: 'NOT_IN_LIST', count: 80 },
        ],
      });
      expect(await ask(8)).toMatchObject({ accepted: 2100 });
      expect(await ask(90)).toMatchObject({ accepted: 2100 });
      for (const days of [0, 91, 1.5]) await expect(ask(days)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });

    test('tells the share of lists with an impression, and how far derivation is, which erasure and quarantine change', async () => {
      const { feedback, erasures, quarantines } = database.repositories;
      const [seen, unseen, other, old] = Array.from({ length: 4 }, () => randomUUID());
      await store('IMPRESSION', seen!, 'v', 3);
      await store('CLICK', seen!, 'v', 3);
      await store('CLICK', unseen!, 'w', 3);
      await store('IMPRESSION', other!, 'x', 2);
      await store('VIEW', other!, 'x', 2, true);
      await store('VIEW', unseen!, 'x', 2, true); // of a list of another day
      await store('VIEW', null, 'x', 2, true);
      await store('IMPRESSION', old!, 'x', 8);
      const newest = new Date(midnight() - 2 * DAY_MS + 3_600_000);
      expect(await ask()).toMatchObject({ daysPending: 3, rolledUpTo: null, newestEvent: newest, lists: 0 });
      const rollUp = () => feedback.days.rollUp(new Date(midnight() + DAY_MS));
      await rollUp();
      const rolledUpTo = new Date(midnight() - DAY_MS);
      const coverage = expect.closeTo(2 / 3, 9);
      expect(await ask()).toMatchObject({ daysPending: 0, rolledUpTo, lists: 3, impressionCoverage: coverage });
      expect(await ask()).toMatchObject({ withoutList: 3, outcomes: 2 });
      expect(await ask(9)).toMatchObject({ lists: 4, impressionCoverage: 0.75 });
      const none = { anchorId: null, itemId: null, since: null, until: null };
      await quarantines.add({ ...none, visitorId: 'w' }, 'test', null);
      // The third day waits, with it all that lies behind: what is rolled up ends with the eighth.
      expect(await ask()).toMatchObject({
        daysPending: 1,
        rolledUpTo: new Date(midnight() - 7 * DAY_MS),
        quarantines: 1,
        quarantinedEvents: 1,
      });
      await rollUp();
      expect(await ask()).toMatchObject({ daysPending: 0, rolledUpTo, lists: 2, impressionCoverage: 1 });
      for (const [visitorId, rule] of [
        ['r', 'rate'],
        ['s', 'rate'],
        ['w2', 'haste'],
      ] as const)
        await quarantines.add({ ...none, visitorId }, 'bot', rule);
      await store('CLICK', seen!, 'q', 2);
      await quarantines.add({ ...none, visitorId: 'q' }, 'bot', 'rate');
      const old1 = { createdAt: new Date(midnight() - 7 * DAY_MS) };
      await database.storage.prisma.feedbackQuarantine.updateMany({ where: { visitorId: 's' }, data: old1 });
      const rules = [
        { rule: 'rate', visitors: 2 },
        { rule: 'haste', visitors: 1 },
      ];
      expect((await ask()).bots).toEqual({ visitors: 3, events: 1, rules });
      expect((await ask(9)).bots).toMatchObject({ visitors: 4, events: 1 });
      for (const one of await quarantines.newest(10, null, null)) await quarantines.release(one.id);
      expect((await ask()).bots).toEqual({ visitors: 0, events: 0, rules: [] });
      await erasures.erase(['v', 'q']);
      await rollUp();
      expect(await ask()).toMatchObject({ quarantines: 0, quarantinedEvents: 0, lists: 2, impressionCoverage: 0.5 });
    });
  });
}

describeHealth('PGlite', () => freshDatabase());
describeHealth('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
