import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Neighbour } from '../../../../src/db/search/repository.ts';
import type { Behind } from '../../../../src/db/search/statement.ts';
import type { Candidate, Reranker } from '../../../../src/ports/reranker.ts';
import { noTelemetry } from '../../../../src/ports/telemetry.ts';
import type { Wanted } from '../../../../src/similarity/answer-view.ts';
import { inSearchOrder, inWindows, type Placed } from '../../../../src/similarity/placed-list.ts';

const row = (id: string) => ({
  id,
  title: id,
  url: null,
  categories: [],
  tags: [],
  price: null,
  currency: null,
  available: true,
  groupId: null,
  image: null,
});
/** A ranking of so many products; how many were asked for, each time. */
function ranking(count: number) {
  const all: Neighbour[] = Array.from({ length: count }, (_, i) => {
    const productId = `p${String(i).padStart(3, '0')}`;
    return { productId, l2: i / 100, distance: (i / 100) ** 2, product: row(productId) };
  });
  const asked: number[] = [];
  const view = {
    product: async (id: string) => row(id),
    // One long row of products, of which neighbours are alike.
    alike: async () => (a: string, b: string) =>
      1 - Math.abs(all.findIndex((one) => one.productId === a) - all.findIndex((one) => one.productId === b)) / 1000,
    async nearest({ limit, behind }: { limit: number; behind: Behind | null }) {
      asked.push(limit);
      const neighbours = all.filter(({ l2 }) => !behind || l2 > behind.l2).slice(0, limit);
      return { anchor: 'ranked' as const, neighbours };
    },
  };
  return { all, asked, view };
}
const wanted = { version: { number: 1, spaces: [] }, anchorId: 'a', filter: {} } satisfies Partial<Wanted>;
const idsOf = (items: readonly Placed[]) => items.map(({ product }) => product.id);
function logging() {
  const logged: { err: Error; reranker: string }[] = [];
  return { logged, log: { error: (facts: (typeof logged)[number]) => void logged.push(facts) } as never };
}
const { log } = logging();
/** Puts candidates in an order. */
const by = (
  order: (candidates: readonly Candidate[]) => readonly Candidate[],
  more: Partial<Reranker> = {},
): Reranker => ({
  name: 'test',
  rerank: (_query, candidates) => order(candidates).map(({ product }) => product.id),
  ...more,
});
const backwards = (candidates: readonly Candidate[]) => candidates.toReversed();

/** All pages of a list, one after the other. */
async function pages(view: ReturnType<typeof ranking>['view'], reranker: Reranker, first: number): Promise<Placed[][]> {
  const found: Placed[][] = [];
  for (let place: Placed['place'] | null = null; ; ) {
    const { items, hasMore } = await inWindows(
      view,
      { reranker, log, telemetry: noTelemetry },
      { wanted, first, place },
    );
    found.push(items);
    if (!hasMore) return found;
    place = items.at(-1)!.place;
  }
}

test('page by page the list is the windows of the search, each in the order of the shop, and every product comes once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 25 }),
      async (count, candidates, first) => {
        const { all, view } = ranking(count);
        const found = await pages(view, by(backwards, { candidates }), first);
        const windows = Array.from({ length: Math.ceil(count / candidates) }, (_, i) =>
          all.slice(i * candidates, (i + 1) * candidates).toReversed(),
        );
        expect(idsOf(found.flat())).toEqual(windows.flat().map(({ productId }) => productId));
        if (first <= 4 * candidates) for (const page of found.slice(0, -1)) expect(page.length).toBe(first);
      },
    ),
  );
});

test('what the reranker leaves out is not shown, and the page is filled from what comes behind', async () => {
  const { view, asked } = ranking(100);
  const even = by((all) => all.filter(({ product }) => Number(product.id.slice(1)) % 2 === 0), { candidates: 10 });
  const { items, hasMore } = await inWindows(
    view,
    { reranker: even, log, telemetry: noTelemetry },
    { wanted, first: 12, place: null },
  );
  expect(idsOf(items)).toEqual(Array.from({ length: 12 }, (_, i) => `p${String(2 * i).padStart(3, '0')}`));
  expect([asked, hasMore]).toEqual([[11, 11, 11], true]);
});

