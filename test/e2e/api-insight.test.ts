import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createApiKey } from '../../src/api-keys.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { ask } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

/* What feedback says as a whole, over HTTP. */
const DAY_MS = 86_400_000;
let api: TestApi;
let modelId: string;
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c'].map((id) => ({ id })),
  );
  ({ id: modelId } = await addModel(api.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.5] }));
});
afterAll(() => api[Symbol.asyncDispose]());

async function visit(visitor: string, seen: string[], clicked: string[]) {
  const { similarItems } = (await api.shop('{ similarItems(id: "a", placement: "cart") { recommendationId } }')).data;
  const base = () => ({
    eventId: randomUUID(),
    occurredAt: new Date().toISOString(),
    recommendationId: similarItems.recommendationId,
  });
  const events = [
    { impression: { ...base(), itemIds: seen } },
    ...clicked.map((itemId) => ({ click: { ...base(), itemId } })),
  ];
  const text = `mutation ($id: ID!, $events: [FeedbackEventInput!]!) {
    submitFeedback(input: { visitor: { id: $id }, events: $events }) { accepted } }`;
  return (await api.shop(text, { id: visitor, events })).data.submitFeedback;
}
const RATE = 'rate { impressions choices visitors rate low high } suppressedCells';
const CLICKS = `since until days daysPending versions { modelVersionId ${RATE} } places { place ${RATE} }
  placements { placement ${RATE} }`;
const clickThrough = async (args = '') => (await api.admin(`{ clickThrough${args} { ${CLICKS} } }`)).data.clickThrough;

test('counts of a large shop are told beyond 2^31', async () => {
  const { prisma } = api.database.storage;
  const [catalogId, most, three] = ['default', 2 ** 31 - 1, 3_000_000_000n];
  const daysAgo = (days: number) => new Date((Math.floor(Date.now() / DAY_MS) - days) * DAY_MS);
  for (const days of [3, 4]) {
    const day = { catalogId, day: daysAgo(days) };
    const counts = { lists: most, listsSeen: most, withoutList: most, outcomes: most };
    await prisma.feedbackDay.create({ data: { ...day, stale: false, ...counts } });
    const sums = { impressions: three, choices: three, impressionsSq: three, products: three, choicesSq: three };
    const cells = [0, 1].map((position) => ({ ...day, modelId, position, visitors: most, ...sums }));
    await prisma.feedbackClickThrough.createMany({ data: cells });
    const names = ['accepted', 'duplicates', 'withoutConsent', 'NOT_IN_LIST'];
    await prisma.feedbackCount.createMany({ data: names.map((name) => ({ ...day, name, count: three })) });
    const slice = { visitorId: `bot ${days}`, reason: 'test', rule: 'rate', events: most };
    await prisma.feedbackQuarantine.create({ data: { catalogId, id: randomUUID(), ...slice } });
  }
  const counts = 'accepted duplicates withoutConsent rejected rejections { count } lists withoutList outcomes';
  const { data, errors } =
    await api.admin(`{ feedbackHealth { ${counts} impressionCoverage quarantinedEvents bots { events } }
    clickThrough { versions { ${RATE} } places { ${RATE} } placements { ${RATE} } } }`);
  expect(errors).toBeUndefined();
  const [six, twice] = [6_000_000_000, 2 * most];
  expect(data?.feedbackHealth).toEqual({
    accepted: six,
    duplicates: six,
    withoutConsent: six,
    rejected: six,
    rejections: [{ count: six }],
    lists: twice,
    withoutList: twice,
    outcomes: twice,
    impressionCoverage: 1,
    quarantinedEvents: twice,
    bots: { events: twice },
  });
  const rate = { rate: { impressions: six, choices: six, visitors: twice } };
  expect(data?.clickThrough).toMatchObject({ versions: [rate], places: [rate], placements: [rate] });
  await prisma.feedbackDay.deleteMany();
  await prisma.feedbackClickThrough.deleteMany();
  await prisma.feedbackCount.deleteMany();
  await prisma.feedbackQuarantine.deleteMany();
});

