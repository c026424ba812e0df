import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pictureSpace } from '../../src/ports/space.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf, events } from '../support/ask.ts';
import { addModel, serve } from '../support/fixtures.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const UPSERT = `mutation ($products: [ProductInput!]!) { upsertProducts(input: { products: $products }) {
  created updated unchanged rejected userErrors { __typename code field message } } }`;
const upsert = async (...products: object[]) => (await api.admin(UPSERT, { products })).data.upsertProducts;
const shirt = { id: 'shirt', title: 'Shirt', imageUrls: ['https://cdn.example/1.jpg'] };

test.each([
  ['no key', {}],
  ['a wrong key', { authorization: 'Bearer wrong' }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['the right key in the wrong scheme', { authorization: `Basic ${ADMIN_KEY}` }],
  ['a longer key', { authorization: `Bearer ${ADMIN_KEY}x` }],
])('%s is UNAUTHENTICATED on both admin endpoints, and nothing happens', async (_what, headers) => {
  for (const path of ['/admin/graphql', '/admin/graphql/stream']) {
    const answer = await ask(
      `${api.server.url}${path}`,
      'mutation { retrain { job { id } } }',
      {},
      headers as Record<string, string>,
    );
    expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED', retry: false } }] });
  }
  expect(await api.database.repositories.jobs.running()).toBeNull();
});

test.each(['GET', 'PUT', 'DELETE'])('%s is refused on the admin endpoints, even with the key', async (method) => {
  for (const path of ['/admin/graphql', '/admin/graphql/stream']) {
    const response = await fetch(`${api.server.url}${path}?query={__typename}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  }
});

test('the plan of the next training says what it waits for, of how much there is, and what switches it off', async () => {
  const asked =
    '{ retraining { automatic due reason newChoices neededChoices newProducts neededProducts encoder notBefore } }';
  expect((await api.admin(asked)).data.retraining).toEqual({
    automatic: true,
    due: false,
    reason: null,
    newChoices: 0,
    neededChoices: 500,
    newProducts: 0,
    neededProducts: 1,
    encoder: null,
    notBefore: null,
  });
  await using off = await testApi({ SIMILI_RETRAIN_PAUSE_MINUTES: '0' });
  expect((await off.admin(asked)).data.retraining.automatic).toBe(false);
});

test('products are created, updated, left alone and deleted; the workers are woken when something changed', async () => {
  expect(
    await upsert(shirt, {
      id: 'hat',
      title: 'Hat',
      imageUrls: [],
      price: '9.5',
      currencyCode: 'EUR',
      tags: ['new'],
      groupId: 'hats',
    }),
  ).toMatchObject({ created: 2, rejected: 0 });
  expect(api.queue.added.splice(0)).toEqual([{ name: 'ingest', payload: { catalog: 'default' }, key: 'default' }]);
  expect(await upsert(shirt)).toEqual({ created: 0, updated: 0, unchanged: 1, rejected: 0, userErrors: [] });
  expect(api.queue.added).toEqual([]);
  expect(await upsert({ ...shirt, title: 'Blue shirt', version: 2 })).toMatchObject({ updated: 1 });
  expect(await upsert({ ...shirt, title: 'An older message', version: 1 })).toMatchObject({ unchanged: 1 });
  const read = await api.shop(
    '{ shirt: product(by: { id: "shirt" }) { title groupId } hat: product(by: { id: "hat" }) { tags groupId price { amount currencyCode } } }',
  );
  expect(read.data).toEqual({
    shirt: { title: 'Blue shirt', groupId: null },
    hat: { tags: ['new'], groupId: 'hats', price: { amount: '9.50', currencyCode: 'EUR' } },
  });
  const remove =
    'mutation { deleteProducts(input: { ids: ["hat", "hat", "nobody", "shirt"] }) { deleted userErrors { code } } }';
  expect((await api.admin(remove)).data.deleteProducts).toEqual({ deleted: 2, userErrors: [] });
});

