import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { unit } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';
import { postgresUrl } from '../support/services.ts';

const PRODUCTS = 3000;
const DIMENSIONS = 96;
/** Products of a cluster, far from all others, which are nearly all alike far away: the hardest that an index can meet. */
const A_CLUSTER = 10;
const MODEL = 1;
const PAGE = 10;
/** Fewer than a catalog of this size has, so that the index is asked for narrow filters, too. */
const MOST_PASSING = 100;

const idOf = (i: number): string => `p${String(i).padStart(4, '0')}`;
/** Prices that say nothing of the vectors, each of them once: `price < n` passes n products. */
const priceOf = (i: number): number => (i * 2741) % PRODUCTS;
const isAvailable = (i: number): boolean => i % 3 > 0;

async function filled({ storage, repositories: { embeddings } }: FreshDatabase): Promise<Float32Array[]> {
  await storage.prisma.$executeRawUnsafe(`
    INSERT INTO simili.product (catalog_id, id, title, categories, tags, price, currency, available, fingerprint)
    SELECT 'default', 'p' || lpad(i::text, 4, '0'), 'Product ' || i, '{}', '{}', i * 2741 % ${PRODUCTS}, 'EUR', i % 3 > 0, md5(i::text)
    FROM generate_series(0, ${PRODUCTS - 1}) AS i`);
  const random = makeRandom(11);
  const gaussian = () => Array.from({ length: DIMENSIONS }, () => random.gaussian());
  const centres = Array.from({ length: PRODUCTS / A_CLUSTER }, gaussian);
  const vectors = Array.from({ length: PRODUCTS }, () => {
    const centre = centres[random.int(centres.length)]!;
    return unit(gaussian().map((value, at) => centre[at]! + 0.7 * value));
  });
  await embeddings.createTable(MODEL, pictureSpace(DIMENSIONS));
  for (let from = 0; from < PRODUCTS; from += 1000)
    await embeddings.upsert(
      MODEL,
      vectors.slice(from, from + 1000).map((vector, i) => ({ productId: idOf(from + i), contentHash: 'h', vector })),
    );
  await embeddings.createIndex(MODEL, pictureSpace(DIMENSIONS));
  return vectors;
}

const squared = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

/** Products that pass, from none to all, small numbers as often as great ones. */
const passing = fc.noBias(fc.nat(1000)).map((place) => (place < 50 ? 0 : Math.round(PRODUCTS ** (place / 1000))));

function describeFilters(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  test(`on ${name} a page under any filter is full whenever enough products pass, and has .98 of the nearest ten, whatever share passes`, {
    tags,
  }, async () => {
    await using database = await open();
    const vectors = await filled(database);
    const search = new SearchRepository(database.storage.ask, 'default', MOST_PASSING);
    const found = new Map<string, { right: number; wanted: number }>();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(PRODUCTS - 1),
        passing,
        fc.option(fc.boolean(), { nil: undefined }),
        async (anchor, n, available) => {
          const filter: SearchFilter = { maxPrice: String(n - 1), ...(available !== undefined && { available }) };
          const expected = vectors
            .map((vector, i) => ({ i, d: squared(vector, vectors[anchor]!) }))
            .filter(({ i }) => i !== anchor && priceOf(i) < n && (available ?? isAvailable(i)) === isAvailable(i))
            .sort((a, b) => a.d - b.d)
            .slice(0, PAGE)
            .map(({ i }) => idOf(i));
          const { neighbours } = await nearestTo(search, MODEL, idOf(anchor), filter, PAGE, null, [
            pictureSpace(DIMENSIONS),
          ]);
          expect(neighbours).toHaveLength(expected.length);
          const share = n / PRODUCTS;
          const range = share <= 0.04 ? 'up to 4 %' : share <= 0.3 ? '4 to 30 %' : 'over 30 %';
          const sums = found.get(range) ?? { right: 0, wanted: 0 };
          const ids = new Set(neighbours.map(({ productId }) => productId));
          sums.right += expected.filter((id) => ids.has(id)).length;
          sums.wanted += expected.length;
          found.set(range, sums);
        },
      ),
      { numRuns: 200, seed: 5 },
    );
    const recall = Object.fromEntries([...found].map(([range, { right, wanted }]) => [range, right / wanted]));

    for (const range of ['up to 4 %', '4 to 30 %', 'over 30 %'])
      expect(recall[range], range).toBeGreaterThanOrEqual(0.98);
  });
}

/** Setting that keeps the planner to the index: of so few products it would rather sort all that pass. */
const BY_INDEX = 'enable_sort';

describeFilters('PGlite', async () => {
  const database = await freshDatabase();
  await database.storage.prisma.$executeRawUnsafe(`SET ${BY_INDEX} = off`);
  return database;
});
describeFilters('Postgres', () => {
  const url = new URL(postgresUrl());
  url.searchParams.set('options', `-c ${BY_INDEX}=off -c jit=off`);
  return freshDatabase(url.href);
}, ['postgres']);
