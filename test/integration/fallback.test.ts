import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { FallbackRepository } from '../../src/db/fallback.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { codeOf } from '../support/ask.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/* Lists of products that cannot be compared: which products, in which order, and what they tell of visitors. */
const DAY_MS = 86_400_000;
const PRODUCTS = 60;
const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${String(i).padStart(2, '0')}`);
const leafOf = (i: number): string => ['mugs', 'bowls', 'lamps'][i % 3]!;
const groupOf = (i: number): string | null => (i % 4 === 0 ? `g${Math.floor(i / 8)}` : null);
/** Days ago that a product was made: several at a time. */
const ageOf = (i: number): number => (i * 7) % 20;

const kinds = ['CLICK', 'ADD_TO_CART', 'PURCHASE', 'IMPRESSION'] as const;
type Choice = { visitor: string; item: string; daysAgo: number; kind: (typeof kinds)[number] };

/** Visitors of each product, most of them on several days, around the bound of 20; of some products only long ago. */
function choices(): Choice[] {
  const random = makeRandom(3);
  return ids.flatMap((item, i) =>
    Array.from({ length: 17 + random.int(12) }, (_, v) => `v${(v + i) % 40}`).flatMap((visitor) =>
      Array.from({ length: 1 + random.int(3) }, () => ({
        visitor,
        item,
        daysAgo: i % 10 === 9 ? 30 + random.int(5) : 2 + random.int(30),
        kind: kinds[random.int(4)]!,
      })),
    ),
  );
}

/** The definition: products by their visitors, 20 or more, of 28 days up to the last one. */
function popular(all: readonly Choice[]): Map<string, number> {
  const last = Math.min(...all.map(({ daysAgo }) => daysAgo));
  const visitors = new Map(ids.map((id) => [id, new Set<string>()]));
  for (const { visitor, item, daysAgo, kind } of all)
    if (kind !== 'IMPRESSION' && daysAgo < last + 28) visitors.get(item)!.add(visitor);
  return new Map([...visitors].map(([id, { size }]) => [id, size] as const).filter(([, size]) => size >= 20));
}

/** The order of the definition. @param isOfAll only what is popular */
function expected(counts: ReadonlyMap<string, number>, passes: (i: number) => boolean, isOfAll: boolean): string[] {
  const seen = new Set<string>();
  return ids
    .map((id, i) => ({ id, i, n: counts.get(id) ?? 0 }))
    .filter(({ i, n }) => passes(i) && (n > 0 || !isOfAll))
    .sort((a, b) => b.n - a.n || ageOf(a.i) - ageOf(b.i) || (a.id < b.id ? -1 : 1))
    .filter(({ i, id }) => {
      const key = groupOf(i) ?? id;
      return !seen.has(key) && seen.add(key);
    })
    .map(({ id }) => id);
}

const LIST = `query ($id: ID!, $first: Int = 50, $after: String, $filter: ProductFilter, $minScore: Float, $fallback: SimilarItemsFallback) {
  similarItems(id: $id, first: $first, after: $after, filter: $filter, minScore: $minScore, fallback: $fallback) {
    status recommendationId modelVersionId nodes { id } edges { score position cursor } pageInfo { hasNextPage hasPreviousPage } } }`;

function describeFallback(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`fallback on ${name}`, { tags }, () => {
    let api: TestApi;
    const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const all = choices();
    const counts = popular(all);
    beforeAll(async () => {
      api = await testApi({}, { database: await open() });
      const { prisma } = api.database.storage;
      await addProducts(
        api.database,
        [...ids, 'bare'].map((id, i) => ({
          id,
          categories: id === 'bare' ? [] : ['home', leafOf(i)],
          availableForSale: i % 5 > 0,
          groupId: id === 'bare' ? null : groupOf(i),
        })),
      );
      for (const [i, id] of ids.entries())
        await prisma.product.updateMany({ where: { id }, data: { createdAt: new Date(midnight - ageOf(i) * DAY_MS) } });
      await prisma.feedbackEvent.createMany({
        data: all.map(({ visitor, item, daysAgo, kind }) => {
          const receivedAt = new Date(midnight - daysAgo * DAY_MS + 3_600_000);
          const shown = { anchorId: 'p01', itemIds: [item], positions: [1], modelId: 'm', kind };
          return {
            catalogId: 'default',
            eventId: randomUUID(),
            visitorId: visitor,
            occurredAt: receivedAt,
            receivedAt,
            ...shown,
          };
        }),
      });
      // Purchases without a list, which anybody can send: they make nothing popular.
      const forged = new Date(midnight - 3 * DAY_MS);
      await prisma.feedbackEvent.createMany({
        data: Array.from({ length: 30 }, (_, i) => ({
          catalogId: 'default',
          eventId: randomUUID(),
          visitorId: `forged${i}`,
          kind: 'PURCHASE' as const,
          itemIds: ['bare'],
          positions: [],
          withoutList: true,
          occurredAt: forged,
          receivedAt: forged,
        })),
      });
    });
    afterAll(() => api[Symbol.asyncDispose]());

    const list = async (variables: object) => (await api.shop(LIST, { id: 'p00', ...variables })).data.similarItems;
    const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);
    const count = async () => {
      const { feedback, fallbacks, clock } = api.database.repositories;
      await feedback.days.rollUp(clock.now());
      return fallbacks.countPopular();
    };
    const stored = async () => {
      const rows = await api.database.storage.prisma.popularProduct.findMany();
      return new Map(rows.map(({ productId, visitors }) => [productId, visitors]));
    };

    test('before anything was counted nothing is popular, and a category has its newest first', async () => {
      expect(await list({ fallback: 'POPULAR' })).toMatchObject({ status: 'MODEL_NOT_READY', nodes: [] });
      const found = await list({ fallback: 'CATEGORY' });
      const passes = (i: number) => leafOf(i) === 'mugs' && groupOf(i) !== groupOf(0) && i > 0;
      expect(idsOf(found)).toEqual(expected(new Map(), passes, false));
      expect(found).toMatchObject({ status: 'FALLBACK_CATEGORY', modelVersionId: null });
    });

    test('what most visitors chose comes first, each of them once, from 20 on, of the last 28 days', async () => {
      expect(await count()).toBe(true);
      expect(await count()).toBe(false);
      expect(await stored()).toEqual(counts);
      expect(counts.size).toBeGreaterThan(10);
      expect(counts.size).toBeLessThan(50);
      const others = (i: number) => i > 0 && groupOf(i) !== groupOf(0);
      const found = await list({ fallback: 'POPULAR' });
      expect(idsOf(found)).toEqual(expected(counts, others, true));
      expect(found).toMatchObject({ status: 'FALLBACK_POPULAR', pageInfo: { hasNextPage: false } });
      expect(found.edges.map(({ score, position }: { score: number; position: number }) => [score, position])).toEqual(
        found.nodes.map((_: unknown, i: number) => [0, i + 1]),
      );
      const category = (i: number) => others(i) && leafOf(i) === 'mugs';
      expect(idsOf(await list({ fallback: 'CATEGORY' }))).toEqual(expected(counts, category, false));
    });

    test('the filter and the size of a page hold, what is about likeness says nothing', async () => {
      const excludeIds = expected(counts, () => true, true).slice(0, 2);
      const passes = (i: number) => i !== 1 && i % 5 > 0 && !excludeIds.includes(ids[i]!);
      const filter = { available: true, excludeIds };
      const found = await list({ id: 'p01', filter, first: 7, minScore: 0.9, fallback: 'POPULAR' });
      expect(idsOf(found)).toEqual(expected(counts, passes, true).slice(0, 7));
      const none = await list({ fallback: 'CATEGORY', filter: { categories: ['nothing'] } });
      expect(none).toMatchObject({ status: 'MODEL_NOT_READY', nodes: [] });
    });

    test('without a category, or of an unknown product, nothing is made up', async () => {
      expect(await list({ id: 'bare', fallback: 'CATEGORY' })).toMatchObject({ status: 'MODEL_NOT_READY', nodes: [] });
      expect((await list({ id: 'bare', fallback: 'POPULAR' })).status).toBe('FALLBACK_POPULAR');
      for (const fallback of ['CATEGORY', 'POPULAR', 'NONE', null])
        expect(await list({ id: 'nobody', fallback })).toMatchObject({ status: 'ITEM_UNKNOWN', nodes: [] });
      expect(await list({ fallback: 'NONE' })).toMatchObject({ status: 'MODEL_NOT_READY', nodes: [] });
    });

    test('nothing is learned from it, and it has one page', async () => {
      const { recommendationId, nodes, edges } = await list({ fallback: 'POPULAR' });
      const occurredAt = new Date().toISOString();
      const click = { eventId: randomUUID(), occurredAt, recommendationId, itemId: nodes[0].id };
      const text = `mutation ($events: [FeedbackEventInput!]!) {
        submitFeedback(input: { visitor: { id: "v" }, events: $events }) { accepted userErrors { code field } } }`;
      expect((await api.shop(text, { events: [{ click }] })).data.submitFeedback).toEqual({
        accepted: 0,
        userErrors: [{ code: 'LIST_NOT_RANKED', field: ['events', '0', 'click', 'recommendationId'] }],
      });
      const next = await api.shop(LIST, { id: 'p00', after: edges[0].cursor, fallback: 'POPULAR' });
      expect(codeOf(next)).toBe('CURSOR_RETIRED');
    });

    test('who is erased, or in quarantine, is out of the order with the next count', async () => {
      const { erasures, quarantines } = api.database.repositories;
      await erasures.erase(['v3', 'v4']);
      const item = [...counts.keys()][0]!;
      await quarantines.add({ visitorId: null, anchorId: null, itemId: item, since: null, until: null }, 'test', null);
      expect(await count()).toBe(true);
      const left = popular(all.filter((one) => !['v3', 'v4'].includes(one.visitor) && one.item !== item));
      expect(await stored()).toEqual(left);
      expect(left.size).toBeGreaterThan(3);
      expect(left.size).toBeLessThan(counts.size);
    });

    test('at most a thousand products are kept', async () => {
      const { prisma } = api.database.storage;
      const many = Array.from({ length: 1001 }, (_, i) => `m${i}`);
      await prisma.product.createMany({
        data: many.map((id) => ({ catalogId: 'default', id, title: id, fingerprint: id })),
      });
      const at = new Date(midnight - 2 * DAY_MS);
      await prisma.$executeRaw`
        INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, received_at)
        SELECT 'default', gen_random_uuid(), 'CLICK', 'w' || v, 'p01', ARRAY['m' || i], '{1}', 'm', ${at}::timestamptz, ${at}::timestamptz
        FROM generate_series(1, 20) v, generate_series(0, 1000) i`;
      await prisma.feedbackDay.updateMany({ data: { counted: false } });
      expect(await api.database.repositories.fallbacks.countPopular()).toBe(true);
      expect(await prisma.popularProduct.count()).toBe(1000);
    });

    test('a large category is sorted once for many lists, and each is right as its products are by then', async () => {
      const { storage } = api.database;
      const many = Array.from({ length: 500 }, (_, i) => `l${String(i).padStart(3, '0')}`);
      const groupIdOf = (i: number) => (i % 7 === 0 ? `lg${i % 21}` : null);
      await storage.prisma.product.createMany({
        data: many.map((id, i) => ({
          catalogId: 'default',
          id,
          title: id,
          fingerprint: id,
          categories: ['large'],
          groupId: groupIdOf(i),
          createdAt: new Date(midnight - ((i * 37) % 500) * 1000),
        })),
      });
      const sorted: string[] = [];
      const ask: typeof storage.ask = (statement, values) => {
        if (!statement.text.includes('q.id = ANY(')) sorted.push(statement.text);
        return storage.ask(statement, values);
      };
      const lists = new FallbackRepository(storage.prisma, ask, 'default', () => 60_000);
      const gone = new Set<string>();
      const nearest = many
        .map((id, i) => ({ id, i, age: (i * 37) % 500 }))
        .sort((a, b) => a.age - b.age)
        .map(({ id, i }) => ({ id, group: groupIdOf(i) }));
      const byHand = (anchor: (typeof nearest)[number], excluded: readonly string[], limit: number): string[] => {
        const seen = new Set<string>();
        return nearest
          .filter(({ id }) => id !== anchor.id && !gone.has(id) && !excluded.includes(id))
          .filter(({ group }) => group === null || (group !== anchor.group && !seen.has(group) && seen.add(group)))
          .map(({ id }) => id)
          .slice(0, limit);
      };
      const random = makeRandom(11);
      for (let round = 0; round < 25; round++) {
        const anchor = nearest[random.int(nearest.length)]!;
        const excludeIds = nearest.slice(0, [0, 5, 100][round % 3]!).map(({ id }) => id);
        const limit = [12, 50, 100][random.int(3)]!;
        const given = { id: anchor.id, groupId: anchor.group };
        const found = await lists.list({ anchor: given, categories: ['large'], filter: { excludeIds }, limit });
        expect(found.map(({ id }) => id)).toEqual(byHand(anchor, excludeIds, limit));
        const sold = nearest[random.int(80)]!;
        gone.add(sold.id);
        await storage.prisma.product.deleteMany({ where: { id: sold.id } });
      }
      // Once for all of them, and for each that the first 256 left short.
      expect(sorted.length).toBeGreaterThan(0);
      expect(sorted.length).toBeLessThan(12);
      await storage.prisma.product.deleteMany({ where: { id: { in: many } } });
    });

    test('once a product has a vector its list is ranked, and one that has none still has the other', async () => {
      await addModel(api.database, { p00: [1, 0], p01: [1, 0.1], p02: [1, 0.3] });
      await expect.poll(async () => (await list({ fallback: 'POPULAR' })).status).toBe('OK');
      expect(idsOf(await list({ fallback: 'POPULAR' }))).toEqual(['p01', 'p02']);
      expect(await list({ id: 'p03' })).toMatchObject({ status: 'COLD_ITEM', nodes: [] });
      expect((await list({ id: 'p03', fallback: 'CATEGORY' })).status).toBe('FALLBACK_CATEGORY');
    });
  });
}

describeFallback('PGlite', () => freshDatabase());
describeFallback('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
