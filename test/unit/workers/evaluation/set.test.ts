import { expect, test } from 'vitest';
import { splitOf } from '../../../../learning/metrics/split.ts';
import type { PairStatistics } from '../../../../src/db/feedback-days.ts';
import type { ReadyImage } from '../../../../src/db/images.ts';
import type { Rating } from '../../../../src/db/ratings.ts';
import { collectEvaluationSet } from '../../../../workers/evaluation/set.ts';

type Repositories = Parameters<typeof collectEvaluationSet>[0];
const UNTIL = new Date('2026-06-01T12:00:00Z');

/** Pages as the database gives them. `ids` in order, each of the category that its first letter names. `lists`: anchors before what was seen beside them. */
function shop(
  ids: readonly string[],
  lists: readonly (readonly string[])[] = [],
  ratings: readonly Rating[] = [],
  groupOf: (id: string) => string | null = () => null,
) {
  const rowOf = new Map(ids.map((id, i) => [id, i]));
  const readyPage = async (limit: number, after: ReadyImage | null) => {
    const from = after ? rowOf.get(after.productId)! + 1 : 0;
    return ids.slice(from, from + limit).map((id) => ({
      id,
      productId: id,
      position: 0,
      source: id,
      contentHash: id,
      categories: [id[0]!],
      groupId: groupOf(id),
    }));
  };
  const statistics = lists.flatMap(([anchorId, ...items]) =>
    items.map((itemId, i): PairStatistics => {
      const clicks = i < 3 ? 100 : 1;
      const seen = { position: i + 1, placement: 'default', impressions: 1000 };
      return { anchorId: anchorId!, itemId, ...seen, clicks, value: clicks };
    }),
  );
  const read = async (_until: Date, take: (page: PairStatistics[]) => void) => take(statistics) ?? {};
  const tellingLists = async ({ isWanted }: { isWanted: (id: string) => boolean }) =>
    lists.filter(([anchor]) => isWanted(anchor!));
  const found = {
    images: { readyPage },
    feedback: { days: { read }, tellingLists },
    ratings: { upTo: async () => ratings },
  };
  return found as unknown as Repositories;
}

