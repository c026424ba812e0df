import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { verifyList } from '../../src/similarity/recommendation-id.ts';
import { SIGNING_KEY, type TestApi, testApi } from '../support/api.ts';
import { codeOf } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

let api: TestApi;
let recommendationId: string;
let modelId: string;

beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c', 'd'].map((id) => ({ id })),
  );
  modelId = (await addModel(api.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.5], d: [0, 1] })).id;
});
beforeEach(async () => {
  await api.database.storage.prisma.feedbackEvent.deleteMany();
  recommendationId = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data.similarItems
    .recommendationId;
});
afterAll(() => api[Symbol.asyncDispose]());

const SUBMIT = `mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) {
  accepted duplicates rejected userErrors { __typename code field message } } }`;
const submit = async (events: object[], visitor = { id: 'visitor-1' }) =>
  (await api.shop(SUBMIT, { input: { visitor, events } })).data.submitFeedback;
const base = () => ({ eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId });
const click = (itemId: string, changes: object = {}) => ({ click: { ...base(), itemId, ...changes } });
const stored = () => api.database.storage.prisma.feedbackEvent.findMany({ orderBy: { eventId: 'asc' } });

test('what a shopper saw and did is stored with anchor, model and positions of the signed list', async () => {
  const about = (itemId: string) => ({ ...base(), itemId });
  const events = [
    { impression: { ...base(), itemIds: ['d', 'b'] } },
    { click: about('c') },
    { addToCart: about('c') },
    { purchase: about('c') },
    { dismiss: about('d') },
  ];
  expect(await submit(events)).toEqual({ accepted: 5, duplicates: 0, rejected: 0, userErrors: [] });
  const rows = await stored();
  const short = rows.map(({ kind, itemIds, positions, anchorId, modelId: model, visitorId }) => [
    kind,
    itemIds,
    positions,
    anchorId,
    model,
    visitorId,
  ]);
  expect(short.sort()).toEqual([
    ['ADD_TO_CART', ['c'], [2], 'a', modelId, 'visitor-1'],
    ['CLICK', ['c'], [2], 'a', modelId, 'visitor-1'],
    ['DISMISS', ['d'], [3], 'a', modelId, 'visitor-1'],
    ['IMPRESSION', ['d', 'b'], [3, 1], 'a', modelId, 'visitor-1'],
    ['PURCHASE', ['c'], [2], 'a', modelId, 'visitor-1'],
  ]);
});