test.each<[string, object]>([
  ['id', { id: '' }],
  ['id', { id: 'x'.repeat(201) }],
  ['id', { id: 'a\0b' }],
  ['title', { title: '' }],
  ['url', { url: 'javascript:alert(1)' }],
  ['imageUrls.0', { imageUrls: ['ftp://cdn.example/1.jpg'] }],
  ['imageUrls.1', { imageUrls: ['https://cdn.example/1.jpg', '/etc/passwd'] }],
  ['imageUrls.0', { imageUrls: ['file:///etc/passwd'] }],
  ['imageUrls.0', { imageUrls: ['data:image/png;base64,AAAA'] }],
  ['imageUrls', { imageUrls: Array(11).fill('https://cdn.example/1.jpg') }],
  ['categories', { categories: Array(11).fill('c') }],
  ['tags.1', { tags: ['ok', ''] }],
  ['groupId', { groupId: '' }],
  ['groupId', { groupId: 'x'.repeat(201) }],
  ['groupId', { groupId: ['a'] }],
  ['price', { price: '-1', currencyCode: 'EUR' }],
  ['price', { price: '12345678901', currencyCode: 'EUR' }],
  ['price', { price: '0.00001', currencyCode: 'EUR' }],
  ['currencyCode', { price: '1' }],
  ['currencyCode', { price: '1', currencyCode: 'euro' }],
  ['price', { price: '19,90', currencyCode: 'EUR' }],
  ['price', { price: 19.9, currencyCode: 'EUR' }],
  ['id', { id: Number('7890123456789012345') }],
  ['id', { id: 'a\ud83d' }],
  ['id', { id: undefined }],
  ['title', { title: 7 }],
  ['title', { title: '😀'.repeat(1001) }],
  ['imageUrls', { imageUrls: null }],
  ['tags.1', { tags: ['ok', null] }],
  ['availableForSale', { availableForSale: 'yes' }],
  ['colour', { colour: 'red' }],
  ['version', { version: -1 }],
  ['version', { version: 1.5 }],
  ['version', { version: 2 ** 53 }],
  ['version', { version: 'new' }],
])('a product with a bad %s is rejected by its path, and its neighbours are written', async (path, change) => {
  const result = await upsert({ ...shirt, id: 'good' }, { ...shirt, ...change });
  expect(result).toMatchObject({
    rejected: 1,
    userErrors: [
      { __typename: 'InvalidInputError', code: 'INVALID_ARGUMENT', field: ['products', '1', ...path.split('.')] },
    ],
  });
  expect(await api.database.repositories.products.remove(['good', 'shirt'])).toBe(1);
});

test('a version of 53 bits counts, as a number and as text, and characters are code points', async () => {
  const title = '😀'.repeat(1000);
  expect(await upsert({ ...shirt, id: 'v', version: 1764156000000 })).toMatchObject({ created: 1, rejected: 0 });
  expect(await upsert({ ...shirt, id: 'v', title, version: '1764156000001' })).toMatchObject({ updated: 1 });
  expect(await upsert({ ...shirt, id: 'v', version: 1764156000000 })).toMatchObject({ unchanged: 1 });
  expect(await upsert({ ...shirt, id: 'v', version: Number.MAX_SAFE_INTEGER })).toMatchObject({ updated: 1 });
  expect(await upsert({ ...shirt, id: 42 })).toMatchObject({ created: 1 });
  expect(await api.database.repositories.products.remove(['v', '42'])).toBe(2);
});

test('an id that lost its last digits deletes nothing', async () => {
  const remove = 'mutation ($ids: [ID!]!) { deleteProducts(input: { ids: $ids }) { deleted } }';
  expect(codeOf(await api.admin(remove, { ids: [Number('7890123456789012345')] }))).toBe('BAD_USER_INPUT');
});

test.each([0, 501])('%i products in one call are refused as a whole', async (count) => {
  const products = Array.from({ length: count }, (_, i) => ({ id: `p${i}`, title: 'P', imageUrls: [] }));
  expect(await upsert(...products)).toMatchObject({
    created: 0,
    rejected: count,
    userErrors: [{ code: 'INVALID_ARGUMENT', field: ['products'] }],
  });
  const ids = products.map(({ id }) => id);
  const remove =
    'mutation ($ids: [ID!]!) { deleteProducts(input: { ids: $ids }) { deleted userErrors { code field } } }';
  expect((await api.admin(remove, { ids })).data.deleteProducts).toEqual({
    deleted: 0,
    userErrors: [{ code: 'INVALID_ARGUMENT', field: ['ids'] }],
  });
});

