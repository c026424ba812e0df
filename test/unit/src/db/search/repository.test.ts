import { expect, test } from 'vitest';
import { SearchRepository } from '../../../../../src/db/search/repository.ts';
import type { Ask } from '../../../../../src/db/sql/ask.ts';
import { pictureSpace } from '../../../../../src/ports/space.ts';

const VERSION = { number: 1, spaces: [pictureSpace(2)] };
/** Values of a product by their place: its id, what else is known of it, and its first picture. */
const placeOf = (id: string) => [id, '', null, null, null, true, null, [], [], null, '', null, null, null];
/** The ranking of one anchor: `count` products, all at the same distance. */
const rows = (count: number, more: object = {}) => [
  {
    known: true,
    warm: true,
    many: null,
    looked: null,
    farthest: null,
    lost: false,
    places: Array.from({ length: count }, (_, i) => [1, ...placeOf(`p${i}`)]),
    ...more,
  },
];

/** Products that a statement asks an index for, beside the anchor itself; null: it asks none. */
function askedOf(text: string): number | null {
  const most = /LIMIT (\d+)\)(?: AS found|, given1)/.exec(text)?.[1];
  return most === undefined ? null : Number(most) - 1;
}

/**
 * A table in which every group of equal distances is cut. `asked`: how many the index was asked for, or the way, or that a sample was.
 * @param sample what passes of a sample; null: few pass, and are ranked one by one
 */
function ties(sample: { looked: number; passing: number } | null = null) {
  const asked: (number | 'exact' | 'passing' | 'sample')[] = [];
  const efforts: unknown[] = [];
  const ask = async ({ text }: { text: string }, values: readonly unknown[]) => {
    if (text.includes('TABLESAMPLE')) {
      asked.push('sample');
      return [sample];
    }
    const index = askedOf(text);
    const way = index ?? (text.includes('passing AS') ? 'passing' : 'exact');
    asked.push(way);
    const place = Number(/'hnsw.ef_search', \$(\d+)::text, true/.exec(text)?.[1]);
    efforts.push(Number(values[place - 1]));
    expect(values[0]).toBe('a');
    if (way === 'passing') return rows(13, { many: sample !== null });
    return way === 'exact' ? rows(13) : rows(13, { looked: way, farthest: 1 });
  };
  return { asked, efforts, search: new SearchRepository(ask as unknown as Ask, 'default') };
}

test('a group of equal distances at the end of a page is looked for among 3, 50 and 1,000 more, then among all', async () => {
  const { asked, search } = ties();
  const [found] = await search.nearestOfEach(VERSION, ['a'], {}, 13);
  expect(asked).toEqual([13 + 3, 13 + 50, 13 + 1000, 'exact']);
  expect(found?.neighbours).toHaveLength(13);
});

