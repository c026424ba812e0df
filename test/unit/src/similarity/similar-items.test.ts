import { expect, test } from 'vitest';
import type { ServingPointer } from '../../../../src/db/models.ts';
import type { Neighbour } from '../../../../src/db/search/repository.ts';
import type { SearchFilter } from '../../../../src/db/search/statement.ts';
import { VersionGone } from '../../../../src/db/sql/version-gone.ts';
import { pictureSpace } from '../../../../src/ports/space.ts';
import { noTelemetry } from '../../../../src/ports/telemetry.ts';
import type { Wanted } from '../../../../src/similarity/answer-view.ts';
import { makeCursor } from '../../../../src/similarity/cursor.ts';
import { inPlaces } from '../../../../src/similarity/exploration.ts';
import { verifyList } from '../../../../src/similarity/recommendation-id.ts';
import { similarItems } from '../../../../src/similarity/similar-items.ts';

const signingKey = 'a key of at least thirty-two characters';
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

/** `tables`: what each version's table ranks; a version without one is dropped. */
function world(tables: Record<number, Neighbour[]>, pointers: ServingPointer[], states: Record<string, string> = {}) {
  const reads = [...pointers];
  let pinned: ServingPointer | null = reads.shift() ?? null;
  const deps = {
    signingKey,
    exploring: 0,
    fallbacks: { list: async () => [row('popular')] },
    filters: [],
    reranker: null,
    log: { error: () => {} },
    telemetry: noTelemetry,
    now: () => new Date(0),
    models: {
      byId: async (id: string) =>
        ({ id, number: Number(id.slice(4)), state: states[id] ?? 'RETIRED', dimensions: 2, spaces: [] }) as never,
    },
  };
  const view = {
    inTime: <T>(ask: () => Promise<T>) => ask(),
    serving: async () => pinned,
    forgetServing: () => {
      pinned = reads.shift() ?? null;
    },
    async nearest({ version, anchorId, limit, behind }: Wanted) {
      const table = tables[version.number];
      if (!table) throw new VersionGone(null);
      const neighbours = table.filter(({ l2 }) => !behind || l2 > behind.l2).slice(0, limit);
      return { anchor: anchorId === 'a' ? ('ranked' as const) : ('unknown' as const), neighbours };
    },
    product: async (id: string) => (id === 'a' ? row('a') : null),
    alike: async () => () => 0,
    spelled: async (filter: SearchFilter) => filter,
    distinct: async () => new Set<string>(),
  };
  return { deps, view };
}
const pointer = (number: number): ServingPointer => ({
  modelId: `mdl_${number}`,
  number,
  epoch: number,
  spaces: [pictureSpace(2)],
});
const ranked = (...ids: string[]) =>
  ids.map((productId, i) => ({ productId, distance: i, l2: Math.sqrt(i), product: row(productId) }));
/** Behind the first product of a ranking. */
const FIRST = { modelId: 'mdl_1', anchorId: 'a', position: 1, l2: 0, productId: 'b', skip: 0 };

test('a score is 1 - D/4 and a position counts from 1', async () => {
  const { deps, view } = world({ 1: ranked('b', 'c') }, [pointer(1)]);
  const page = await similarItems(deps, { anchorId: 'a' }, view);
  expect(page.items.map(({ product, position, score }) => [product.id, position, score])).toEqual([
    ['b', 1, 1],
    ['c', 2, 0.75],
  ]);
});

