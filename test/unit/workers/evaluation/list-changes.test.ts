import { expect, test } from 'vitest';
import { listChanges } from '../../../../workers/evaluation/list-changes.ts';

/** Places on a line: around each anchor fourteen items at distances 1 to 14, far from those of all others. */
const ITEMS = 14;
const FAR = 1000;
const anchorId = (anchor: number) => `anchor ${anchor}`;
const itemId = (anchor: number, item: number) => `item ${item} of ${anchor}`;
const namesOf = (anchor: number, items: readonly number[]) => items.map((item) => itemId(anchor, item));
const FIRST = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

function world(anchors: number) {
  const ids = Array.from({ length: anchors }, (_, anchor) => anchorId(anchor));
  const vectors = new Map(ids.map((id, anchor) => [id, Float32Array.of(FAR * anchor)]));
  for (let anchor = 0; anchor < anchors; anchor++)
    for (let item = 1; item <= ITEMS; item++) vectors.set(itemId(anchor, item), Float32Array.of(FAR * anchor + item));
  const groups = new Int32Array(vectors.size).fill(-1);
  return { set: { productIds: [...vectors.keys()], groups, queries: Int32Array.from(ids, (_, i) => i) }, vectors };
}

/** @param swaps pairs of items beside an anchor that change places */
function swapped(vectors: ReadonlyMap<string, Float32Array>, swaps: readonly (readonly [number, number, number])[]) {
  const changed = new Map(vectors);
  for (const [anchor, a, b] of swaps) {
    changed.set(itemId(anchor, a), vectors.get(itemId(anchor, b))!);
    changed.set(itemId(anchor, b), vectors.get(itemId(anchor, a))!);
  }
  return changed;
}

test('lists that changed are counted, their new products averaged, and those with most of them shown before and after', () => {
  const { set, vectors } = world(5);
  // None beside 0; another order beside 1; one new beside 2, none of the twelve moved beside 3; two new beside 4.
  const candidate = swapped(vectors, [
    [1, 1, 2],
    [2, 1, 13],
    [3, 13, 14],
    [4, 1, 13],
    [4, 12, 14],
  ]);
  const changes = listChanges(set, candidate, vectors)!;
  expect(changes).toMatchObject({ anchors: 5, changed: 3 });
  expect(changes.newShare).toBeCloseTo((1 + 2) / 12 / 5, 12);
  expect(changes.examples).toEqual([
    { anchorId: anchorId(4), before: namesOf(4, FIRST), after: namesOf(4, [13, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14]) },
    { anchorId: anchorId(2), before: namesOf(2, FIRST), after: namesOf(2, [13, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) },
    { anchorId: anchorId(1), before: namesOf(1, FIRST), after: namesOf(1, [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) },
  ]);
});

test('a hundred lists are compared at most, and three shown', () => {
  const { set, vectors } = world(101);
  const swaps = Array.from({ length: 101 }, (_, anchor) => [anchor, 1, 13] as const);
  const changes = listChanges(set, swapped(vectors, swaps), vectors)!;
  expect(changes).toMatchObject({ anchors: 100, changed: 100 });
  expect(changes.newShare).toBeCloseTo(1 / 12, 12);
  expect(changes.examples.map(({ anchorId }) => anchorId)).toEqual([0, 1, 2].map(anchorId));
});

test('a product of which one of the two has no vector is no change, and has no list', () => {
  const { set, vectors } = world(2);
  const serving = new Map(vectors);
  serving.delete(itemId(0, 1));
  serving.delete(anchorId(1));
  const same = { anchors: 1, changed: 0, newShare: 0, examples: [] };
  expect(listChanges(set, vectors, serving)).toEqual(same);
  expect(listChanges(set, serving, vectors)).toEqual(same);
});

test('lists are those that shoppers see: one of a group, nothing of the anchor, and a change behind it is none', () => {
  const { set, vectors } = world(2);
  const groups = set.productIds.map((id) => {
    if (id === anchorId(0) || id === itemId(0, 2)) return 0;
    return [1, 3, 5].some((item) => id === itemId(0, item)) ? 1 : -1;
  });
  const grouped = { ...set, groups: Int32Array.from(groups) };
  // Beside anchor 0 the farthest variant comes to the first place: it stands for the others there.
  const candidate = swapped(vectors, [[0, 1, 5]]);
  const others = [4, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const changes = listChanges(grouped, candidate, vectors)!;
  expect(changes).toMatchObject({ anchors: 2, changed: 1 });
  expect(changes.examples[0]!.before.slice(0, 11)).toEqual(namesOf(0, [1, ...others]));
  expect(changes.examples[0]!.after.slice(0, 11)).toEqual(namesOf(0, [5, ...others]));
  expect(changes.newShare).toBeCloseTo(1 / 12 / 2, 12);
  // Variants that change places behind the one that is shown, and those of the anchor, change nothing.
  const unseen = swapped(vectors, [
    [0, 3, 5],
    [0, 2, 5],
  ]);
  expect(listChanges(grouped, unseen, vectors)).toMatchObject({ anchors: 2, changed: 0, newShare: 0 });
  expect(listChanges(set, unseen, vectors)).toMatchObject({ changed: 1 });
});

test('a product of which all others are variants has no list', () => {
  const { set, vectors } = world(1);
  expect(listChanges({ ...set, groups: new Int32Array(vectors.size) }, vectors, vectors)).toBeNull();
});

test('where there is no list to compare nothing is said', () => {
  const { set, vectors } = world(1);
  expect(listChanges(set, vectors, new Map())).toBeNull();
  expect(listChanges({ ...set, queries: new Int32Array() }, vectors, vectors)).toBeNull();
  const alone = new Map([[anchorId(0), Float32Array.of(0)]]);
  expect(listChanges(set, vectors, alone)).toBeNull();
});