/** Nineteen of twenty ids, and the first of them, are of the category a. */
const idsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${i < 0.95 * count ? 'a' : 'b'}-${String(i).padStart(6, '0')}`);

test('a large catalog is measured by a sample of it, and not by its first ids, and mostly by the same one when it has grown', async () => {
  const { productIds, queries, structure, isWhole } = await collectEvaluationSet(
    shop(idsOf(22_000)),
    UNTIL,
    '2026-06-02',
  );
  expect([productIds.length, queries.length, structure.length, isWhole]).toEqual([4000, 1000, 6000, false]);
  const looked = Array.from(queries, (row) => productIds[row]!);
  const others = looked.filter((id) => id.startsWith('b')).length;
  expect(Math.abs(others - 50)).toBeLessThan(25);
  expect(productIds).toEqual([...productIds].sort());
  const grown = await collectEvaluationSet(
    shop([...idsOf(22_000), ...Array(2000).keys()].map(String)),
    UNTIL,
    '2026-06-02',
  );
  const known = new Set(productIds);
  expect(grown.productIds.filter((id) => known.has(id)).length / 4000).toBeGreaterThan(0.85);
});

test('a small catalog is measured by all of it, in the order in which the database has its ids: of equal distances the lower id is served first', async () => {
  const ids = idsOf(300).reverse(); // a collation is no order of ours
  const { productIds, sampled, queries, isWhole } = await collectEvaluationSet(shop(ids), UNTIL, '2026-06-02');
  const held = ids.filter((id) => splitOf(id) === 'test');
  expect(productIds).toEqual(ids);
  expect(Array.from(queries, (row) => productIds[row])).toEqual(held);
  expect([sampled, queries.length, isWhole]).toEqual([300, held.length, true]);
});

test('products of one group have one number, and those without a group none', async () => {
  const ids = idsOf(60);
  const group = (id: string) => (Number(id.slice(2)) % 5 > 1 ? `group ${Number(id.slice(2)) % 5}` : null);
  const { productIds, groups } = await collectEvaluationSet(shop(ids, [], [], group), UNTIL, '2026-06-02');
  const named = new Map(productIds.map((id, row) => [group(id), groups[row]]));
  expect([...groups]).toEqual(productIds.map((id) => named.get(group(id))));
  expect(named.get(null)).toBe(-1);
  expect([...named.values()].sort()).toEqual([-1, 0, 1, 2]);
  const large = idsOf(22_000);
  const lists = large
    .filter((id, i) => i % 500 === 0 && splitOf(id) === 'test')
    .map((id, i) => [id, ...large.slice(i, i + 12)]);
  const found = await collectEvaluationSet(
    shop(large, lists, [], () => 'all'),
    UNTIL,
    '2026-05-31',
  );
  expect(found.productIds.length).toBeGreaterThan(found.sampled);
  expect([...found.groups]).toEqual(found.productIds.map((_id, row) => (row < found.sampled ? 0 : -1)));
});

test('no triplet of categories compares an anchor with its own variant, and all others are those of a shop without groups', async () => {
  const ids = idsOf(400);
  const group = (id: string) => (Number(id.slice(2)) % 3 > 0 ? `group ${Number(id.slice(2)) % 7}` : null);
  const single = await collectEvaluationSet(shop(ids), UNTIL, '2026-06-02');
  const grouped = await collectEvaluationSet(shop(ids, [], [], group), UNTIL, '2026-06-02');
  const named = ({ q, p, n }: { q: number; p: number; n: number }) => [q, p, n].map((row) => group(ids[row]!));
  const isOfOthers = (triplet: (typeof single.structure)[number]) => {
    const [anchor, ...others] = named(triplet);
    return anchor === null || !others.includes(anchor!);
  };
  expect(grouped.structure).toEqual(single.structure.filter(isOfOthers));
  const [all, left] = [single, grouped].map(({ structure }) => structure.length);
  // Two of three anchors have a group, and two of twenty-one products are in it: of their positives and of their negatives.
  expect(left! / all!).toBeGreaterThan(0.8);
  expect(left! / all!).toBeLessThan(0.95);
});

test('what shoppers and raters said of a large catalog is asked, whichever products they spoke of', async () => {
  const ids = idsOf(22_000);
  const anchors = (isHeld: boolean) =>
    ids.filter((id, i) => i % 7 === 0 && (splitOf(id) === 'test') === isHeld).slice(0, 40);
  const listOf = (anchor: string, i: number) => [
    anchor,
    ...Array.from({ length: 12 }, (_, k) => ids[37 * i + 401 * (k + 1)]!),
  ];
  const lists = [...anchors(true), ...anchors(false)].map(listOf);
  const ratings = anchors(true).map((anchorId, i) => ({ anchorId, positiveId: ids[i]!, negativeId: ids[9000 + i]! }));
  const found = await collectEvaluationSet(shop(ids, lists, ratings), UNTIL, '2026-05-31');
  const anchorsOf = (triplets: readonly { q: number }[]) => new Set(triplets.map(({ q }) => found.productIds[q]!));
  expect([...anchorsOf(found.clicks[0])].sort()).toEqual(anchors(true).sort());
  expect(anchorsOf(found.later[0]).size).toBe(80);
  expect(found.clicks[0].length).toBeGreaterThan(40 * 10);
  expect(found.choices[0].map(({ items }) => items.length)).toEqual(Array(40).fill(12));
  expect(found.ratings.length).toBe(40);
  // They stand behind the sample, which is what it would be without them.
  const { productIds, queries, structure } = await collectEvaluationSet(shop(ids), UNTIL, '2026-05-31');
  expect(found.productIds.slice(0, found.sampled)).toEqual(productIds);
  expect([found.queries, found.structure]).toEqual([queries, structure]);
});

test('however much people spoke of, twice a sample is compared at most', async () => {
  const ids = idsOf(22_000);
  const lists = ids.filter((_, i) => i % 10 === 0).map((anchor, i) => [anchor, ...ids.slice(9 * i, 9 * i + 24)]);
  const { productIds, sampled } = await collectEvaluationSet(shop(ids, lists), UNTIL, '2026-05-31');
  expect(sampled).toBe(4000);
  expect(productIds.length).toBeGreaterThan(8000);
  expect(productIds.length).toBeLessThan(8100);
  expect(new Set(productIds).size).toBe(productIds.length);
});
