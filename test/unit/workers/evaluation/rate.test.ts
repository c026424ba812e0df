import { expect, test } from 'vitest';
import { SeenPairs } from '../../../../learning/relevance/seen-pairs.ts';
import { ratesOf, relativeTo } from '../../../../workers/evaluation/rate.ts';
import type { EvaluationSet } from '../../../../workers/evaluation/set.ts';

const ANCHORS = 24;
const ITEMS = 15;
/** Items lie on a circle, each anchor by its own direction beside the start of it: items are nearer to it than anchors. */
function at(turn: number, anchor = -1): Float32Array {
  const row = new Float32Array(2 + ANCHORS);
  row.set([Math.cos(Math.PI * turn), Math.sin(Math.PI * turn)].map((value) => value * (anchor < 0 ? 1 : 0.7)));
  if (anchor >= 0) row[2 + anchor] = Math.sqrt(1 - 0.7 ** 2);
  return row;
}
const anchorId = (i: number) => `anchor ${i}`;
const itemId = (i: number) => `item ${i}`;

/** Items were shown in their order and chosen the more the later they stood; each version ranks them by its own angles. */
function world(changes: Partial<EvaluationSet> = {}) {
  const productIds = [
    ...Array.from({ length: ANCHORS }, (_, i) => anchorId(i)),
    ...Array.from({ length: ITEMS }, (_, i) => itemId(i)),
  ];
  const seen = Array.from({ length: ANCHORS }, (_, anchor) =>
    Array.from({ length: ITEMS }, (_i, i) => {
      const clicks = 2 * i;
      return { anchor, item: ANCHORS + i, position: i + 1, impressions: 100, clicks, value: clicks };
    }),
  ).flat();
  const set: EvaluationSet = {
    productIds,
    sampled: productIds.length,
    categories: new Int32Array(productIds.length).fill(-1),
    groups: new Int32Array(productIds.length).fill(-1),
    queries: new Int32Array(),
    structure: [],
    clicks: [[], [], []],
    choices: [[], [], []],
    later: [[], [], []],
    ratings: [],
    held: new Set(Array.from({ length: ANCHORS }, (_, i) => i)),
    seen: SeenPairs.from(seen),
    isWhole: true,
    ...changes,
  };
  const vectors = (turnOf: (i: number) => number) =>
    new Map([
      ...Array.from({ length: ANCHORS }, (_, i) => [anchorId(i), at(0, i)] as const),
      ...Array.from({ length: ITEMS }, (_, i) => [itemId(i), at(turnOf(i))] as const),
    ]);
  return { set, vectors };
}

test('a version that shows first what is chosen gets more choices a view than the one that serves', async () => {
  const { set, vectors } = world();
  const serving = vectors((i) => 0.01 * (i + 1));
  const candidate = vectors((i) => 0.01 * (ITEMS - i));
  const rates = (await ratesOf(set, candidate, [serving]))!;
  expect(rates.candidate.seen).toBe(1);
  expect(rates.candidate.doublyRobust.mean).toBeGreaterThan(rates.rivals[0]!.doublyRobust.mean);
  const [difference] = rates.differences;
  expect(difference!.low).toBeGreaterThan(0);
  expect(difference!.mean).toBeCloseTo(rates.candidate.doublyRobust.mean - rates.rivals[0]!.doublyRobust.mean, 12);
  expect(difference!.high).toBeGreaterThan(difference!.mean);
  const own = rates.rivals[0]!.doublyRobust.mean;
  expect(relativeTo(rates.rivals[0]!, difference!)?.low).toBeCloseTo(difference!.low / own, 12);
  expect((await ratesOf(set, serving, [candidate]))!.differences[0]!.high).toBeLessThan(0);
});

test('nothing is said of fewer than twenty anchors, of a part of a catalog, and of products that versions learned from', async () => {
  const { set, vectors } = world();
  const own = vectors((i) => 0.01 * (i + 1));
  expect(await ratesOf(set, own, [])).toMatchObject({ rivals: [], differences: [] });
  const few = set.seen.filter((anchor) => anchor < 19);
  for (const changes of [{ seen: few }, { isWhole: false }, { held: new Set<number>() }])
    expect(await ratesOf({ ...set, ...changes }, own, [own])).toBeNull();
});

test('what a list does not show brings no choices: variants of the anchor, and all but the nearest of a group', async () => {
  const { set, vectors } = world();
  const [own, other] = [vectors((i) => 0.01 * (i + 1)), vectors((i) => 0.01 * (i === 0 ? 3.5 : ITEMS - i))];
  const groupOf = (id: string): number => {
    if (id.startsWith('anchor') || id === itemId(7)) return 0;
    return [itemId(3), itemId(9)].includes(id) ? 1 : -1;
  };
  const without = (from: typeof own, ...items: readonly number[]) => {
    const left = new Map(from);
    for (const item of items) left.delete(itemId(item));
    return left;
  };
  const grouped = { ...set, groups: Int32Array.from(set.productIds, groupOf) };
  const found = await ratesOf(grouped, own, [other]);
  // The one has 3 before 9, the other 9 before 3; neither shows 7, nor other anchors.
  expect(found).toEqual(await ratesOf(set, without(own, 7, 9), [without(other, 7, 3)]));
  expect(found).not.toEqual(await ratesOf(set, own, [other]));
});

test('an anchor of whose lists every beacon was lost is none of the twenty: choices of nobody knows how many views are no rate', async () => {
  const { set, vectors } = world();
  const own = vectors((i) => 0.01 * (i + 1));
  const losing = (from: number) =>
    SeenPairs.from([...set.seen].map((pair) => (pair.anchor < from ? pair : { ...pair, impressions: 0 })));
  expect(await ratesOf({ ...set, seen: losing(19) }, own, [own])).toBeNull();
  const [found, alone] = [losing(20), set.seen.filter((anchor) => anchor < 20)];
  const rates = await ratesOf({ ...set, seen: found }, own, [own]);
  expect(rates).not.toBeNull();
  expect(rates).toEqual(await ratesOf({ ...set, seen: alone }, own, [own]));
});

test('while it is estimated the process does other things, too: a worker that gives no sign for seconds loses its job', async () => {
  const { set, vectors } = world();
  let turns = 0;
  let next: NodeJS.Immediate;
  const count = () => {
    turns++;
    next = setImmediate(count);
  };
  count();
  await ratesOf(
    set,
    vectors((i) => 0.01 * i),
    [],
  );
  clearImmediate(next!);
  // One for each anchor, and for every fifty of a thousand draws.
  expect(turns).toBeGreaterThanOrEqual(ANCHORS + 20);
});
