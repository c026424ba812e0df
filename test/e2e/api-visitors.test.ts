import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c'].map((id) => ({ id })),
  );
  await addModel(api.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.5] });
});
beforeEach(async () => {
  await api.database.storage.prisma.feedbackEvent.deleteMany();
  await api.database.storage.prisma.erasure.deleteMany();
  await api.database.storage.prisma.shownList.deleteMany();
});
afterAll(() => api[Symbol.asyncDispose]());

const SUBMIT = `mutation ($visitor: VisitorInput!, $events: [FeedbackEventInput!]!) {
  submitFeedback(input: { visitor: $visitor, events: $events }) { accepted duplicates rejected withoutConsent userErrors { code } } }`;
async function click(visitor: object, ...items: string[]) {
  const { similarItems } = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data;
  const { recommendationId } = similarItems;
  const events = items.map((itemId) => ({
    click: { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId },
  }));
  return (await api.shop(SUBMIT, { visitor, events })).data.submitFeedback;
}
const RECEIPT = 'erasure { id events trainedWithout } userErrors { code field message }';
const forgetMe = async (id: string) =>
  (await api.shop(`mutation ($id: ID!) { forgetMe(input: { visitor: { id: $id } }) { ${RECEIPT} } }`, { id })).data
    .forgetMe;
const erase = async (visitorIds: string[]) =>
  (
    await api.admin(`mutation ($ids: [ID!]!) { eraseVisitors(input: { visitorIds: $ids }) { ${RECEIPT} } }`, {
      ids: visitorIds,
    })
  ).data.eraseVisitors;
const visitors = async () => (await api.database.storage.prisma.feedbackEvent.findMany()).map((row) => row.visitorId);

test('of a visitor who does not consent nothing is stored, and what is wrong is told all the same', async () => {
  expect(await click({ id: 'v', consent: 'DENIED' }, 'b', 'c', 'x')).toEqual({
    accepted: 0,
    duplicates: 0,
    rejected: 1,
    withoutConsent: 2,
    userErrors: [{ code: 'NOT_IN_LIST' }],
  });
  expect(await visitors()).toEqual([]);
  expect(await api.database.storage.prisma.shownList.count()).toBe(0);
  expect(await click({ id: 'v', consent: 'GRANTED' }, 'b')).toMatchObject({ accepted: 1, withoutConsent: 0 });
});

test('a visitor has all that he did deleted, that of nobody else, and a receipt', async () => {
  await click({ id: 'v' }, 'b', 'c');
  await click({ id: 'w' }, 'b');
  const { erasure, userErrors } = await forgetMe('v');
  expect({ erasure, userErrors }).toEqual({
    erasure: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), events: 2, trainedWithout: null },
    userErrors: [],
  });
  expect(await visitors()).toEqual(['w']);
  const ask = '{ visitorErasure(id: "ID") { id erasedAt events trainedWithout } }';
  expect((await api.shop(ask.replace('ID', erasure.id))).data.visitorErasure).toMatchObject(erasure);
  for (const id of [randomUUID(), 'x', "'"])
    expect((await api.shop(ask.replace('ID', id))).data.visitorErasure).toBeNull();
  expect(await forgetMe('v')).toEqual({ erasure: null, userErrors: [] });
});

test('what is refused now and was stored once can be forgotten all the same', async () => {
  const id = 'jo@shop.example';
  expect(await click({ id }, 'b')).toMatchObject({ accepted: 0, userErrors: [{ code: 'INVALID_ARGUMENT' }] });
  await click({ id: 'v' }, 'b');
  await api.database.storage.prisma.feedbackEvent.updateMany({ data: { visitorId: id } });
  expect(await forgetMe(id)).toMatchObject({ erasure: { events: 1 }, userErrors: [] });
  expect(await visitors()).toEqual([]);
});