test('catalogHealth counts and names what is wrong', async () => {
  await upsert(shirt, { ...shirt, id: 'torn' });
  const { images } = api.database.repositories;
  const [claimed] = (await images.claimPending(10, 60)).filter(({ productId }) => productId === 'torn');
  await images.markFailed(claimed!, 'IMAGE_UNREADABLE', 'Cannot decode it');
  const { data } = await api.admin(
    '{ catalogHealth { products imagesReady imagesPending imagesFailed failures { productId source code reason } } }',
  );
  expect(data.catalogHealth).toEqual({
    products: 2,
    imagesReady: 0,
    imagesPending: 1,
    imagesFailed: 1,
    failures: [
      { productId: 'torn', source: 'https://cdn.example/1.jpg', code: 'IMAGE_UNREADABLE', reason: 'Cannot decode it' },
    ],
  });
});

const RETRAIN = `mutation ($input: RetrainInput) { retrain(input: $input) { job { id kind state phase progress requestedBy curve { step } error { code } }
  userErrors { __typename code field message ... on JobAlreadyRunningError { jobId } } } }`;
const CANCEL =
  'mutation ($id: ID!) { cancelJob(input: { id: $id }) { job { id state } userErrors { __typename code field } } }';

test('a retrain is queued once; asked again, the running job comes back; cancelled, the way is free', async () => {
  const { job } = (await api.admin(RETRAIN, { input: { seconds: 60, reason: 'new season' } })).data.retrain;
  expect(job).toEqual({
    id: expect.stringMatching(/^job_/),
    kind: 'RETRAIN',
    state: 'QUEUED',
    phase: 'TRAIN',
    progress: 0,
    requestedBy: 'admin',
    curve: [],
    error: null,
  });
  expect(api.queue.added.splice(0).filter(({ name }) => name === 'train')).toEqual([
    { name: 'train', payload: { catalog: 'default', jobId: job.id }, key: `default-${job.id}-TRAIN-0` },
  ]);
  expect((await api.database.repositories.jobs.byId(job.id))?.request).toEqual({ seconds: 60, reason: 'new season' });
  const again = (await api.admin(RETRAIN)).data.retrain;
  expect(again).toMatchObject({
    job: { id: job.id },
    userErrors: [{ __typename: 'JobAlreadyRunningError', code: 'JOB_ALREADY_RUNNING', jobId: job.id }],
  });
  expect((await api.admin(CANCEL, { id: job.id })).data.cancelJob).toEqual({
    job: { id: job.id, state: 'CANCELLED' },
    userErrors: [],
  });
  expect((await api.admin(CANCEL, { id: job.id })).data.cancelJob).toMatchObject({
    job: null,
    userErrors: [{ code: 'JOB_NOT_CANCELLABLE', field: ['id'] }],
  });
  expect((await api.admin('{ jobs(states: [CANCELLED]) { id } job(id: "nobody") { id } }')).data).toEqual({
    jobs: [{ id: job.id }],
    job: null,
  });
});

test('of ten retrains at once one wins', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => api.admin(RETRAIN)));
  const ids = new Set(answers.map(({ data }) => data.retrain.job.id));
  expect(ids.size).toBe(1);
  expect(answers.filter(({ data }) => data.retrain.userErrors.length === 0)).toHaveLength(1);
  await api.admin(CANCEL, { id: [...ids][0] });
});

