import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '../../src/api-keys.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { ask } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

/* Feedback that an administrator puts into quarantine, over HTTP. */
let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c'].map((id) => ({ id })),
  );
  await addModel(api.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.5] });
});
afterAll(() => api[Symbol.asyncDispose]());

async function click(id: string, ...items: string[]) {
  const { similarItems } = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data;
  const { recommendationId } = similarItems;
  const events = items.map((itemId) => ({
    click: { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId },
  }));
  const text = `mutation ($id: ID!, $events: [FeedbackEventInput!]!) {
    submitFeedback(input: { visitor: { id: $id }, events: $events }) { accepted } }`;
  return (await api.shop(text, { id, events })).data.submitFeedback;
}
const FIELDS = 'id visitorId anchorId itemId since until reason rule events createdAt releasedAt';
const QUARANTINE = `mutation ($input: QuarantineFeedbackInput!) {
  quarantineFeedback(input: $input) { quarantine { ${FIELDS} } userErrors { code field message } } }`;
const RELEASE = `mutation ($id: ID!) {
  releaseFeedback(input: { id: $id }) { quarantine { ${FIELDS} } userErrors { code field } } }`;
const quarantine = async (input: object) => (await api.admin(QUARANTINE, { input })).data.quarantineFeedback;
const release = async (id: string) => (await api.admin(RELEASE, { id })).data.releaseFeedback;
const list = async (args = '') =>
  (await api.admin(`{ feedbackQuarantines${args} { ${FIELDS} } }`)).data.feedbackQuarantines;
const clicks = async () => {
  const rows = await api.database.repositories.feedback.days.statistics(new Date(Date.now() + 60_000));
  return Object.fromEntries(rows.map((row) => [row.itemId, row.clicks]));
};

test('a visitor and a pair in quarantine count for nothing until they are released, and the list of quarantines tells both', async () => {
  await click('v', 'b', 'c');
  await click('w', 'b');
  await click('x', 'b');
  expect(await clicks()).toEqual({ b: 3, c: 1 });
  const { quarantine: robot, userErrors } = await quarantine({ visitorId: 'v', reason: 'a robot' });
  expect(userErrors).toEqual([]);
  expect(robot).toMatchObject({
    visitorId: 'v',
    anchorId: null,
    since: null,
    reason: 'a robot',
    rule: null,
    events: 2,
  });
  expect(await clicks()).toEqual({ b: 2 });
  expect((await quarantine({ visitorId: 'v', reason: 'once more' })).quarantine).toEqual(robot);
  const pair = (await quarantine({ anchorId: 'a', itemId: 'b', reason: 'pushed' })).quarantine;
  expect(await clicks()).toEqual({});
  expect((await list()).map(({ id }: { id: string }) => id)).toEqual([pair.id, robot.id]);
  expect(await list(`(first: 1, after: "${pair.id}")`)).toEqual([robot]);
  expect(await list('(visitorId: "v")')).toEqual([robot]);
  expect((await release(robot.id)).quarantine).toMatchObject({ id: robot.id, releasedAt: expect.any(String) });
  expect(await clicks()).toEqual({ c: 1 });
  const again = await release(robot.id);
  expect((await list('(visitorId: "v")'))[0]).toEqual(again.quarantine);
  await release(pair.id);
  expect(await clicks()).toEqual({ b: 3, c: 1 });
  expect(await api.database.repositories.feedback.count()).toBe(4);
});

test('a time span is from its start on and before its end', async () => {
  const now = Date.now();
  const span = (since: number, until: number) => ({
    since: new Date(now + since).toISOString(),
    until: new Date(now + until).toISOString(),
  });
  const before = await clicks();
  const past = (await quarantine({ ...span(-7200e3, -3600e3), reason: 'an outage' })).quarantine;
  expect(past.events).toBe(0);
  expect(await clicks()).toEqual(before);
  const present = (await quarantine({ ...span(-3600e3, 3600e3), reason: 'a test' })).quarantine;
  expect(await clicks()).toEqual({});
  for (const { id } of [past, present]) await release(id);
});

test('what names nothing, an unknown id and a page that is no page are refused', async () => {
  const why = async (input: object) =>
    (await quarantine({ reason: 'x', ...input })).userErrors.map((e: { field: string[] }) => e.field);
  const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
  expect(await why({})).toEqual([['input']]);
  expect(await why({ visitorId: '' })).toEqual([['visitorId']]);
  expect(await why({ itemId: 'x\0' })).toEqual([['itemId']]);
  expect(await why({ since: late, until: early })).toEqual([['until']]);
  expect(await why({ since: early, until: early })).toEqual([['until']]);
  expect(await why({ visitorId: 'v', reason: '' })).toEqual([['reason']]);
  expect(await why({ visitorId: 'v', reason: 'x'.repeat(201) })).toEqual([['reason']]);
  for (const id of [randomUUID(), 'x'])
    expect(await release(id)).toMatchObject({ quarantine: null, userErrors: [{ code: 'NOT_FOUND', field: ['id'] }] });
  for (const [args, code] of [
    ['(first: 0)', 'INVALID_ARGUMENT'],
    ['(first: 501)', 'INVALID_ARGUMENT'],
    ['(after: "x")', 'CURSOR_INVALID'],
    [`(after: "${randomUUID()}")`, 'CURSOR_INVALID'],
  ])
    expect((await api.admin(`{ feedbackQuarantines${args} { id } }`)).errors?.[0]?.extensions.code).toBe(code);
});

test('quarantine takes a key that may operate; one for the catalog alone may not look, either', async () => {
  const codes = async (scope: string, text: string, variables: object) => {
    const { key } = await createApiKey(api.database.repositories, { name: 'test', scopes: [scope] });
    const answer = await ask(`${api.server.url}/admin/graphql`, text, variables, { authorization: `Bearer ${key}` });
    return (answer.errors ?? []).map(({ extensions }) => extensions?.code);
  };
  const input = { visitorId: 'nobody', reason: 'test' };
  const calls: [string, object][] = [
    [QUARANTINE, { input }],
    [RELEASE, { id: randomUUID() }],
    ['{ feedbackQuarantines { id } }', {}],
  ];
  for (const [text, variables] of calls) {
    expect(await codes('catalog', text, variables)).toEqual(['FORBIDDEN']);
    expect(await codes('operate', text, variables)).toEqual([]);
  }
});
