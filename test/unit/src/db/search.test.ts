import { expect, test } from 'vitest';
import type { Ask } from '../../../../src/db/ask.ts';
import { SearchRepository } from '../../../../src/db/search.ts';
import { searchStatement } from '../../../../src/db/search-statement.ts';
import { pictureSpace } from '../../../../src/ports/space.ts';

const VERSION = { number: 1, spaces: [pictureSpace(2)] };
const PRODUCT = { title: '', url: null, categories: [], tags: [], price: null, currency: null, available: true };
const IMAGE = { imageId: null, source: '', state: null, width: null, height: null };
/** `count` products, all at the same distance. */
const rows = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({
    nr: 1,
    known: true,
    warm: true,
    passing: null,
    l2: 1,
    looked: null,
    farthest: null,
    id: `p${i}`,
    ...PRODUCT,
    ...IMAGE,
    ...more,
  }));

/** A table in which every group of equal distances is cut. `asked`: how many the index was asked for, or the way. */
function ties(passing = 0) {
  const asked: (number | 'exact' | 'passing')[] = [];
  const ask = async ({ text }: { text: string }, values: readonly unknown[]) => {
    const index = /LIMIT (\d+)\) AS found/.exec(text)?.[1];
    const way = index ? Number(index) : text.includes('passing AS') ? 'passing' : 'exact';
    asked.push(way);
    expect(values[0]).toEqual(['a']);
    if (way === 'passing') return rows(13, { passing });
    return way === 'exact' ? rows(13) : rows(13, { looked: way, farthest: 1 });
  };
  return { asked, search: new SearchRepository(ask as unknown as Ask, 'default') };
}

test('a group of equal distances at the end of a page is looked for among 3, 50 and 1,000 more, then among all', async () => {
  const { asked, search } = ties();
  const [found] = await search.nearestOfEach(VERSION, ['a'], {}, 13);
  expect(asked).toEqual([13 + 3, 13 + 50, 13 + 1000, 'exact']);
  expect(found?.neighbours).toHaveLength(13);
});

test('up to 4,000 products that pass a filter are ranked one by one, more are looked for by the index, for a minute', async () => {
  const narrow = ties(4000);
  await narrow.search.nearestOfEach(VERSION, ['a'], { available: true }, 13);
  expect(narrow.asked).toEqual(['passing']);
  const wide = ties(4001);
  await wide.search.nearestOfEach(VERSION, ['a'], { available: true }, 13);
  await wide.search.nearestOfEach(VERSION, ['a'], { available: true, excludeIds: ['x'] }, 13);
  expect(wide.asked).toEqual(['passing', 16, 63, 1013, 'exact', 16, 63, 1013, 'exact']);
});

test('pages of 12, 24 and 50 are asked for as such and one more; others are the next of these, or themselves', async () => {
  const sizes: number[] = [];
  for (const limit of [1, 13, 14, 25, 51, 60]) {
    const { asked, search } = ties();
    await search.nearestOfEach(VERSION, ['a'], {}, limit);
    sizes.push((asked[0] as number) - 3);
  }
  expect(sizes).toEqual([13, 13, 25, 25, 51, 60]);
});

test('the index is scanned in strict order, with 100 candidates a round, 400 under a filter', () => {
  const search = {
    catalogId: 'default',
    model: 1,
    spaces: VERSION.spaces,
    anchorIds: ['a'],
    limit: 13,
    behind: null,
    mostPassing: 4000,
  };
  const settings = (filter: object) =>
    [
      ...searchStatement({ ...search, filter }, 3).statement.text.matchAll(/set_config\('([\w.]+)', '(\w+)', true\)/g),
    ].map(([, name, value]) => [name, value]);
  expect(settings({})).toEqual([
    ['hnsw.ef_search', '100'],
    ['hnsw.iterative_scan', 'strict_order'],
  ]);
  expect(settings({ available: true })[0]).toEqual(['hnsw.ef_search', '400']);
  expect(settings({ excludeIds: ['b'] })[0]).toEqual(['hnsw.ef_search', '100']);
});

/** A version with two spaces whose indexes give as many as they are asked for. `bound`: below it the ranking is complete. */
function twoSpaces(bound: number, isCut = true) {
  const asked: (number | 'exact' | 'passing')[] = [];
  const ask = async ({ text }: { text: string }) => {
    const most = /LIMIT (\d+)\), given1/.exec(text)?.[1];
    const way = most ? Number(most) : text.includes('passing AS') ? 'passing' : 'exact';
    asked.push(way);
    if (way === 'passing') return rows(13, { passing: 4001 });
    return way === 'exact' ? rows(13) : rows(13, { looked: isCut ? way : way - 1, farthest: bound });
  };
  const words = { ...pictureSpace(2), name: 'words' };
  const version = { number: 1, spaces: [pictureSpace(2), words] };
  const search = new SearchRepository(ask as unknown as Ask, 'default');
  return { asked, find: () => search.nearestOfEach(version, ['a'], {}, 13) };
}

test('of two spaces each index is asked for 50, 400, then 2,000 more than the page, until nothing else can be nearer', async () => {
  const complete = twoSpaces(1.1);
  await complete.find();
  await complete.find(); // that the catalog is not small is remembered
  expect(complete.asked).toEqual(['passing', 13 + 50, 13 + 50]);
  const open = twoSpaces(1); // one at the distance of the last may be unseen
  await open.find();
  expect(open.asked).toEqual(['passing', 63, 413, 2013]);
});

test('where the indexes have no more to give and others may be as near, all are ranked', async () => {
  const ended = twoSpaces(1, false);
  await ended.find();
  expect(ended.asked).toEqual(['passing', 63, 413, 2013, 'exact']);
  const all = twoSpaces(Number.POSITIVE_INFINITY);
  await all.find();
  expect(all.asked).toEqual(['passing', 63]);
});