test.each([
  ['seconds', { seconds: 4 }],
  ['seconds', { seconds: 86_401 }],
  ['steps', { steps: 0 }],
  ['preset', { preset: 'huge' }],
  ['recipe', { recipe: 'secret' }],
  ['encoder', { encoder: '../encoders/eye' }],
  ['encoder', { encoder: '/etc/eye.onnx' }],
  ['encoder', { encoder: 'eye.onnx' }],
  ['encoder', { encoder: '' }],
  ['reason', { reason: 'x'.repeat(201) }],
])('a retrain with bad %s starts nothing', async (field, input) => {
  expect((await api.admin(RETRAIN, { input })).data.retrain).toMatchObject({
    job: null,
    userErrors: [{ code: 'INVALID_ARGUMENT', field: [field] }],
  });
  expect(await api.database.repositories.jobs.running()).toBeNull();
});

test.each(['nobody', ''])('an unknown job %j is NOT_FOUND', async (id) => {
  expect((await api.admin(CANCEL, { id })).data.cancelJob).toMatchObject({
    job: null,
    userErrors: [{ __typename: 'NotFoundError', code: 'NOT_FOUND', field: ['id'] }],
  });
});

const ROLLBACK =
  'mutation ($input: RollbackInput) { rollback(input: $input) { activeModel { id state embedded } userErrors { __typename code field } } }';

test('rollback goes back and forth by one pointer, and answers change with it at once', async () => {
  const nothing = await api.admin(ROLLBACK);
  expect(nothing.data.rollback).toEqual({
    activeModel: null,
    userErrors: [{ __typename: 'InvalidInputError', code: 'NOTHING_TO_ROLL_BACK_TO', field: null }],
  });
  const older = await addModel(api.database, { shirt: [1, 0], torn: [0, 1] });
  const newer = await addModel(api.database, { shirt: [1, 0], torn: [1, 1] });
  const served = async () =>
    (await api.shop('{ similarItems(id: "shirt") { modelVersionId } }')).data.similarItems.modelVersionId;
  api.services.serving.forget();
  expect(await served()).toBe(newer.id);
  expect((await api.admin(ROLLBACK)).data.rollback).toEqual({
    activeModel: { id: older.id, state: 'ACTIVE', embedded: 2 },
    userErrors: [],
  });
  expect(await served()).toBe(older.id);
  expect((await api.admin(ROLLBACK, { input: { modelVersionId: newer.id } })).data.rollback.activeModel.id).toBe(
    newer.id,
  );
  expect(await served()).toBe(newer.id);
});

test('rollback to what is not there or does not stand by is refused', async () => {
  const rejected = await addModel(api.database, { shirt: [1, 0] }, 'REJECTED');
  const to = async (modelVersionId: string) => (await api.admin(ROLLBACK, { input: { modelVersionId } })).data.rollback;
  expect(await to(rejected.id)).toMatchObject({
    activeModel: null,
    userErrors: [{ code: 'MODEL_NOT_SERVABLE', field: ['modelVersionId'] }],
  });
  expect(await to('mdl_nobody')).toMatchObject({
    activeModel: null,
    userErrors: [{ __typename: 'NotFoundError', code: 'NOT_FOUND' }],
  });
});

test('models are listed newest first, also those whose vectors are gone', async () => {
  const retired = await addModel(api.database, { shirt: [1, 0] }, 'RETIRED');
  await api.database.repositories.embeddings.dropTables(retired.number, [pictureSpace(2)]);
  const { data } = await api.admin(
    '{ models(first: 2) { id number state embedded metrics gates { name } } activeModel { id } }',
  );
  expect(data.models[0]).toEqual({
    id: retired.id,
    number: retired.number,
    state: 'RETIRED',
    embedded: 0,
    metrics: {},
    gates: [],
  });
  expect(data.models[1].number).toBe(retired.number - 1);
  const only = await api.admin('{ models(first: 1, states: [ACTIVE]) { id state } }');
  expect(only.data.models).toEqual([{ id: data.activeModel.id, state: 'ACTIVE' }]);
  expect(codeOf(await api.admin('{ models(first: 0) { id } }'))).toBe('INVALID_ARGUMENT');
  const { jobs } = api.database.repositories;
  for (const by of ['a', 'b']) await jobs.cancel((await jobs.create('RETRAIN', {}, by)).id);
  for (const list of ['models', 'jobs']) {
    const [first, second] = (await api.admin(`{ ${list}(first: 2) { id } }`)).data[list];
    const rest = await api.admin(`{ ${list}(first: 1, after: ${JSON.stringify(first.id)}) { id } }`);
    expect(rest.data[list]).toEqual([second]);
    expect(codeOf(await api.admin(`{ ${list}(after: "nobody") { id } }`))).toBe('CURSOR_INVALID');
  }
  await serve(api.database, data.activeModel.id);
});