test('a reranker is not asked about what is less alike than the least score, and no window after it is looked at', async () => {
  const { view, asked, all } = ranking(100);
  const minScore = 1 - all[14]!.distance / 4;
  const deps = { reranker: by(backwards, { candidates: 10 }), log, telemetry: noTelemetry };
  const { items, hasMore } = await inWindows(view, deps, { wanted, first: 20, minScore, place: null });
  const place = (i: number) => `p${String(i).padStart(3, '0')}`;
  expect(idsOf(items)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 14, 13, 12, 11, 10].map(place));
  expect([asked, hasMore]).toEqual([[11, 11], false]);
});

test('one that leaves nearly everything out is asked about five windows for a page', async () => {
  const { view, asked } = ranking(100);
  const none = by(() => [], { candidates: 10 });
  const list = await inWindows(
    view,
    { reranker: none, log, telemetry: noTelemetry },
    { wanted, first: 12, place: null },
  );
  expect([list.items, list.hasMore, asked.length]).toEqual([[], false, 5]);
});

test('it gets 50 candidates with their scores, nearest first, the product they are for, and what else it may show is its own', async () => {
  const { view, asked } = ranking(100);
  const got: unknown[] = [];
  const reranker: Reranker = {
    name: 'test',
    rerank(query, candidates) {
      got.push(query.id, candidates.length, candidates[0]!.score, candidates[49]!.product.id);
      return [candidates[49]!.product.id];
    },
  };
  const { items } = await inWindows(view, { reranker, log, telemetry: noTelemetry }, { wanted, first: 1, place: null });
  expect(got).toEqual(['a', 50, 1, 'p049']);
  expect(idsOf(items)).toEqual(['p049']);
  expect(asked).toEqual([51]);
});

test.each<[string, Reranker['rerank'], string]>([
  [
    'throws',
    () => {
      throw new Error('no model');
    },
    'no model',
  ],
  ['rejects', () => Promise.reject(new Error('no model')), 'no model'],
  ['names what was not found', () => ['elsewhere'], 'gave "elsewhere", which is no candidate'],
  ['names one twice', (_query, [one]) => [one!.product.id, one!.product.id], 'or is there twice'],
  ['gives no list', () => 'p001' as never, 'gave no list of ids'],
  ['never answers', () => new Promise(() => {}), 'it took over 1 ms'],
])(
  'where it %s the list is in the order of the search, or an error where it is required',
  async (_name, rerank, why) => {
    const { view } = ranking(10);
    const { logged, log } = logging();
    const reranker = { name: 'rule', timeoutMs: 1, rerank };
    const page = { wanted, first: 3, place: null };
    const { items } = await inWindows(view, { reranker, log, telemetry: noTelemetry }, page);
    expect(idsOf(items)).toEqual(['p000', 'p001', 'p002']);
    expect(logged).toMatchObject([{ reranker: 'rule', err: { message: expect.stringContaining(why) } }]);
    const required = inWindows(view, { reranker: { ...reranker, required: true }, log, telemetry: noTelemetry }, page);
    await expect(required).rejects.toMatchObject({ code: 'EXTENSION_FAILED', facts: { what: 'reranker rule' } });
  },
);

test('one whose time is over is told by its signal', async () => {
  const { view } = ranking(10);
  const reasons: unknown[] = [];
  const rerank: Reranker['rerank'] = (_query, _candidates, signal) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    return new Promise(() => {});
  };
  await inWindows(
    view,
    { reranker: { name: 'slow', timeoutMs: 1, rerank }, log, telemetry: noTelemetry },
    { wanted, first: 3, place: null },
  );
  expect(reasons).toMatchObject([{ message: 'it took over 1 ms' }]);
});

test('without one each product is a place of its own; a cursor that was made under one still names its place', async () => {
  const { view, all } = ranking(10);
  const { items, hasMore } = await inSearchOrder(view, { wanted, first: 4, place: null });
  expect(items.map(({ place }) => place)).toEqual(
    all.slice(0, 4).map(({ l2, productId }) => ({ l2, productId, skip: 0 })),
  );
  expect(hasMore).toBe(true);
  const place = { l2: -1, productId: '', skip: 6 };
  const rest = await inSearchOrder(view, { wanted, first: 12, place });
  expect([idsOf(rest.items), rest.hasMore]).toEqual([['p006', 'p007', 'p008', 'p009'], false]);
});
