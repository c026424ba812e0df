import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitOf, splits } from '../../../../learning/metrics/split.ts';
import { SeenPairs } from '../../../../learning/relevance/seen-pairs.ts';
import type { ReadyImage } from '../../../../src/db/images.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { collectTrainingSet, FEWEST_PRODUCTS } from '../../../../workers/evidence/training-set.ts';

const never = new AbortController().signal;
const folders = (sides: readonly number[]) => Object.fromEntries(sides.map((side) => [side, `pixels/${side}`]));

/** Context of a worker, with pages as Postgres gives them. `gone`: pictures that cannot be read any more; `broken`: what reading any says. */
function contextOf(
  rows: readonly ReadyImage[],
  gone: ReadonlySet<string> = new Set(),
  statistics: object[] = [],
  capacity = 1e6,
  ratings: object[] = [],
  broken: Error | null = null,
) {
  const asked: { source: string; sides: readonly number[] }[] = [];
  const context = {
    repositories: {
      images: {
        readyPage: async (limit: number, after: ReadyImage | null) => {
          const from = after ? rows.findIndex(({ id }) => id === after.id) + 1 : 0;
          return rows.slice(from, from + limit);
        },
      },
      feedback: {
        days: {
          read: async (_until: Date, take: (page: object[]) => void, rangeOf = (_days: object[]): object => ({})) => {
            const range = rangeOf([]);
            take(statistics);
            return range;
          },
        },
      },
      ratings: { upTo: async () => ratings },
    },
    pictures: {
      folders,
      capacity: () => capacity,
      ensure: async (_hash: string, source: string, _signal: AbortSignal, sides: readonly number[]) => {
        asked.push({ source, sides });
        if (gone.has(source)) throw new SimiliError('IMAGE_UNREADABLE', { source, why: 'gone' });
        if (broken) throw broken;
      },
    },
  };
  return { context: context as unknown as Parameters<typeof collectTrainingSet>[0], asked };
}

const rowsOf = (products: readonly { pictures: number; categories: readonly string[] }[]): ReadyImage[] =>
  products.flatMap(({ pictures, categories }, i) =>
    Array.from({ length: pictures }, (_, position) => ({
      id: `${i}-${position}`,
      productId: `p${String(i).padStart(5, '0')}`,
      position,
      categories: [...categories],
      groupId: null,
      source: `/${i}/${position}`,
      contentHash: createHash('sha256').update(`${i} ${position}`).digest('hex'),
    })),
  );

const product = fc.record({
  pictures: fc.integer({ min: 1, max: 4 }),
  categories: fc.subarray(['food', 'fruit', 'apple']),
});

test('the columns say what the rows say, whatever cannot be read left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(product, { minLength: 300, maxLength: 400 }),
      fc.array(fc.nat({ max: 999 }), { maxLength: 40 }),
      async (products, lost) => {
        const rows = rowsOf(products);
        const gone = new Set(lost.flatMap((i) => rows[i]?.source ?? []));
        const { context, asked } = contextOf(rows, gone);
        const { set, ids } = await collectTrainingSet(context, new Date(), [64, 96], never);
        const kept = rows.filter(({ source }) => !gone.has(source));
        expect(asked).toEqual(rows.map(({ source }) => ({ source, sides: [64, 96] })));
        expect(ids).toEqual([...new Set(kept.map(({ productId }) => productId))]);
        expect(set.pixels).toEqual(folders([64, 96]));
        expect(set.hashes).toHaveLength(32 * kept.length);
        const pictures = ids.map((_id, i) =>
          Array.from({ length: set.starts[i + 1]! - set.starts[i]! }, (_, k) => {
            const at = 32 * (set.starts[i]! + k);
            return Buffer.from(set.hashes.subarray(at, at + 32)).toString('hex');
          }),
        );
        expect(pictures).toEqual(
          ids.map((id) => kept.filter(({ productId }) => productId === id).map(({ contentHash }) => contentHash)),
        );
        expect([...set.splits]).toEqual(ids.map((id) => splits.indexOf(splitOf(id))));
        const leaves = ids.map((id) => kept.find(({ productId }) => productId === id)!.categories.at(-1) ?? null);
        const names = [...new Set(leaves.filter((name) => name !== null))];
        expect([...set.categories]).toEqual(leaves.map((name) => (name === null ? -1 : names.indexOf(name))));
      },
    ),
    { numRuns: 15 },
  );
});