test('a version says which encoder looks at its pictures, or why it does without one', async () => {
  const { id } = await addModel(api.database, { shirt: [1, 0] }, 'STANDBY');
  const eye = { id: 'eye-0123456789ab', title: 'An eye', licence: 'MIT' };
  const shown = async (training: object) => {
    await api.database.storage.prisma.modelVersion.update({
      where: { catalogId_id: { catalogId: 'default', id } },
      data: { metrics: { training } },
    });
    const { data } = await api.admin('{ models(first: 1) { encoder { id title licence } encoderProblem } }');
    return data.models[0];
  };
  expect(await shown({})).toEqual({ encoder: null, encoderProblem: null });
  expect(await shown({ encoder: { ...eye, dimensions: 3, choice: 'eye' } })).toEqual({
    encoder: eye,
    encoderProblem: null,
  });
  const without = { id: eye.id, title: eye.title, why: 'it gives no numbers' };
  expect(await shown({ withoutEncoder: without })).toEqual({ encoder: null, encoderProblem: 'it gives no numbers' });
});

test('a version says what it changed in lists, and nothing where nothing was compared', async () => {
  const { id } = await addModel(api.database, { shirt: [1, 0] }, 'STANDBY');
  const shown = async (metrics: object) => {
    await api.database.storage.prisma.modelVersion.update({
      where: { catalogId_id: { catalogId: 'default', id } },
      data: { metrics },
    });
    const fields = 'listChanges { anchors changed newShare examples { anchorId before after } }';
    const { data } = await api.admin(`{ models(first: 1) { ${fields} } }`);
    return data.models[0].listChanges;
  };
  expect(await shown({})).toBeNull();
  expect(await shown({ listChanges: null })).toBeNull();
  const listChanges = {
    anchors: 100,
    changed: 87,
    newShare: 0.3125,
    examples: [{ anchorId: 'shirt', before: ['jacket', 'dress'], after: ['dress', 'coat'] }],
  };
  expect(await shown({ listChanges })).toEqual(listChanges);
});

test('a wrong enum value is refused by its code', async () => {
  expect(codeOf(await api.admin('{ jobs(states: [SLEEPING]) { id } }'))).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(codeOf(await api.admin('query ($s: [JobState!]) { jobs(states: $s) { id } }', { s: ['SLEEPING'] }))).toBe(
    'BAD_USER_INPUT',
  );
});

