import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { FeedbackWrite } from '../../../src/db/feedback.ts';
import { type IncomingEvent, submitFeedback } from '../../../src/feedback/submit.ts';
import { signList } from '../../../src/similarity/recommendation-id.ts';

const signingKey = 'a key of at least thirty-two characters';
const now = new Date('2026-03-01T12:00:00Z');
const HOUR = 3_600_000;
const itemIds = Array.from({ length: 60 }, (_, i) => `p${i + 1}`);
const recommendationId = signList(signingKey, {
  anchorId: 'a',
  modelId: 'mdl_1',
  firstPosition: 1,
  itemIds,
  issuedAt: now,
});

function store(known: string[] = []) {
  const commits: FeedbackWrite[][] = [];
  const ids = new Set(known);
  const feedback = {
    async append(events: readonly FeedbackWrite[]) {
      const fresh = events.filter(({ eventId }) => !ids.has(eventId));
      for (const { eventId } of fresh) ids.add(eventId);
      commits.push(fresh);
      return fresh.length;
    },
  };
  return { commits, deps: { feedback, signingKey, now: () => now } };
}
const event = (changes: Partial<IncomingEvent> = {}): IncomingEvent => ({
  ...{ kind: 'CLICK', eventId: randomUUID(), occurredAt: now, recommendationId, itemIds: ['p2'] },
  ...changes,
});

test('anchor, model and positions come from the signed list, never from the caller', async () => {
  const { deps, commits } = store();
  const seen = event({ kind: 'IMPRESSION', itemIds: ['p3', 'p1', 'p3'] });
  expect(await submitFeedback(deps, 'v', [seen])).toEqual({ accepted: 1, duplicates: 0, rejections: [] });
  expect(commits).toEqual([
    [
      {
        eventId: seen.eventId,
        kind: 'IMPRESSION',
        visitorId: 'v',
        anchorId: 'a',
        modelId: 'mdl_1',
        itemIds: ['p3', 'p1'],
        positions: [3, 1],
        occurredAt: now,
      },
    ],
  ]);
});

test('bad events are named one by one and the others are stored in one commit', async () => {
  const { deps, commits } = store();
  const { accepted, rejections } = await submitFeedback(deps, 'v', [
    event(),
    event({ recommendationId: `${recommendationId}x` }),
    event({ itemIds: ['stranger'] }),
    event({ occurredAt: new Date(now.getTime() + 24 * HOUR + 1) }),
    event({ occurredAt: new Date(now.getTime() - 30 * 24 * HOUR - 1) }),
    event({ kind: 'IMPRESSION', itemIds: [] }),
    event({ kind: 'IMPRESSION', itemIds: itemIds.slice(0, 51) }),
    event({ kind: 'IMPRESSION', itemIds: ['p1', 'stranger'] }),
    event({ occurredAt: new Date(now.getTime() + 24 * HOUR) }),
    event({ occurredAt: new Date(now.getTime() - 30 * 24 * HOUR) }),
  ]);
  expect(accepted).toBe(3);
  expect(commits).toHaveLength(1);
  expect(rejections.map(({ index, field, error }) => [index, field.join('.'), error.code])).toEqual([
    [1, 'recommendationId', 'RECOMMENDATION_INVALID'],
    [2, 'itemId', 'NOT_IN_LIST'],
    [3, 'occurredAt', 'TIME_OUT_OF_RANGE'],
    [4, 'occurredAt', 'TIME_OUT_OF_RANGE'],
    [5, 'itemIds', 'INVALID_ARGUMENT'],
    [6, 'itemIds', 'INVALID_ARGUMENT'],
    [7, 'itemIds.1', 'NOT_IN_LIST'],
  ]);
});

test('an expired list is told from a forged one', async () => {
  const old = signList(signingKey, {
    anchorId: 'a',
    modelId: 'm',
    firstPosition: 1,
    itemIds,
    issuedAt: new Date(now.getTime() - 8 * 24 * HOUR),
  });
  const { rejections } = await submitFeedback(store().deps, 'v', [event({ recommendationId: old })]);
  expect(rejections[0]?.error.code).toBe('RECOMMENDATION_EXPIRED');
});

test('the same id in the same call, in another spelling, or from an earlier call counts once', async () => {
  const eventId = randomUUID();
  const { deps } = store();
  const thrice = [event({ eventId }), event({ eventId: eventId.toUpperCase() }), event({ eventId: `{${eventId}}` })];
  expect(await submitFeedback(deps, 'v', thrice)).toMatchObject({ accepted: 1, duplicates: 2 });
  expect(await submitFeedback(deps, 'v', [event({ eventId })])).toMatchObject({ accepted: 0, duplicates: 1 });
});

test.each([
  ['events', 'v', 0],
  ['events', 'v', 101],
  ['visitor.id', '', 1],
  ['visitor.id', 'v'.repeat(129), 1],
  ['visitor.id', 'v\0', 1],
])('%s out of range refuses the whole call (visitor %j, %i events)', async (argument, visitorId, count) => {
  const { deps, commits } = store();
  const call = submitFeedback(
    deps,
    visitorId,
    Array.from({ length: count }, () => event()),
  );
  await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', facts: { argument } });
  expect(commits).toEqual([]);
});

test('an outage of the database is no rejection of the events', async () => {
  const feedback = { append: () => Promise.reject(new Error('connection lost')) };
  await expect(submitFeedback({ feedback, signingKey, now: () => now }, 'v', [event()])).rejects.toThrow(
    'connection lost',
  );
});