test('views and purchases without a list stand under the list that showed their product, once an order, or count alone', async () => {
  const eventId = randomUUID();
  // What the list showed, what came without one, and what was bought from it: one second after the other, whatever the clock says.
  const now = Date.now();
  const [listed, occurredAt, bought] = [0, 1000, 2000].map((ms) => new Date(now + ms).toISOString());
  await submit([
    { impression: { ...base(), occurredAt: listed, itemIds: ['b', 'c'] } },
    click('c', { occurredAt: listed }),
  ]);
  const alone = (itemId: string, more: object = {}) => ({ eventId: randomUUID(), occurredAt, itemId, ...more });
  const hours = (n: number) => new Date(Date.now() - n * 3_600_000).toISOString();
  const events = [
    { purchase: alone('c', { orderId: 'o-1' }) },
    { view: alone('b', { eventId }) },
    { view: alone('d') },
    { purchase: alone('c', { orderId: 'o-1' }) }, // a page of thanks that was loaded again
    { purchase: { ...base(), occurredAt: bought, itemId: 'd', orderId: 'o-1' } },
  ];
  expect(await submit(events)).toMatchObject({ accepted: 4, duplicates: 1, rejected: 0 });
  expect(await submit(events)).toMatchObject({ accepted: 0, duplicates: 5 });
  expect(await submit([{ purchase: alone('c', { orderId: 'o-1' }) }], { id: 'visitor-2' })).toMatchObject({
    accepted: 1,
  });
  const rows = await stored();
  const short = rows.filter(({ kind }) => kind === 'PURCHASE' || kind === 'VIEW');
  expect(
    short.map((row) => [row.visitorId, row.kind, row.itemIds, row.anchorId, row.positions, row.withoutList]).sort(),
  ).toEqual([
    ['visitor-1', 'PURCHASE', ['c'], 'a', [2], true],
    ['visitor-1', 'PURCHASE', ['d'], 'a', [3], false],
    ['visitor-1', 'VIEW', ['b'], 'a', [1], true],
    ['visitor-1', 'VIEW', ['d'], null, [], true],
    ['visitor-2', 'PURCHASE', ['c'], null, [], true],
  ]);
  const bad = [
    { purchase: alone('c') },
    { purchase: alone('c', { orderId: '' }) },
    { purchase: alone('c', { orderId: 'o'.repeat(129) }) },
    { view: alone('nowhere') },
    { view: alone('b', { occurredAt: hours(30 * 24 + 0.1) }) },
    { view: alone('b', { occurredAt: hours(-0.1) }) },
    { view: { ...base(), itemId: 'b' } },
    { view: alone('b', { occurredAt: hours(30 * 24 + 0.05) }) },
  ];
  const refused = await submit(bad);
  expect(refused).toMatchObject({ accepted: 1, rejected: 7 });
  expect(
    refused.userErrors.map(({ code, field }: { code: string; field: string[] }) => [field.join('.'), code]),
  ).toEqual([
    ['events.0.purchase.recommendationId', 'INVALID_ARGUMENT'],
    ['events.1.purchase.orderId', 'INVALID_ARGUMENT'],
    ['events.2.purchase.orderId', 'INVALID_ARGUMENT'],
    ['events.3.view.itemId', 'NOT_FOUND'],
    ['events.4.view.occurredAt', 'TIME_OUT_OF_RANGE'],
    ['events.5.view.occurredAt', 'TIME_OUT_OF_RANGE'],
    ['events.6.view.recommendationId', 'INVALID_ARGUMENT'],
  ]);
  const text =
    'mutation ($events: [FeedbackEventInput!]!) { submitFeedback(input: { visitor: { id: "w", consent: DENIED }, events: $events }) { withoutConsent } }';
  const denied = await api.shop(text, { events: [{ view: alone('b') }, { purchase: alone('c', { orderId: 'o-2' }) }] });
  expect(denied.data.submitFeedback).toEqual({ withoutConsent: 2 });
  expect((await stored()).filter(({ visitorId }) => visitorId === 'w')).toEqual([]);
});

test('positions go on over pages', async () => {
  const first = (await api.shop('{ similarItems(id: "a", first: 2) { pageInfo { endCursor } } }')).data.similarItems;
  const { data } = await api.shop(
    'query ($after: String) { similarItems(id: "a", after: $after) { recommendationId nodes { id } } }',
    { after: first.pageInfo.endCursor },
  );
  expect(data.similarItems.nodes).toEqual([{ id: 'd' }]);
  await submit([click('d', { recommendationId: data.similarItems.recommendationId })]);
  expect((await stored())[0]).toMatchObject({ itemIds: ['d'], positions: [3] });
});