test('a page has 12 products unless somebody asks for another number, of 1 to 50', async () => {
  const many = ranked(...Array.from({ length: 60 }, (_, i) => `p${i}`));
  const lengthOf = async (first?: number) => {
    const { deps, view } = world({ 1: many }, [pointer(1)]);
    return (await similarItems(deps, { anchorId: 'a', first }, view)).items.length;
  };
  expect([await lengthOf(), await lengthOf(1), await lengthOf(50)]).toEqual([12, 1, 50]);
  for (const first of [0, 51, 1.5]) await expect(lengthOf(first)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a list is signed with where it stands: a slug of up to 40 characters, `default` where nothing is said', async () => {
  const placed = async (placement?: string | null) => {
    const { deps, view } = world({ 1: ranked('b') }, [pointer(1)]);
    const { recommendationId } = await similarItems(deps, { anchorId: 'a', placement }, view);
    return verifyList(signingKey, recommendationId, new Date(0)).placement;
  };
  const longest = 'a'.repeat(40);
  const names = [undefined, null, 'default', 'product-page', '2nd-row', longest];
  expect(await Promise.all(names.map(placed))).toEqual([
    ...Array(3).fill('default'),
    'product-page',
    '2nd-row',
    longest,
  ]);
  for (const wrong of ['', 'Cart', 'a b', '-a', 'a-', 'a--b', 'ä', `${longest}a`])
    await expect(placed(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', facts: { argument: 'placement' } });
});

test('a version retired between reading the pointer and its table costs one more read, not the answer', async () => {
  const { deps, view } = world({ 2: ranked('b') }, [pointer(1), pointer(2)]);
  const page = await similarItems(deps, { anchorId: 'a' }, view);
  expect(page).toMatchObject({ status: 'OK', modelId: 'mdl_2' });
});

test('a pointer that keeps naming a dropped table is an error, after two tries', async () => {
  const { deps, view } = world({}, [pointer(1), pointer(1), pointer(1)]);
  await expect(similarItems(deps, { anchorId: 'a' }, view)).rejects.toThrow(VersionGone);
});

test('paging goes on in the version that ranked the first page while it is kept', async () => {
  const { deps, view } = world({ 1: ranked('b', 'c', 'd'), 2: ranked('d', 'c', 'b') }, [pointer(2)], {
    mdl_1: 'STANDBY',
  });
  const after = makeCursor(signingKey, FIRST);
  const page = await similarItems(deps, { anchorId: 'a', first: 1, after }, view);
  expect(page).toMatchObject({ modelId: 'mdl_1', hasPreviousPage: true, hasNextPage: true });
  expect(page.items).toMatchObject([{ product: { id: 'c' }, position: 2 }]);
});

test.each(['RETIRED', 'REJECTED', 'EMBEDDING', 'CANDIDATE'])(
  'a cursor of a version that is %s is retired',
  async (state) => {
    const { deps, view } = world({ 1: ranked('b'), 2: ranked('b') }, [pointer(2)], { mdl_1: state });
    const after = makeCursor(signingKey, FIRST);
    await expect(similarItems(deps, { anchorId: 'a', after }, view)).rejects.toMatchObject({ code: 'CURSOR_RETIRED' });
  },
);

test('a cursor whose table is dropped this moment is retired too', async () => {
  const { deps, view } = world({ 2: ranked('b') }, [pointer(2)], { mdl_1: 'STANDBY' });
  const after = makeCursor(signingKey, FIRST);
  await expect(similarItems(deps, { anchorId: 'a', after }, view)).rejects.toMatchObject({ code: 'CURSOR_RETIRED' });
});

test('an unknown product is told from one that nothing ranks yet, with and without a version', async () => {
  const { deps, view } = world({ 1: ranked('b') }, [pointer(1)]);
  expect(await similarItems(deps, { anchorId: 'x' }, view)).toMatchObject({ status: 'ITEM_UNKNOWN', items: [] });
  const none = world({}, []);
  expect(await similarItems(none.deps, { anchorId: 'x' }, none.view)).toMatchObject({ status: 'ITEM_UNKNOWN' });
  expect(await similarItems(none.deps, { anchorId: 'a' }, none.view)).toMatchObject({ status: 'MODEL_NOT_READY' });
});

test('a fallback is shown in place of nothing, where it is asked for; the list that is signed stays empty', async () => {
  const { deps, view } = world({}, []);
  const page = await similarItems(deps, { anchorId: 'a', fallback: 'POPULAR' }, view);
  expect(page).toMatchObject({
    status: 'FALLBACK_POPULAR',
    modelId: null,
    items: [{ product: { id: 'popular' }, score: 0 }],
  });
  expect(verifyList(signingKey, page.recommendationId, new Date(0))).toMatchObject({ modelId: null, itemIds: [] });
  const ranking = world({ 1: ranked('b') }, [pointer(1)]);
  const alike = await similarItems(ranking.deps, { anchorId: 'a', fallback: 'POPULAR' }, ranking.view);
  expect(alike).toMatchObject({ status: 'OK', items: [{ product: { id: 'b' } }] });
  const wrong = similarItems(deps, { anchorId: 'a', fallback: 'NEWEST' as never }, view);
  await expect(wrong).rejects.toThrow('fallback must be one of NONE, CATEGORY, POPULAR');
});

test('of lists that explore the given share exchange two neighbours; the signed list says which, and the next page misses nothing', async () => {
  const names = ['b', 'c', 'd', 'e', 'f'];
  const { deps, view } = world({ 1: ranked(...names) }, [pointer(1)]);
  const exploring = { ...deps, exploring: 0.2 };
  let explored = 0;
  for (let i = 0; i < 300; i++) {
    const page = await similarItems(exploring, { anchorId: 'a', first: 3 }, view);
    const shown = page.items.map(({ product }) => product.id);
    const { itemIds, exploration } = verifyList(signingKey, page.recommendationId, new Date(0));
    expect(itemIds).toEqual(shown);
    expect(exploration.share).toBe(0.2);
    const wanted = inPlaces(['b', 'c', 'd'], { first: 1 }, exploration);
    expect(shown).toEqual(wanted);
    if (exploration.swapped === 0) continue;
    explored++;
    for (const [at, item] of page.items.entries()) {
      const rest = await similarItems(deps, { anchorId: 'a', first: 5, after: item.cursor() }, view);
      expect(rest.items.map(({ product }) => product.id)).toEqual(names.slice(at + 1));
    }
  }
  expect(explored).toBeGreaterThan(20);
  expect(explored).toBeLessThan(120);
});

test('a list under a shopper’s own filter stays as it is ranked', async () => {
  const { deps, view } = world({ 1: ranked('b', 'c', 'd') }, [pointer(1)]);
  for (let i = 0; i < 100; i++) {
    const request = { anchorId: 'a', filter: { categories: ['x'] } };
    const page = await similarItems({ ...deps, exploring: 0.2 }, request, view);
    expect(verifyList(signingKey, page.recommendationId, new Date(0)).exploration).toEqual({ share: 0, swapped: 0 });
  }
});

test('a list brings the parts of products that are shown; a reranker gets whole products, whatever is shown', async () => {
  const { deps, view } = world({ 1: ranked('b') }, [pointer(1)]);
  const asked: Wanted['parts'][] = [];
  const nearest = (wanted: Wanted) => {
    asked.push(wanted.parts);
    return view.nearest(wanted);
  };
  const shown = { anchorId: 'a', parts: { pictures: false, labels: false } };
  await similarItems(deps, shown, { ...view, nearest });
  const reranker = { name: 'own', rerank: () => ['b'] };
  await similarItems({ ...deps, reranker }, shown, { ...view, nearest });
  expect(asked).toEqual([{ pictures: false, labels: false }, {}]);
});