test('click-through by version and place counts what was seen and chosen, with an interval, once its day is over', async () => {
  for (let i = 0; i < 25; i++) await visit(`v${i}`, i < 5 ? ['b', 'c'] : ['b'], i < 10 ? ['b'] : []);
  const { storage, repositories } = api.database;
  await repositories.feedback.days.rollUp(new Date());
  expect(await clickThrough()).toMatchObject({ days: 0, versions: [], places: [] }); // today is not over
  const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  await storage.prisma.feedbackEvent.updateMany({ data: { receivedAt: new Date(midnight - 3 * DAY_MS) } });
  await repositories.feedback.days.rollUp(new Date());
  const answer = await clickThrough();
  // Wilson of 10 in 25.
  const rate = {
    impressions: 25,
    choices: 10,
    visitors: 25,
    rate: 0.4,
    low: expect.closeTo(0.234, 3),
    high: expect.closeTo(0.5926, 3),
  };
  expect(answer).toEqual({
    since: new Date(midnight - 27 * DAY_MS).toISOString(),
    until: new Date(midnight + DAY_MS).toISOString(),
    days: 1,
    daysPending: 0,
    versions: [{ modelVersionId: modelId, rate, suppressedCells: 1 }],
    places: [
      { place: 1, rate, suppressedCells: 0 },
      { place: 2, rate: null, suppressedCells: 1 },
    ],
    placements: [{ placement: 'cart', rate, suppressedCells: 1 }],
  });
  expect(await clickThrough(`(modelVersionId: "${modelId}")`)).toEqual(answer);
  expect(await clickThrough('(modelVersionId: "mdl_0")')).toMatchObject({ days: 1, versions: [], places: [] });
  expect(await clickThrough('(days: 3)')).toMatchObject({ days: 0, versions: [] });
  const before = `(until: "${new Date(midnight - 4 * DAY_MS).toISOString()}")`;
  expect(await clickThrough(before)).toMatchObject({ days: 0, versions: [] });
  for (const args of ['(days: 0)', '(days: 401)'])
    expect((await api.admin(`{ clickThrough${args} { days } }`)).errors?.[0]?.extensions.code).toBe('INVALID_ARGUMENT');
});

const HEALTH = `since accepted duplicates withoutConsent rejected rejections { code count } lists impressionCoverage quarantines
  quarantinedEvents bots { visitors events rules { rule visitors } } newestEvent rolledUpTo daysPending nextTraining { newChoices neededChoices due reason }`;
const feedbackHealth = async (args = '') =>
  (await api.admin(`{ feedbackHealth${args} { ${HEALTH} } }`)).data.feedbackHealth;

test('feedback health counts every answer by what became of it, and tells of coverage, quarantine, lag and the next training', async () => {
  await api.services.flush();
  const { storage, repositories } = api.database;
  const before = await feedbackHealth();
  const { similarItems } = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data;
  const event = (itemId: string, recommendationId = similarItems.recommendationId) => ({
    click: { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId },
  });
  const good = event('b');
  const text = `mutation ($id: ID!, $consent: VisitorConsent, $events: [FeedbackEventInput!]!) {
    submitFeedback(input: { visitor: { id: $id, consent: $consent }, events: $events }) { rejected } }`;
  const send = (id: string, events: object[], consent = 'GRANTED') => api.shop(text, { id, consent, events });
  await send('w', [good, good, event('c'), event('nowhere'), event('elsewhere'), event('b', 'forged')]);
  await send('w', [good]);
  await send('w@shop.example', [event('b'), event('c')]);
  await send('x', [event('b')], 'DENIED');
  await api.services.flush();
  await repositories.quarantines.add(
    { visitorId: 'v0', anchorId: null, itemId: null, since: null, until: null },
    'test',
    null,
  );
  await repositories.feedback.days.rollUp(new Date());
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 11_000); // a plan is kept for ten seconds
  const after = await feedbackHealth('(days: 90)');
  const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  expect(before).toMatchObject({ accepted: 35, duplicates: 0, rejected: 0, rejections: [], impressionCoverage: 1 });
  expect(before.since).toBe(new Date(midnight - 6 * DAY_MS).toISOString());
  expect(after).toMatchObject({
    since: new Date(midnight - 89 * DAY_MS).toISOString(),
    accepted: before.accepted + 2,
    duplicates: 2,
    withoutConsent: 1,
    rejected: 5,
    rejections: [
      { code: 'INVALID_ARGUMENT', count: 2 },
      { code: 'NOT_IN_LIST', count: 2 },
      { code: 'RECOMMENDATION_INVALID', count: 1 },
    ],
    lists: 24, // without that of v0; today is not over
    impressionCoverage: 1,
    quarantines: 1,
    quarantinedEvents: 2,
    bots: { visitors: 0, events: 0, rules: [] }, // an administrator's are none
    rolledUpTo: new Date(midnight - 2 * DAY_MS).toISOString(),
    daysPending: 0,
    nextTraining: { newChoices: 11, neededChoices: 500, due: false, reason: null }, // nine of the others, and two of w
  });
  const { receivedAt } = await storage.prisma.feedbackEvent.findFirstOrThrow({
    where: { visitorId: 'w' },
  });
  expect(after.newestEvent).toBe(receivedAt.toISOString());
  const { retraining } = (await api.admin('{ retraining { newChoices neededChoices due reason } }')).data;
  expect(after.nextTraining).toEqual(retraining);
});

test('insight takes a key that may operate; one for the catalog alone may not look', async () => {
  const codes = async (scope: string, text: string) => {
    const { key } = await createApiKey(api.database.repositories, { name: 'test', scopes: [scope] });
    const answer = await ask(`${api.server.url}/admin/graphql`, text, {}, { authorization: `Bearer ${key}` });
    return (answer.errors ?? []).map(({ extensions }) => extensions?.code);
  };
  for (const text of ['{ clickThrough { days } }', '{ feedbackHealth { accepted } }']) {
    expect(await codes('catalog', text)).toEqual(['FORBIDDEN']);
    expect(await codes('operate', text)).toEqual([]);
  }
});