test('an event counts once: sent twice in a call, in a second call, and by twenty callers at once', async () => {
  const event = click('b');
  expect(await submit([event, event])).toMatchObject({ accepted: 1, duplicates: 1, rejected: 0 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => submit([event, click('c', { eventId: '0197a3f0-0000-7000-8000-000000000001' })])),
  );
  expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(1);
  expect(answers.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(39);
  expect(await stored()).toHaveLength(2);
});

test('100 events are taken; 0 and 101 are refused and nothing is stored', async () => {
  expect(await submit(Array.from({ length: 101 }, () => click('b')))).toMatchObject({
    accepted: 0,
    rejected: 101,
    userErrors: [{ code: 'INVALID_ARGUMENT', field: ['events'] }],
  });
  expect(await submit([])).toMatchObject({
    accepted: 0,
    userErrors: [{ code: 'INVALID_ARGUMENT', field: ['events'] }],
  });
  expect(await stored()).toEqual([]);
  expect(await submit(Array.from({ length: 100 }, () => click('b')))).toMatchObject({ accepted: 100, userErrors: [] });
  expect(await stored()).toHaveLength(100);
});

test('bad events are named by their paths and the good one is stored', async () => {
  const hours = (n: number) => new Date(Date.now() + n * 3_600_000).toISOString();
  const result = await submit([
    click('b'),
    click('b', { recommendationId: 'forged' }),
    click('stranger'),
    { impression: { ...base(), itemIds: ['b', 'stranger'] } },
    { impression: { ...base(), itemIds: [] } },
    { addToCart: { ...base(), itemId: 'b', occurredAt: hours(0.1) } },
    { dismiss: { ...base(), itemId: 'b', occurredAt: hours(-0.1) } },
  ]);
  expect(result).toMatchObject({ accepted: 1, duplicates: 0, rejected: 6 });
  expect(
    result.userErrors.map(({ code, field }: { code: string; field: string[] }) => [field.join('.'), code]),
  ).toEqual([
    ['events.1.click.recommendationId', 'RECOMMENDATION_INVALID'],
    ['events.2.click.itemId', 'NOT_IN_LIST'],
    ['events.3.impression.itemIds.1', 'NOT_IN_LIST'],
    ['events.4.impression.itemIds', 'INVALID_ARGUMENT'],
    ['events.5.addToCart.occurredAt', 'TIME_OUT_OF_RANGE'],
    ['events.6.dismiss.occurredAt', 'TIME_OUT_OF_RANGE'],
  ]);
  expect(await stored()).toHaveLength(1);
});

test('a list is for few visitors: ten are taken, each of them again, and the eleventh is refused', async () => {
  const events = () => [click('b'), click('c')];
  const all = await Promise.all(Array.from({ length: 14 }, (_, i) => submit(events(), { id: `v${i}` })));
  expect(all.filter(({ accepted }) => accepted === 2)).toHaveLength(10);
  const late = all.filter(({ accepted }) => accepted === 0);
  for (const { duplicates, rejected, userErrors } of late) {
    expect([duplicates, rejected]).toEqual([0, 2]);
    expect(userErrors[1]).toMatchObject({
      code: 'TOO_MANY_VISITORS',
      field: ['events', '1', 'click', 'recommendationId'],
    });
  }
  const [known] = await stored();
  expect(await submit(events(), { id: known?.visitorId ?? '' })).toMatchObject({ accepted: 2 });
  const other = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data.similarItems.recommendationId;
  expect(await submit([click('b', { recommendationId: other })], { id: 'v99' })).toMatchObject({ accepted: 1 });
});

test.each([
  ['', false],
  [', filter: { available: true }', false],
  [', filter: { available: false }', true],
  [', filter: { excludeIds: ["d"] }', true],
  [', filter: { categories: ["all"] }', true],
  [', filter: { price: { max: "100" } }', true],
])('a list asked with "%s" is marked as filtered: %s', async (filter, filtered) => {
  const list = (await api.shop(`{ similarItems(id: "a"${filter}) { recommendationId } }`)).data.similarItems;
  expect(verifyList(SIGNING_KEY, list.recommendationId, new Date()).filtered).toBe(filtered);
});

test('an event remembers that its list was filtered', async () => {
  const query = '{ similarItems(id: "a", filter: { excludeIds: ["b"] }) { recommendationId } }';
  const own = (await api.shop(query)).data.similarItems.recommendationId;
  await submit([click('c', { recommendationId: own }), click('c')]);
  expect((await stored()).map(({ filtered, positions }) => [positions[0], filtered]).sort()).toEqual([
    [1, true],
    [2, false],
  ]);
});

test('a list expires after seven days', async () => {
  api.clock.aheadMs = 7 * 86_400_000 + 60_000;
  const result = await submit([click('b')]);
  api.clock.aheadMs = 0;
  expect(result.userErrors).toMatchObject([
    { code: 'RECOMMENDATION_EXPIRED', field: ['events', '0', 'click', 'recommendationId'] },
  ]);
});

test.each(['', 'v'.repeat(129), 'v\0', 'ann@example.com', '203.0.113.9'])(
  'the visitor id %j is refused',
  async (id) => {
    expect(await submit([click('b')], { id })).toMatchObject({
      accepted: 0,
      rejected: 1,
      userErrors: [{ code: 'INVALID_ARGUMENT', field: ['visitor', 'id'] }],
    });
  },
);

/** 7890123456789012345 as JSON.parse reads it. */
const BIG = Number('7890123456789012345');
const about = (itemId: string) => ({ ...base(), itemId });
const without = (name: string) => {
  const { [name]: _, ...rest } = about('b') as Record<string, unknown>;
  return { click: rest };
};

test.each<[string, () => unknown, string]>([
  ['a ULID', () => click('b', { eventId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }), 'click.eventId'],
  ['a number as event id', () => click('b', { eventId: 7 }), 'click.eventId'],
  ['an epoch date', () => click('b', { occurredAt: Date.now() }), 'click.occurredAt'],
  ['a date without zone', () => click('b', { occurredAt: '2026-11-26T11:00:00' }), 'click.occurredAt'],
  ['a date alone', () => click('b', { occurredAt: '2026-11-26' }), 'click.occurredAt'],
  ['a day that does not exist', () => click('b', { occurredAt: '2026-02-30T11:00:00Z' }), 'click.occurredAt'],
  ['a field missing', () => without('itemId'), 'click.itemId'],
  ['a field that is null', () => click('b', { recommendationId: null }), 'click.recommendationId'],
  ['a field too many', () => click('b', { colour: 'red' }), 'click.colour'],
  ['a product beside its kind', () => ({ ...click('b'), itemId: 'b' }), 'itemId'],
  ['two kinds', () => ({ ...click('b'), dismiss: about('b') }), ''],
  ['no kind', () => ({}), ''],
  ['null in place of it', () => null, ''],
  ['text in place of it', () => 'click', ''],
  ['a list in place of it', () => [], ''],
  ['text in place of its kind', () => ({ click: 'b' }), 'click'],
  ['an id that lost digits', () => click('b', { itemId: BIG }), 'click.itemId'],
  ['an object as id', () => click('b', { itemId: { id: 'b' } }), 'click.itemId'],
  ['null among the products seen', () => ({ impression: { ...base(), itemIds: ['b', null] } }), 'impression.itemIds.1'],
  ['half a surrogate pair', () => click('b\ud83d'), 'click.itemId'],
])('an event with %s is refused alone, by its path, and its neighbours are stored', async (_what, event, path) => {
  const result = await submit([click('b'), event(), click('c')] as object[]);
  const field = ['events', '1', ...path.split('.').filter(Boolean)];
  expect(result).toMatchObject({ accepted: 2, duplicates: 0, rejected: 1, userErrors: [{ field }] });
  expect(await stored()).toHaveLength(2);
});

test('events are judged alone however the document is cut into variables', async () => {
  const cut = `mutation ($visitor: VisitorInput!, $events: [FeedbackEventInput!]!, $one: ItemEventInput) {
    first: submitFeedback(input: { visitor: $visitor, events: $events }) { accepted rejected userErrors { field } }
    second: submitFeedback(input: { visitor: { id: "w" }, events: [{ click: $one }] }) { accepted rejected userErrors { field } } }`;
  const variables = {
    visitor: { id: 'v' },
    events: [click('b'), click('b', { extra: 1 })],
    one: { ...about('c'), more: 2 },
  };
  expect((await api.shop(cut, variables)).data).toEqual({
    first: { accepted: 1, rejected: 1, userErrors: [{ field: ['events', '1', 'click', 'extra'] }] },
    second: { accepted: 0, rejected: 1, userErrors: [{ field: ['events', '0', 'click', 'more'] }] },
  });
});

test('an id as a number that JSON cannot carry is refused wherever it stands', async () => {
  const query = 'query ($id: ID!, $not: [ID!]) { similarItems(id: $id, filter: { excludeIds: $not }) { status } }';
  expect(await api.shop(query, { id: BIG })).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
  expect(codeOf(await api.shop(query, { id: 'a', not: ['b', BIG] }))).toBe('BAD_USER_INPUT');
  const broken = await api.shop(query, { id: 1.5 });
  expect(broken.errors?.[0]?.message).toContain('the ID 1.5: an ID is text or a whole number up to 2^53 - 1');
  expect((await api.shop(query, { id: 'a', not: [7] })).data.similarItems.status).toBe('PARTIAL');
});

test('nothing can be said about a list that no model ranked', async () => {
  const { data } = await api.shop('{ similarItems(id: "nobody") { recommendationId } }');
  const result = await submit([click('b', { recommendationId: data.similarItems.recommendationId })]);
  expect(result.userErrors).toMatchObject([{ code: 'LIST_NOT_RANKED' }]);
});

test('an outage while storing is an error of ours, and the same call may be sent again', async () => {
  const { feedback } = api.database.repositories;
  feedback.append = () => Promise.reject(new Error('connection lost'));
  const event = click('b');
  const failed = await api.shop(SUBMIT, { input: { visitor: { id: 'v' }, events: [event] } });
  delete (feedback as { append?: unknown }).append;
  expect(failed.errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL', retry: true });
  expect(await submit([event])).toMatchObject({ accepted: 1 });
});
