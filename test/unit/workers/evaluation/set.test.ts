import { expect, test } from 'vitest';
import { splitOf } from '../../../../learning/metrics/split.ts';
import type { ReadyImage } from '../../../../src/db/images.ts';
import { collectEvaluationSet } from '../../../../workers/evaluation/set.ts';

type Repositories = Parameters<typeof collectEvaluationSet>[0];
const UNTIL = new Date('2026-06-01T12:00:00Z');

/** Pages as the database gives them. `ids` in order, each of the category that its first letter names. */
function shop(ids: readonly string[]) {
  const rowOf = new Map(ids.map((id, i) => [id, i]));
  const readyPage = async (limit: number, after: ReadyImage | null) => {
    const from = after ? rowOf.get(after.productId)! + 1 : 0;
    return ids
      .slice(from, from + limit)
      .map((id) => ({ id, productId: id, position: 0, source: id, contentHash: id, categories: [id[0]!] }));
  };
  const read = async () => ({});
  const found = { images: { readyPage }, feedback: { days: { read } }, ratings: { upTo: async () => [] } };
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

test('a small catalog is measured by all of it, held-out products first', async () => {
  const ids = idsOf(300);
  const { productIds, queries, isWhole } = await collectEvaluationSet(shop(ids), UNTIL, '2026-06-02');
  const held = ids.filter((id) => splitOf(id) === 'test');
  expect(productIds).toEqual([...held, ...ids.filter((id) => splitOf(id) !== 'test')]);
  expect([queries.length, isWhole]).toEqual([held.length, true]);
});