test('feedback speaks of items by their index, and of products that are gone not at all', async () => {
  const rows = rowsOf(Array.from({ length: FEWEST_PRODUCTS.NETWORK }, () => ({ pictures: 1, categories: [] })));
  const seen = { position: 1, impressions: 9, clicks: 2, value: 2 };
  const { context } = contextOf(rows, new Set(), [
    { anchorId: 'p00003', itemId: 'p00011', ...seen },
    { anchorId: 'p00003', itemId: 'sold', ...seen },
    { anchorId: 'sold', itemId: 'p00003', ...seen },
  ]);
  const { feedback } = await collectTrainingSet(context, new Date(), [64], never);
  expect([...new SeenPairs(feedback)]).toEqual([{ anchor: 3, item: 11, ...seen }]);
});

test('ratings speak of first pictures; those of gone or held-out products teach nothing', async () => {
  const rows = rowsOf(Array.from({ length: 40 }, () => ({ pictures: 2, categories: [] })));
  const all = [...new Set(rows.map(({ productId }) => productId))];
  const [a, b, c] = all.filter((id) => splitOf(id) !== 'test') as [string, string, string];
  const held = all.find((id) => splitOf(id) === 'test')!;
  const rating = (anchorId: string, positiveId: string, negativeId: string) => ({ anchorId, positiveId, negativeId });
  const given = [rating(a, b, c), rating(held, a, b), rating(a, held, b), rating(a, b, held), rating(a, 'sold', b)];
  const { context } = contextOf(rows, new Set(), [], 1e6, given);
  const { ratings, set } = await collectTrainingSet(context, new Date(), [64], never);
  const first = (id: string) => set.starts[all.indexOf(id)];
  expect(ratings).toEqual([{ q: first(a), p: first(b), n: first(c) }]);
});

test('a catalog that is too small says how small, and an aborted collection stops', async () => {
  const rows = rowsOf(Array.from({ length: FEWEST_PRODUCTS.NETWORK }, () => ({ pictures: 1, categories: [] })));
  const { context, asked } = contextOf(rows, new Set(['/7/0']));
  await expect(collectTrainingSet(context, new Date(), [64], never)).rejects.toMatchObject({
    code: 'CATALOG_TOO_SMALL',
    facts: { have: FEWEST_PRODUCTS.NETWORK - 1, need: FEWEST_PRODUCTS.NETWORK },
  });
  asked.length = 0;
  const stopped = AbortSignal.abort(new Error('stop'));
  await expect(collectTrainingSet(context, new Date(), [64], stopped)).rejects.toThrow('stop');
  expect(asked).toEqual([]);
});

test('where a host gives few of the pictures the training waits for it; a shop’s first model does not', async () => {
  const rows = rowsOf(Array.from({ length: 100 }, () => ({ pictures: 1, categories: [] })));
  const collect = (lost: number, kind: 'GOLDEN' | 'NETWORK') => {
    const { context } = contextOf(rows, new Set(rows.slice(0, lost).map(({ source }) => source)));
    return collectTrainingSet(context, new Date(), [64], never, kind);
  };
  expect((await collect(20, 'NETWORK')).ids).toHaveLength(80);
  await expect(collect(21, 'NETWORK')).rejects.toMatchObject({
    code: 'PICTURES_MISSING',
    retry: true,
    message: expect.stringContaining('reads 100 pictures again, and 79 of them can be read'),
  });
  expect((await collect(90, 'GOLDEN')).ids).toHaveLength(10);
});

test('a disk that is full is no fault of the pictures', async () => {
  const rows = rowsOf(Array.from({ length: 30 }, () => ({ pictures: 1, categories: [] })));
  const { context } = contextOf(rows, new Set(), [], 1e6, [], new Error('ENOSPC'));
  await expect(collectTrainingSet(context, new Date(), [64], never)).rejects.toThrow('ENOSPC');
});

test('more pictures than the pixel cache holds are refused before they are missed', async () => {
  const rows = rowsOf(Array.from({ length: 30 }, () => ({ pictures: 1, categories: [] })));
  const { context } = contextOf(rows, new Set(), [], 29);
  await expect(collectTrainingSet(context, new Date(), [64], never)).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    message: /reads 30 pictures, and the pixel cache holds 29 of this size: raise SIMILI_PIXEL_CACHE_BYTES/,
  });
  expect(
    (await collectTrainingSet(contextOf(rows, new Set(), [], 30).context, new Date(), [64], never)).ids,
  ).toHaveLength(30);
});
