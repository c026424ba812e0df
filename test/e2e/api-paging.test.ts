import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { addModel, addProducts, unit } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';

type Item = { id: string; vector: number[]; available: boolean; categories: string[]; price: string | null };

const random = lcg(7);
const CATEGORIES = ['shoes', 'shirts', 'hats', 'rare'];
/** Many products share a vector: ties are part of life, also more of them than a page and its margin hold. */
const items: Item[] = Array.from({ length: 260 }, (_, i) => ({
  id: `p${String(i).padStart(3, '0')}`,
  vector: i % 3 === 2 ? [1, 1, 1, 1, 1, 1] : Array.from({ length: 6 }, () => random() - 0.5),
  available: random() < 0.6,
  categories: [i % 60 === 0 ? 'rare' : CATEGORIES[Math.floor(random() * 3)]!],
  price: i % 7 === 0 ? null : (random() * 100).toFixed(2),
}));
let api: TestApi;
let model: number;

beforeAll(async () => {
  api = await testApi();
  const drafts = items.map(({ id, available, categories, price }) => ({
    id,
    categories,
    availableForSale: available,
    ...(price === null ? {} : { price, currencyCode: 'EUR' }),
  }));
  await addProducts(api.database, drafts);
  model = (await addModel(api.database, Object.fromEntries(items.map(({ id, vector }) => [id, vector])))).number;
});
afterAll(() => api[Symbol.asyncDispose]());

/** The numbers do not have to be good, only the same in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const passes = (filter: SearchFilter, { id, available, categories, price }: Item): boolean =>
  (filter.available === undefined || filter.available === available) &&
  (filter.categories === undefined || filter.categories.some((category) => categories.includes(category))) &&
  (filter.minPrice === undefined || (price !== null && Number(price) >= Number(filter.minPrice))) &&
  (filter.maxPrice === undefined || (price !== null && Number(price) <= Number(filter.maxPrice))) &&
  !filter.excludeIds?.includes(id);

/** Brute force over all products: distance, then id. */
function expected(anchorId: string, filter: SearchFilter): { id: string; distance: number }[] {
  const of = (item: Item) => unit(item.vector);
  const anchor = of(items.find(({ id }) => id === anchorId)!);
  return items
    .filter((item) => item.id !== anchorId && passes(filter, item))
    .map((item) => ({ id: item.id, distance: of(item).reduce((sum, x, i) => sum + (x - anchor[i]!) ** 2, 0) }))
    .sort((a, b) => a.distance - b.distance);
}

const price = fc.integer({ min: 0, max: 110 }).map((euros) => `${euros}.5`);
const filters = fc.record(
  {
    available: fc.boolean(),
    categories: fc.subarray([...CATEGORIES, 'nothing has this'], { minLength: 1, maxLength: 3 }),
    minPrice: price,
    maxPrice: price,
    excludeIds: fc.subarray(
      items.map(({ id }) => id),
      { maxLength: 40 },
    ),
  },
  { requiredKeys: [] },
);
const anchors = fc.constantFrom(...items.map(({ id }) => id));

test('a search under any filter returns a full page whenever one exists, of passing products only, nearest first', async () => {
  const { search } = api.database.repositories;
  const cases = fc.asyncProperty(
    anchors,
    filters,
    fc.integer({ min: 1, max: 51 }),
    fc.integer({ min: 0, max: 280 }),
    async (anchor, filter, limit, offset) => {
      const oracle = expected(anchor, filter);
      const before = offset ? (await nearestTo(search, model, anchor, filter, offset)).neighbours : [];
      const found = (await nearestTo(search, model, anchor, filter, limit, before.at(-1))).neighbours;
      expect(found).toHaveLength(Math.max(0, Math.min(limit, oracle.length - offset)));
      const known = new Map(oracle.map(({ id, distance }) => [id, distance]));
      for (const [i, { productId, distance }] of found.entries()) {
        expect(known.has(productId)).toBe(true);
        expect(distance).toBeCloseTo(known.get(productId)!, 4);
        expect(distance).toBeCloseTo(oracle[offset + i]!.distance, 4); // products may swap places at the same distance only
      }
    },
  );
  await fc.assert(cases, { numRuns: 60, seed: 11 });
});

const PAGE = `query ($id: ID!, $first: Int, $after: String, $filter: ProductFilter) { similarItems(id: $id, first: $first, after: $after, filter: $filter) {
  status edges { position score node { id } } pageInfo { hasNextPage endCursor } } }`;
type Page = {
  edges: { position: number; score: number; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
};

async function allPages(
  id: string,
  first: number,
  filter: object,
  start: string | null = null,
): Promise<Page['edges']> {
  const edges: Page['edges'] = [];
  let after = start;
  for (;;) {
    const { data } = await api.shop(PAGE, { id, first, after, filter });
    const page: Page = data.similarItems;
    edges.push(...page.edges);
    if (!page.pageInfo.hasNextPage) return edges;
    expect(page.edges).toHaveLength(first);
    after = page.pageInfo.endCursor;
  }
}

test('a cursor under another filter goes on behind the same place, with what passes the new one', async () => {
  const before: Page = (await api.shop(PAGE, { id: 'p001', first: 40 })).data.similarItems;
  const filter = { available: true };
  const behind = await allPages('p001', 40, filter, before.pageInfo.endCursor);
  const shown = before.edges.map(({ node }) => node.id);
  const passing = items.filter((item) => item.id !== 'p001' && item.available && !shown.includes(item.id));
  expect(behind.map(({ node }) => node.id).sort()).toEqual(passing.map(({ id }) => id).sort());
  expect(behind[0]?.position).toBe(41);
});

test('page by page, every product that passes comes once, in order, numbered from 1', async () => {
  const cases = fc.asyncProperty(anchors, filters, fc.integer({ min: 7, max: 50 }), async (anchor, filter, first) => {
    const { minPrice, maxPrice, ...rest } = filter;
    fc.pre(minPrice === undefined || maxPrice === undefined || Number(minPrice) <= Number(maxPrice));
    const asked = { ...rest, price: { min: minPrice ?? null, max: maxPrice ?? null } };
    const edges = await allPages(anchor, first, asked);
    const oracle = expected(anchor, filter);
    expect(edges.map(({ node }) => node.id).sort()).toEqual(oracle.map(({ id }) => id).sort());
    expect(edges.map(({ position }) => position)).toEqual(oracle.map((_, i) => i + 1));
    for (const [i, { score }] of edges.entries()) expect(score).toBeCloseTo(1 - oracle[i]!.distance / 4, 4);
  });
  await fc.assert(cases, { numRuns: 12, seed: 5 });
});

test('a product that is deleted between two pages costs no other product its place, also among ties and under a filter', async () => {
  const rest = (pages: Page['edges']) => pages.map(({ node }) => node.id);
  const filter = { excludeIds: ['p001'] };
  const whole = rest(await allPages('p008', 50, filter)); // 85 others have its picture
  for (const first of [5, 10, 31]) {
    const { data } = await api.shop(PAGE, { id: 'p008', first, filter });
    const page: Page = data.similarItems;
    const gone = [whole[0]!, page.edges[first - 1]!.node.id]; // the last one shown, too: the cursor names it
    await api.database.repositories.products.remove(gone);
    const later = await allPages('p008', 7, filter, page.pageInfo.endCursor);
    expect(rest(later)).toEqual(whole.slice(first));
    expect(later[0]!.position).toBe(first + 1);
    whole.splice(0, whole.length, ...whole.filter((id) => !gone.includes(id)));
  }
});
