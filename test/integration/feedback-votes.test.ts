import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { FeedbackKind, FeedbackWrite } from '../../src/db/feedback.ts';
import { seenPairs } from '../../workers/evidence/training-set.ts';
import { learnFromClicks } from '../../workers/training/triplets/clicks.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';

/** From events in the database to what is learned of them. */
const ids = Array.from({ length: 120 }, (_, i) => `p${i}`);
const columns = { categories: new Int32Array(120), splits: new Uint8Array(120) };

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
beforeEach(() => database.storage.prisma.feedbackEvent.deleteMany());
afterAll(() => database[Symbol.asyncDispose]());

const event = (kind: FeedbackKind, anchor: number, items: [id: number, position: number][]): FeedbackWrite => ({
  eventId: crypto.randomUUID(),
  kind,
  anchorId: `p${anchor}`,
  modelId: 'm',
  occurredAt: new Date(),
  itemIds: items.map(([id]) => `p${id}`),
  positions: items.map(([, position]) => position),
  listId: crypto.randomUUID(),
  listedAt: new Date(),
  listExpiresAt: new Date(Date.now() + 60_000),
  filtered: false,
});
const evidence = async () => {
  const { pairs: seen } = await seenPairs(database.repositories.feedback, new Date(Date.now() + 60_000), ids);
  return { seen, learned: learnFromClicks(seen, columns, () => 0.1) };
};

test('forty purchases in 200 impressions beat two products that nobody bought, although there was no click', async () => {
  const [bought, left, right] = [1, 2, 3];
  for (let i = 0; i < 200; i++) {
    const seen = event('IMPRESSION', 0, [
      [left, 1],
      [bought, 2],
      [right, 3],
    ]);
    const purchase = i < 40 ? [event('PURCHASE', 0, [[bought, 2]])] : [];
    await database.repositories.feedback.append(`v${i}`, [seen, ...purchase]);
  }
  const { triplets, chosen, relevance } = (await evidence()).learned;
  expect(chosen).toBe(1);
  const wins = triplets.filter(({ p }) => p === bought);
  expect(wins.map(({ q, n }) => [q, n]).sort()).toEqual([
    [0, left],
    [0, right],
  ]);
  expect(triplets.some(({ n }) => n === bought)).toBe(false);
  expect(relevance(0, bought)!).toBeGreaterThan(5 * Math.max(relevance(0, left)!, relevance(0, right)!));
});

test('among 300 honest shoppers 1,550 dismissals of one weigh no more than the cap, and 3,300 events of another less than 5 %', async () => {
  const random = makeRandom(7);
  const { feedback } = database.repositories;
  const ANCHORS = 40;
  for (let shopper = 0; shopper < 300; shopper++) {
    const events: FeedbackWrite[] = [];
    for (let list = 0; list < 4; list++) {
      const anchor = random.int(ANCHORS);
      // Twelve places; the products of a list are 40 to 79, those after the anchor's number.
      const shown = Array.from({ length: 12 }, (_, k): [number, number] => [40 + ((anchor + k) % 40), k + 1]);
      events.push(event('IMPRESSION', anchor, shown));
      for (const [item, position] of shown)
        if (random.next() < 0.3 / position ** 0.7) events.push(event('CLICK', anchor, [[item, position]]));
    }
    await feedback.append(`honest-${shopper}`, events);
  }
  const weight = (of: readonly { weight: number }[]) => of.reduce((sum, triplet) => sum + triplet.weight, 0);
  const before = await evidence();
  const dismissed = Array.from({ length: 1550 }, (_, i) =>
    event('DISMISS', i % ANCHORS, [[40 + (((i % ANCHORS) + 51 - Math.floor(i / ANCHORS)) % 40), 12]]),
  );
  for (let i = 0; i < dismissed.length; i += 100) await feedback.append('dismisser', dismissed.slice(i, i + 100));
  const after = await evidence();
  const values = ({ seen }: typeof before) => [...seen].reduce((sum, { value }) => sum + value, 0);
  expect(values(before) - values(after)).toBeGreaterThan(0);
  expect(values(before) - values(after)).toBeLessThan(20.001);
  const moved = weight(after.learned.triplets) / weight(before.learned.triplets);
  expect(Math.abs(moved - 1)).toBeLessThan(0.05);
  // The forger's products, 80 to 112, stand on top of a list of every anchor: seen, clicked and bought.
  const forged = Array.from({ length: ANCHORS }, (_, anchor) =>
    Array.from({ length: 28 }, (_, k) => [
      event('IMPRESSION', anchor, [[80 + k, 1]]),
      event('CLICK', anchor, [[80 + k, 1]]),
      event('PURCHASE', anchor, [[80 + k, 1]]),
    ]),
  ).flat(2);
  for (let i = 0; i < 3300; i += 100) await feedback.append('forger', forged.slice(i, i + 100));
  const { triplets } = (await evidence()).learned;
  const share = weight(triplets.filter(({ p, n }) => p >= 80 || n >= 80)) / weight(triplets);
  expect(weight(triplets)).toBeGreaterThan(10);
  expect(share).toBeLessThan(0.05);
});
