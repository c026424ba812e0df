import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { type SeenPair, SeenPairs } from '../../../../learning/relevance/seen-pairs.ts';

/** Rows in no order, several of most pairs. */
function rows(n: number): SeenPair[] {
  const random = makeRandom(7);
  return Array.from({ length: n }, (_, i) => ({
    anchor: random.int(30),
    item: random.int(12),
    position: 1 + i,
    ...(random.int(3) === 0 && { placement: ['row', 'column'][random.int(2)]! }),
    impressions: random.next(),
    clicks: random.next(),
    value: random.next() - 0.5,
  }));
}
/** The rows that columns must give back; sorting is stable, so rows of a pair keep their order. */
const inOrder = (all: readonly SeenPair[]) => all.toSorted((a, b) => a.anchor - b.anchor || a.item - b.item);

test('columns give back the rows that they were made of, by anchor and item, rows of a pair as they came', () => {
  for (const n of [0, 1, 1024, 5000]) {
    const all = rows(n);
    expect([...SeenPairs.from(all)]).toEqual(inOrder(all));
    expect(SeenPairs.from(inOrder(all))).toEqual(SeenPairs.from(all));
  }
});

test('pairs are found by anchor and item, and anchors name theirs', () => {
  const all = rows(300);
  const seen = SeenPairs.from(all);
  const keys = [...new Set(inOrder(all).map(({ anchor, item }) => `${anchor} ${item}`))];
  expect(Array.from({ length: seen.pairs }, (_, pair) => `${seen.anchorOf(pair)} ${seen.itemOf(pair)}`)).toEqual(keys);
  for (let anchor = -1; anchor < 32; anchor++)
    for (let item = -1; item < 13; item++) expect(seen.pairOf(anchor, item)).toBe(keys.indexOf(`${anchor} ${item}`));
  for (const { anchor, from, to } of seen.anchors())
    expect([...seen.rows(from, to)]).toEqual(inOrder(all).filter((row) => row.anchor === anchor));
  expect([...seen.anchors()].map(({ anchor }) => anchor)).toEqual([
    ...new Set(inOrder(all).map(({ anchor }) => anchor)),
  ]);
});

test('a part of the pairs is columns of its own', () => {
  const all = rows(300);
  const isWanted = (anchor: number, item: number) => anchor % 2 === 0 && item > 3;
  const part = SeenPairs.from(all).filter(isWanted);
  expect([...part]).toEqual(inOrder(all).filter(({ anchor, item }) => isWanted(anchor, item)));
  expect(part.columns.clicks.buffer.byteLength).toBe(8 * part.length);
});

test('a row takes 40 bytes, a pair four more, and columns are not made twice', () => {
  const seen = SeenPairs.from(rows(3000));
  const columns = Object.values(seen.columns).filter((column) => ArrayBuffer.isView(column));
  expect(columns.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBe(40 * 3000);
  expect(seen.starts.buffer.byteLength).toBe(4 * (seen.pairs + 1));
  expect(SeenPairs.from(seen)).toBe(seen);
});