test('what passes a filter is ranked one by one where it is not many; else a sample says once a minute how far the index looks', async () => {
  const narrow = ties();
  await narrow.search.nearestOfEach(VERSION, ['a'], { available: true }, 13);
  expect(narrow.asked).toEqual(['passing']);
  const wide = ties({ looked: 4000, passing: 1000 });
  await wide.search.nearestOfEach(VERSION, ['a'], { available: true }, 13);
  await wide.search.nearestOfEach(VERSION, ['a'], { available: true, excludeIds: ['x'] }, 13);
  expect(wide.asked).toEqual(['passing', 'sample', 16, 63, 1013, 'exact', 16, 63, 1013, 'exact']);
  expect([...new Set(wide.efforts.slice(1))]).toEqual([400]);
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

test('without a filter the index is scanned with the least effort, whatever is left out', async () => {
  for (const filter of [{}, { excludeIds: ['b'] }]) {
    const { efforts, search } = ties();
    await search.nearestOfEach(VERSION, ['a'], filter, 13);
    expect([...new Set(efforts)]).toEqual([100]);
  }
});

/** A table whose index gives in one round, and behind it, what it is told to. `orders`: of the further rounds of each statement. */
function rounds(inOne: (way: number) => object[], behind = (way: number) => rows(13, { looked: way, farthest: 2 })) {
  const orders: unknown[] = [];
  const ask = async ({ text }: { text: string }, values: readonly unknown[]) => {
    const way = askedOf(text);
    const place = Number(/'hnsw.iterative_scan', \$(\d+)::text, true/.exec(text)?.[1]);
    orders.push(way ? values[place - 1] : 'exact');
    if (!way) return rows(13);
    return values[place - 1] === 'off' ? inOne(way) : behind(way);
  };
  return { orders, search: new SearchRepository(ask as unknown as Ask, 'default') };
}
const PLACE = { l2: 1, productId: 'p' };

test('one round of the scan is enough for a page of up to 50, and further ones come in strict order', async () => {
  const whole = (way: number) => rows(13, { looked: way, farthest: 2 });
  for (const [limit, filter, behind, expected] of [
    [13, {}, null, 'off'],
    [51, { excludeIds: [...'12345678'] }, null, 'off'],
    [51, { excludeIds: [...'123456789'] }, null, 'strict_order'],
    [60, {}, null, 'strict_order'],
    [13, {}, PLACE, 'strict_order'],
  ] as const) {
    const { orders, search } = rounds(whole);
    await search.nearestOfEach(VERSION, ['a'], filter, limit, behind);
    expect(orders[0], `${limit} ${JSON.stringify(filter)}`).toBe(expected);
  }
});

test('a page that one round leaves short is asked for again in further ones, for a minute at once', async () => {
  const { orders, search } = rounds((way) => rows(12, { looked: 12, farthest: 2, way }));
  const find = () => search.nearestOfEach(VERSION, ['a'], {}, 13);
  expect((await find())[0]!.neighbours).toHaveLength(13);
  expect(orders).toEqual(['off', 'strict_order']);
  await find();
  expect(orders.slice(2)).toEqual(['strict_order']);
  expect((await search.nearestOfEach(VERSION, ['a'], {}, 12))[0]!.neighbours).toHaveLength(12);
});

test('what is as far as the last of a round may be there unseen', async () => {
  const { orders, search } = rounds(() => rows(13, { looked: 13, farthest: 1 }));
  await search.nearestOfEach(VERSION, ['a'], {}, 13);
  expect(orders).toEqual(['off', 'strict_order']);
});

/** A version with two spaces whose indexes give as many as they are asked for. `bound`: below it the ranking is complete. */
function twoSpaces(bound: number, isCut = true) {
  const asked: (number | 'exact' | 'passing')[] = [];
  const ask = async ({ text }: { text: string }) => {
    const way = askedOf(text) ?? (text.includes('passing AS') ? 'passing' : 'exact');
    asked.push(way);
    if (way === 'passing') return rows(13, { many: true });
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

test('short is a page of one anchor from one round of the index: none that is filtered, that looks farther, or that is of several anchors', async () => {
  const short: boolean[] = [];
  const ask = async ({ text, isShort }: { text: string; isShort?: boolean }, [anchors]: readonly unknown[]) => {
    if (text.includes('TABLESAMPLE')) return [{ looked: 100, passing: 50 }];
    short.push(isShort === true);
    const isMany = text.includes('passing AS');
    const of = (Array.isArray(anchors) ? anchors : [anchors]).length;
    return Array.from({ length: of }, () => rows(13, { looked: 16, farthest: 2, many: isMany })).flat();
  };
  const search = new SearchRepository(ask as unknown as Ask, 'default');
  await search.nearestOfEach(VERSION, ['a'], {}, 13);
  expect(short.splice(0)).toEqual([true]);
  await search.nearestOfEach(VERSION, ['a'], { available: true }, 13);
  await search.nearestOfEach(VERSION, ['a', 'b'], {}, 13);
  await search.nearestOfAll(VERSION, ['a'], {}, 13);
  await search.nearestOfEach(VERSION, ['a'], {}, 13, { l2: 0.5, productId: 'x' });
  await search.nearestOfEach(VERSION, ['a'], {}, 13, null, { way: 'exact' });
  expect(short).not.toContain(true);
  expect(short.length).toBeGreaterThanOrEqual(5);
});