const stream = (query: string, variables: object = {}, signal: AbortSignal | null = null) =>
  fetch(`${api.server.url}/admin/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ query, variables }),
    signal,
  });
const WATCH = 'subscription ($id: ID!) { jobProgress(id: $id) { id state phase progress } }';

/** Counts how often a job is read, until the test ends. `realId`: of the job that goes by an id. */
function countingReads(realId = (id: string) => id) {
  const { jobs } = api.database.repositories;
  const counts = new Map<string, number>();
  const byId = jobs.byId.bind(jobs);
  jobs.byId = async (id) => {
    counts.set(id, of(id) + 1);
    const row = await byId(realId(id));
    return row && { ...row, id };
  };
  onTestFinished(() => {
    jobs.byId = byId;
  });
  const of = (id: string) => counts.get(id) ?? 0;
  const more = async (id: string, n: number) => {
    const from = of(id);
    await expect.poll(() => of(id)).toBeGreaterThanOrEqual(from + n);
  };
  return { of, more };
}

test('progress: the state now, then every change, then the end', async () => {
  const { jobs } = api.database.repositories;
  const job = await jobs.create('RETRAIN', {}, 'test');
  const seen: unknown[] = [];
  const reads = countingReads();
  for await (const { event, data } of events(await stream(WATCH, { id: job.id }))) {
    seen.push(event === 'next' ? (data as { data: { jobProgress: object } }).data.jobProgress : event);
    if (seen.length === 1) {
      const claim = await jobs.claim(job.id, 'TRAIN');
      if (claim) await jobs.heartbeat(claim, { progress: 0.5 });
    }
    if (seen.length === 2) {
      const claim = { job: (await jobs.byId(job.id))!, fence: 1 };
      await jobs.heartbeat(claim); // a sign of life without news
      await reads.more(job.id, 2); // the first may have begun before it
      await jobs.settleCancelled(claim);
    }
  }
  expect(seen).toEqual([
    { id: job.id, state: 'QUEUED', phase: 'TRAIN', progress: 0 },
    { id: job.id, state: 'RUNNING', phase: 'TRAIN', progress: 0.5 },
    { id: job.id, state: 'CANCELLED', phase: 'TRAIN', progress: 0.5 },
    'complete',
  ]);
});

test.each([
  ['an unknown job', WATCH, { id: 'nobody' }, 'NOT_FOUND'],
  ['an impossible id', WATCH, { id: '\0' }, 'INVALID_ARGUMENT'],
  ['no id', WATCH, {}, 'BAD_USER_INPUT'],
  ['a field that does not exist', 'subscription { jobs }', {}, 'GRAPHQL_VALIDATION_FAILED'],
  ['no GraphQL', 'subscription {', {}, 'GRAPHQL_PARSE_FAILED'],
  ['a document of comments', `${WATCH}${'#\n'.repeat(1001)}`, { id: 'nobody' }, 'GRAPHQL_PARSE_FAILED'],
])('progress of %s is refused by its code, in the stream', async (_what, query, variables, code) => {
  const seen = [];
  for await (const event of events(await stream(query, variables))) seen.push(event);
  expect(seen).toMatchObject([
    { event: 'next', data: { errors: [{ extensions: { code, retry: false } }] } },
    { event: 'complete' },
  ]);
});

test('the tap tells of feedback as it is stored, and not of whom', async () => {
  const { erasures, feedback } = api.database.repositories;
  const newest = erasures.newest.bind(erasures);
  let reads = 0;
  erasures.newest = (since, limit) => {
    reads++;
    return newest(since, limit);
  };
  onTestFinished(() => {
    erasures.newest = newest;
  });
  const leaving = new AbortController();
  const query = 'subscription { feedbackTap { kind anchorId itemIds positions withoutList } }';
  const opened = stream(query, {}, leaving.signal);
  await expect.poll(() => reads).toBeGreaterThan(0);
  await feedback.append('v', [
    {
      eventId: randomUUID(),
      kind: 'CLICK',
      anchorId: 'a',
      itemIds: ['b'],
      positions: [3],
      modelId: 'm',
      occurredAt: new Date(),
      listId: randomUUID(),
      listedAt: new Date(),
      listExpiresAt: new Date(),
      filtered: false,
    },
  ]);
  const feedbackTap = { kind: 'CLICK', anchorId: 'a', itemIds: ['b'], positions: [3], withoutList: false };
  expect((await events(await opened).next()).value).toEqual({ event: 'next', data: { data: { feedbackTap } } });
  leaving.abort();
});

test('a watcher that goes away leaves nothing running, and others are served', async () => {
  const { jobs } = api.database.repositories;
  const job = await jobs.create('RETRAIN', {}, 'test');
  // Two names for one job tell the reads of two watchers apart; those of the one who stays are the clock.
  const reads = countingReads((id) => id.split('/')[0] as string);
  const leaving = new AbortController();
  const staying = new AbortController();
  const [one, other] = [`${job.id}/leaving`, `${job.id}/staying`];
  const first = await events(await stream(WATCH, { id: one }, leaving.signal)).next();
  expect(first.value).toMatchObject({ event: 'next' });
  await events(await stream(WATCH, { id: other }, staying.signal)).next();
  leaving.abort();
  await reads.more(other, 2); // the server has heard of it
  const before = reads.of(one);
  await reads.more(other, 2);
  expect(reads.of(one)).toBe(before);
  staying.abort();
  await jobs.cancel(job.id);
});