test('the receipt names the first version whose training began afterwards', async () => {
  const { storage, repositories } = api.database;
  const trained = async (number: number) => {
    const { id } = await repositories.jobs.create('RETRAIN', {}, 'test');
    const claim = (await repositories.jobs.claim(id, 'TRAIN'))!;
    const model = await addModel(api.database, { a: [1, 0], b: [0, number], c: [1, number] });
    await storage.prisma.modelVersion.updateMany({ where: { id: model.id }, data: { jobId: id } });
    await storage.prisma.job.updateMany({ where: { id }, data: { state: 'SUCCEEDED' } });
    return { id: model.id, claim };
  };
  await click({ id: 'v' }, 'b');
  await trained(2);
  const { erasure } = await forgetMe('v');
  const first = await trained(3);
  await trained(4);
  const asked = await api.shop(`{ visitorErasure(id: "${erasure.id}") { trainedWithout } }`);
  expect(asked.data.visitorErasure).toEqual({ trainedWithout: first.id });
});

test('lists that an erased visitor reported about know nothing of him within a chore', async () => {
  const { erasures } = api.database.repositories;
  const hashes = async () =>
    (await api.database.storage.prisma.shownList.findMany()).map((list) => list.visitors.length);
  await click({ id: 'v' }, 'b');
  await click({ id: 'w' }, 'b');
  await forgetMe('v');
  expect((await hashes()).sort()).toEqual([1, 1]);
  await erasures.forgetInLists();
  expect((await hashes()).sort()).toEqual([0, 1]);
  expect((await api.database.storage.prisma.erasure.findMany()).map((row) => row.visitors)).toEqual([[]]);
  await erasures.forgetInLists();
  expect((await hashes()).sort()).toEqual([0, 1]);
});

test('an administrator erases up to 500 visitors with one receipt', async () => {
  for (const id of ['u', 'v', 'w']) await click({ id }, 'b');
  expect(await erase(['u', 'v', 'nobody'])).toMatchObject({ erasure: { events: 2 }, userErrors: [] });
  expect(await visitors()).toEqual(['w']);
  for (const ids of [[], Array.from({ length: 501 }, (_, i) => `v${i}`)])
    expect((await erase(ids)).userErrors).toMatchObject([{ code: 'INVALID_ARGUMENT', field: ['visitorIds'] }]);
  const { errors } = await api.shop('mutation { eraseVisitors(input: { visitorIds: ["w"] }) { erasure { id } } }');
  expect(errors).toBeDefined(); // no field of the storefront
  expect(await visitors()).toEqual(['w']);
});

test('an administrator reads all that is stored about a visitor, page by page', async () => {
  await click({ id: 'v' }, 'b', 'c');
  await click({ id: 'v' }, 'c');
  await click({ id: 'w' }, 'b');
  const PAGE = `query ($first: Int, $after: String) { visitorEvents(visitorId: "v", first: $first, after: $after) {
    nodes { eventId kind anchorId itemIds positions placement occurredAt receivedAt } pageInfo { hasNextPage endCursor } } }`;
  const read: { kind: string; itemIds: string[]; eventId: string }[] = [];
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: { nodes: typeof read; pageInfo: { hasNextPage: boolean; endCursor: string } } = (
      await api.admin(PAGE, { first: 2, after })
    ).data.visitorEvents;
    read.push(...nodes);
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  expect(read.map(({ itemIds }) => itemIds[0]).sort()).toEqual(['b', 'c', 'c']);
  expect(new Set(read.map(({ eventId }) => eventId)).size).toBe(3);
  expect(read[0]).toMatchObject({
    kind: 'CLICK',
    anchorId: 'a',
    positions: [expect.any(Number)],
    placement: 'default',
  });
  for (const [first, cursor, code] of [
    [0, null, 'INVALID_ARGUMENT'],
    [501, null, 'INVALID_ARGUMENT'],
    [2, 'x', 'CURSOR_INVALID'],
  ])
    expect((await api.admin(PAGE, { first, after: cursor })).errors?.[0]?.extensions.code).toBe(code);
});
