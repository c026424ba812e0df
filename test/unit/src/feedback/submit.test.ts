import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { FeedbackWrite } from '../../../../src/db/feedback.ts';
import type { WriteWithoutList } from '../../../../src/db/without-list.ts';
import { submitFeedback } from '../../../../src/feedback/submit.ts';
import { signList, verifyList } from '../../../../src/similarity/recommendation-id.ts';

const visitor = (id: string) => ({ id, consents: true });
const signingKey = 'a key of at least thirty-two characters';
const now = new Date('2026-03-01T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const itemIds = Array.from({ length: 60 }, (_, i) => `p${i + 1}`);
const recommendationId = signList(signingKey, {
  anchorId: 'a',
  modelId: 'mdl_1',
  firstPosition: 1,
  itemIds,
  issuedAt: new Date(now.getTime() - HOUR),
  filtered: true,
  placement: 'cart',
});

function store({ full = false } = {}) {
  const commits: FeedbackWrite[][] = [];
  const unlisted: WriteWithoutList[] = [];
  const ids = new Set<string>();
  const feedback = {
    async append(_visitorId: string, events: readonly FeedbackWrite[]) {
      if (full) return { stored: 0, full: events.map(({ listId }) => listId) };
      const fresh = events.filter(({ eventId }) => !ids.has(eventId));
      for (const { eventId } of fresh) ids.add(eventId);
      commits.push(fresh);
      return { stored: fresh.length, full: [] };
    },
    async appendWithoutList(_visitorId: string, events: readonly WriteWithoutList[]) {
      unlisted.push(...events);
      return { stored: events.length, unknown: [] };
    },
  };
  return { commits, unlisted, deps: { feedback, signingKey, now: () => now } };
}
const iso = (ms: number) => new Date(now.getTime() + ms).toISOString();
const base = () => ({ eventId: randomUUID() as string, occurredAt: iso(0), recommendationId });
const click = (changes: object = {}) => ({ click: { ...base(), itemId: 'p2', ...changes } });
const seen = (ids: unknown) => ({ impression: { ...base(), itemIds: ids } });

test('anchor, model and positions come from the signed list, never from the caller', async () => {
  const { deps, commits } = store();
  const sent = seen(['p3', 'p1', 'p3']);
  expect(await submitFeedback(deps, visitor('v'), [sent])).toEqual({
    accepted: 1,
    duplicates: 0,
    rejections: [],
    withoutConsent: 0,
  });
  expect(commits).toEqual([
    [
      {
        eventId: sent.impression.eventId,
        kind: 'IMPRESSION',
        anchorId: 'a',
        modelId: 'mdl_1',
        itemIds: ['p3', 'p1'],
        positions: [3, 1],
        occurredAt: now,
        listId: verifyList(signingKey, recommendationId, now).listId,
        listedAt: new Date(now.getTime() - HOUR),
        listExpiresAt: new Date(now.getTime() - HOUR + 7 * 24 * HOUR),
        filtered: true,
        placement: 'cart',
      },
    ],
  ]);
});

test('bad events are named one by one and the others are stored in one commit', async () => {
  const { deps, commits } = store();
  const { accepted, rejections } = await submitFeedback(deps, visitor('v'), [
    click(),
    click({ recommendationId: `${recommendationId}x` }),
    click({ itemId: 'stranger' }),
    click({ occurredAt: iso(5 * MINUTE + 1) }),
    click({ occurredAt: iso(-HOUR - 5 * MINUTE - 1) }),
    seen([]),
    seen(itemIds.slice(0, 51)),
    seen(['p1', 'stranger']),
    click({ occurredAt: iso(5 * MINUTE) }),
    click({ occurredAt: iso(-HOUR - 5 * MINUTE) }),
  ]);
  expect(accepted).toBe(3);
  expect(commits).toHaveLength(1);
  expect(rejections.map(({ index, field, error }) => [index, field.join('.'), error.code])).toEqual([
    [1, 'click.recommendationId', 'RECOMMENDATION_INVALID'],
    [2, 'click.itemId', 'NOT_IN_LIST'],
    [3, 'click.occurredAt', 'TIME_OUT_OF_RANGE'],
    [4, 'click.occurredAt', 'TIME_OUT_OF_RANGE'],
    [5, 'impression.itemIds', 'INVALID_ARGUMENT'],
    [6, 'impression.itemIds', 'INVALID_ARGUMENT'],
    [7, 'impression.itemIds.1', 'NOT_IN_LIST'],
  ]);
});

test('without a list an event may be 30 days old; a product of an order has one id for a visitor, whatever is sent with it', async () => {
  const { deps, commits, unlisted } = store();
  const { recommendationId: _, ...alone } = base();
  const DAY = 24 * HOUR;
  const view = (ms: number) => ({ view: { ...alone, eventId: randomUUID(), itemId: 'x', occurredAt: iso(ms) } });
  const buy = (orderId: string, itemId = 'x') => ({ purchase: { ...alone, eventId: randomUUID(), itemId, orderId } });
  const { rejections } = await submitFeedback(deps, visitor('v'), [
    view(-30 * DAY - 5 * MINUTE),
    view(-30 * DAY - 5 * MINUTE - 1),
    view(5 * MINUTE),
    view(5 * MINUTE + 1),
  ]);
  expect(rejections.map(({ index, field }) => [index, ...field])).toEqual([
    [1, 'view', 'occurredAt'],
    [3, 'view', 'occurredAt'],
  ]);
  expect(unlisted.splice(0).map(({ kind }) => kind)).toEqual(['VIEW', 'VIEW']);
  await submitFeedback(deps, visitor('v'), [buy('1'), buy('1'), buy('2'), buy('1', 'y'), buy('2')]);
  await submitFeedback(deps, visitor('w'), [buy('1')]);
  expect(unlisted.map(({ itemId }) => itemId)).toEqual(['x', 'x', 'y', 'x']);
  expect(new Set(unlisted.map(({ eventId }) => eventId)).size).toBe(4);
  const inList = { purchase: { ...base(), itemId: 'p2', orderId: '1' } };
  const again = { purchase: { ...base(), itemId: 'p2', orderId: '1' } };
  expect(await submitFeedback(deps, visitor('v'), [inList, again])).toMatchObject({ accepted: 1, duplicates: 1 });
  expect(commits.flat()).toMatchObject([{ kind: 'PURCHASE', anchorId: 'a', positions: [2] }]);
});

test('an expired list is told from a forged one', async () => {
  const old = signList(signingKey, {
    anchorId: 'a',
    modelId: 'm',
    firstPosition: 1,
    itemIds,
    issuedAt: new Date(now.getTime() - 8 * 24 * HOUR),
    filtered: false,
  });
  const { rejections } = await submitFeedback(store().deps, visitor('v'), [click({ recommendationId: old })]);
  expect(rejections[0]?.error.code).toBe('RECOMMENDATION_EXPIRED');
});

test('the same id in the same call, in another spelling, or from an earlier call counts once', async () => {
  const eventId = randomUUID();
  const { deps } = store();
  const thrice = [click({ eventId }), click({ eventId: eventId.toUpperCase() }), click({ eventId: `{${eventId}}` })];
  expect(await submitFeedback(deps, visitor('v'), thrice)).toMatchObject({ accepted: 1, duplicates: 2 });
  expect(await submitFeedback(deps, visitor('v'), [click({ eventId })])).toMatchObject({ accepted: 0, duplicates: 1 });
});

test.each([
  ['events', 'v', 0],
  ['events', 'v', 101],
  ['visitor.id', '', 1],
  ['visitor.id', 'v'.repeat(129), 1],
])('%s out of range refuses the whole call (visitor %j, %i events)', async (argument, visitorId, count) => {
  const { deps, commits } = store();
  const call = submitFeedback(
    deps,
    visitor(visitorId),
    Array.from({ length: count }, () => click()),
  );
  await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', facts: { argument } });
  expect(commits).toEqual([]);
});

test('what comes after the last visitor that a list may have is refused by its own code, and is no duplicate', async () => {
  const result = await submitFeedback(store({ full: true }).deps, visitor('v'), [{}, click(), seen(['p1'])]);
  expect(result).toMatchObject({ accepted: 0, duplicates: 0 });
  expect(result.rejections.map(({ index, field, error }) => [index, field.join('.'), error.code])).toEqual([
    [0, '', 'INVALID_ARGUMENT'],
    [1, 'click.recommendationId', 'TOO_MANY_VISITORS'],
    [2, 'impression.recommendationId', 'TOO_MANY_VISITORS'],
  ]);
});

test.each([
  ['ann@example.com', 'e-mail'],
  ['  Ann.B+x@mail.example.co.uk ', 'e-mail'],
  ['ann%40example.com', 'e-mail'],
  ['203.0.113.9', 'IP'],
  ['203.0.113.9:4711', 'IP'],
  ['203.0.113.0/24', 'IP'],
  ['2001:db8::1', 'IP'],
  ['[2001:db8::1]:443', 'IP'],
  ['fe80::1%eth0', 'IP'],
])('the visitor id %j names a person or a line and refuses the call', async (visitorId, what) => {
  const call = submitFeedback(store().deps, visitor(visitorId), [click()]);
  await expect(call).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    facts: { argument: 'visitor.id', why: expect.stringContaining(what) },
  });
});

test.each(['visitor-1', randomUUID(), 'GA1.2.1234.5678', '1.2.3', 'a@b', '@handle', '12:34:56', 'deadbeef'])(
  'the visitor id %j is a pseudonym',
  async (visitorId) => {
    expect(await submitFeedback(store().deps, visitor(visitorId), [click()])).toMatchObject({ accepted: 1 });
  },
);

test('characters are counted as code points', async () => {
  expect(await submitFeedback(store().deps, visitor('😀'.repeat(128)), [click()])).toMatchObject({ accepted: 1 });
});

test('an outage of the database is no rejection of the events', async () => {
  const lost = () => Promise.reject(new Error('connection lost'));
  const feedback = { append: lost, appendWithoutList: lost };
  await expect(submitFeedback({ feedback, signingKey, now: () => now }, visitor('v'), [click()])).rejects.toThrow(
    'connection lost',
  );
});
