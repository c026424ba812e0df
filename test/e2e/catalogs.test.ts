import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { simili } from '../../src/plugin.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { ask, codeOf, host } from '../support/ask.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

/* Two catalogs behind one server, over HTTP. Both have the products `a` and `b`, with pictures from disk. */
const NAMES = ['default', 'de'];
let api: TestApi;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-catalogs-'));
  api = await testApi();
  const { repositories, storage } = api.database;
  await repositories.catalogs.create('de');
  for (const name of NAMES) {
    const own = { ...api.database, repositories: repositories.forCatalog(name) };
    const file = join(dir, `${name}.png`);
    await writeFile(file, `picture of ${name}`);
    await addProducts(
      own,
      ['a', 'b'].map((id) => ({ id, title: `${id} of ${name}`, imageUrls: [file] })),
    );
    const contentHash = createHash('sha256').update(`picture of ${name}`).digest('hex');
    for (const { id, reading, productId } of await own.repositories.images.claimPending(10, 60)) {
      await own.repositories.images.markReady({ id, reading }, { contentHash, mime: 'image/png', width: 1, height: 1 });
      const key = { catalogId_id: { catalogId: name, id } };
      await storage.prisma.productImage.update({ where: key, data: { id: `img_${productId}` } });
    }
    await addModel(own, { a: [1, 0], b: [0, 1] });
  }
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const inCatalog = (name: string) => ({ 'simili-catalog': name });
const shop = (query: string, headers: Record<string, string> = {}) =>
  ask(`${api.server.url}/graphql`, query, {}, headers);
const LIST = '{ similarItems(id: "a") { recommendationId nodes { title image { url } } } }';
const titleOf = ({ data }: Awaited<ReturnType<typeof ask>>) => data.similarItems.nodes[0].title;

test('a request is about the catalog that its header names, else the usual one', async () => {
  expect(titleOf(await shop(LIST))).toBe('b of default');
  expect(titleOf(await shop(LIST, inCatalog('de')))).toBe('b of de');
  expect(titleOf(await ask(`${api.server.url}/graphql?catalog=de`, LIST))).toBe('b of de');
  const admin = { authorization: `Bearer ${ADMIN_KEY}`, ...inCatalog('de') };
  const query = '{ activeModel { number } products(first: 1) { totalCount nodes { title } } }';
  const { data } = await ask(`${api.server.url}/admin/graphql`, query, {}, admin);
  expect(data.products).toEqual({ totalCount: 2, nodes: [{ title: 'a of de' }] });
});

test('a catalog that is not there is an error of its own', async () => {
  const answer = await shop(LIST, inCatalog('nowhere'));
  expect([codeOf(answer), answer.data]).toEqual(['CATALOG_UNKNOWN', { similarItems: null }]);
  expect(codeOf(await shop(LIST, inCatalog('"de"')))).toBe('CATALOG_UNKNOWN');
  expect((await fetch(`${api.server.url}/images/img_a?catalog=nowhere`)).status).toBe(404);
});

test('pictures are named with their catalog, as a page sends no header for them', async () => {
  for (const [name, path] of [
    ['default', '/images/img_b'],
    ['de', '/images/img_b?catalog=de'],
  ] as const) {
    const { data } = await shop(LIST, inCatalog(name));
    expect(data.similarItems.nodes[0].image.url).toBe(path);
    expect(await (await fetch(api.server.url + path)).text()).toBe(`picture of ${name}`);
  }
});

test('feedback that a page sends as it is left is stored in the catalog that its URL names, and in no other', async () => {
  const { data } = await shop(LIST, inCatalog('de'));
  const { recommendationId } = data.similarItems;
  const click = { eventId: crypto.randomUUID(), occurredAt: new Date().toISOString(), itemId: 'b', recommendationId };
  const body = JSON.stringify({ visitor: { id: 'v' }, events: [{ click }] });
  const send = async (path: string) => {
    const response = await fetch(api.server.url + path, { method: 'POST', body });
    return ((await response.json()) as { data: { submitFeedback: object } }).data.submitFeedback;
  };
  expect(await send('/feedback')).toMatchObject({ accepted: 0, userErrors: [{ code: 'RECOMMENDATION_INVALID' }] });
  expect(await send('/feedback?catalog=de')).toMatchObject({ accepted: 1, userErrors: [] });
  const counts = NAMES.map((name) => api.database.repositories.forCatalog(name).feedback.count());
  expect(await Promise.all(counts)).toEqual([0, 1]);
});

test('a host may say itself whose request it is: then no header is read', async () => {
  const plugin = simili(api.services, undefined, (context) => (context as { tenant?: string }).tenant);
  await using server = await host(plugin.standalone());
  expect(titleOf(await ask(server.url, LIST, {}, inCatalog('de')))).toBe('b of default');
  const tenant = { tenant: 'de' };
  const { graphql } = await import('graphql');
  const { data } = await graphql({ schema: plugin.standalone(), source: LIST, contextValue: tenant });
  expect(JSON.stringify(data)).toContain('b of de');
});
