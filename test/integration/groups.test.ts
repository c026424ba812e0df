import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import { pictureSpace, UNRELATED, type VersionSpace } from '../../src/ports/space.ts';
import { nearestOf } from '../../workers/evaluation/nearest.ts';
import { collectEvaluationSet } from '../../workers/evaluation/set.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

const PRODUCTS = 240;
const ids = Array.from({ length: PRODUCTS }, (_, i) => `v${String(i).padStart(3, '0')}`);
const placeOf = new Map(ids.map((id, i) => [id, i]));
/** A third has no group, 60 are one, the others twos to fives; one has a group for itself. */
const groupOf = (i: number): string | null =>
  i === 1 ? 'alone' : i % 3 === 0 ? null : i < 90 ? 'large' : `g${Math.floor(i / 5)}`;
const isAvailable = (i: number): boolean => i % 4 > 0;
const categoriesOf = (i: number): string[] => [`c${i % 5}`];

const pictures = pictureSpace(8);
const words: VersionSpace = { ...pictureSpace(6), name: 'words', distance: 'cosine', weight: 0.5, encoder: 'words-1' };
const versions = { one: { number: 1, spaces: [pictures] }, two: { number: 2, spaces: [pictures, words] } };

/** Vectors of which, for variants next to each other, every other pair is the same, so that distances tie. */
function vectorsOf(seed: number, dimensions: number): Float32Array[] {
  const random = makeRandom(seed);
  const rows = ids.map(() => unit(Array.from({ length: dimensions }, () => random.gaussian())));
  return rows.map((row, i) => (i % 4 === 2 ? rows[i - 1]! : row));
}
const seen = vectorsOf(5, 8);
const said = vectorsOf(6, 6);
/** The second space knows nothing of some. */
const isSaid = (i: number): boolean => i % 10 !== 7;

const squared = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
const distances = {
  one: (a: number, b: number) => squared(seen[a]!, seen[b]!),
  two: (a: number, b: number) =>
    (squared(seen[a]!, seen[b]!) + 0.5 * (isSaid(a) && isSaid(b) ? squared(said[a]!, said[b]!) : UNRELATED)) / 1.5,
};

type Asked = { available?: boolean; categories?: string[]; excludeIds?: string[] };
const filters: fc.Arbitrary<Asked> = fc.record(
  {
    available: fc.boolean(),
    categories: fc.uniqueArray(fc.constantFrom('c0', 'c1', 'c4', 'none'), { minLength: 1, maxLength: 2 }),
    excludeIds: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 30 }),
  },
  { requiredKeys: [] },
);

/** By the definition: all that pass, nearest first, and then one after the other unless its group is the anchor's or was there before. */
function expected(version: keyof typeof versions, anchor: number, filter: Asked): string[] {
  const shown = new Set(groupOf(anchor) === null ? [] : [groupOf(anchor)]);
  return ids
    .map((id, i) => ({ id, i, d: distances[version](anchor, i) }))
    .filter(({ id, i }) => i !== anchor && !filter.excludeIds?.includes(id))
    .filter(({ i }) => filter.available === undefined || filter.available === isAvailable(i))
    .filter(({ i }) => !filter.categories || categoriesOf(i).some((one) => filter.categories!.includes(one)))
    .sort((a, b) => (Math.abs(a.d - b.d) > 1e-6 ? a.d - b.d : a.id < b.id ? -1 : 1))
    .filter(({ i }) => {
      const group = groupOf(i);
      if (group !== null && shown.has(group)) return false;
      shown.add(group);
      return true;
    })
    .map(({ id }) => id);
}

function describeGroups(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`variants on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await open();
      await addProducts(
        database,
        ids.map((id, i) => ({
          id,
          availableForSale: isAvailable(i),
          categories: categoriesOf(i),
          groupId: groupOf(i),
        })),
      );
      for (const { number, spaces } of Object.values(versions))
        for (const space of spaces) {
          const vectors = space === pictures ? seen : said;
          const rows = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: vectors[i]! }));
          await database.repositories.embeddings.createTable(number, space);
          const known = rows.filter((_row, i) => space === pictures || isSaid(i));
          await database.repositories.embeddings.upsert(number, known, space);
          await database.repositories.embeddings.createIndex(number, space);
        }
    });
    afterAll(() => database[Symbol.asyncDispose]());

    test.each(['one', 'two'] as const)(
      'of %s space(s): one of a group, the nearest that passes, none of the anchor',
      async (kind) => {
        const sizes = { folded: 0, paged: 0 };
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(...ids),
            filters,
            fc.integer({ min: 1, max: 30 }),
            fc.constantFrom(10, 4000), // of what passes, more are ranked by the index
            async (anchor, filter, limit, most) => {
              const search = new SearchRepository(database.storage.ask, 'default', most);
              const right = expected(kind, placeOf.get(anchor)!, filter);
              const found = await allPages(search, versions[kind], anchor, filter, limit);
              expect(found).toEqual(right);
              sizes.folded += right.length < PRODUCTS / 2 ? 1 : 0;
              sizes.paged += right.length > limit ? 1 : 0;
            },
          ),
          { numRuns: 24, seed: 3 },
        );
        expect(Math.min(sizes.folded, sizes.paged)).toBeGreaterThan(3);
      },
    );

    test('the lists that a candidate is measured by are those that shoppers see', async () => {
      const { repositories, storage } = database;
      await storage.prisma.$executeRaw`
        INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, state, content_hash, updated_at)
        SELECT catalog_id, 'i-' || id, id, 0, '/' || id, 'READY', 'h', now() FROM simili.product`;
      const measured = await collectEvaluationSet(repositories, new Date(), '2026-01-01');
      const vectors = await repositories.embeddings.vectors(1, measured.productIds);
      const nearest = nearestOf(
        measured.productIds.map((id) => vectors.get(id)),
        measured.groups,
      );
      const search = new SearchRepository(storage.ask, 'default');
      for (const [row, id] of measured.productIds.entries()) {
        const [page] = await search.nearestOfEach(versions.one, [id], {}, 12);
        expect(nearest(row).map((item) => measured.productIds[item]!)).toEqual(
          page!.neighbours.map(({ productId }) => productId),
        );
      }
    });

    test('a product that leaves its group stands for itself again', async () => {
      const search = new SearchRepository(database.storage.ask, 'default');
      const all = () => allPages(search, versions.one, 'v000', {}, 50);
      const before = await all();
      const [hidden] = ids.filter((id, i) => groupOf(i) === 'large' && !before.includes(id));
      await addProducts(database, [{ id: hidden!, categories: categoriesOf(placeOf.get(hidden!)!) }]);
      expect(new Set(await all())).toEqual(new Set([...before, hidden]));
    });
  });
}

async function allPages(
  search: SearchRepository,
  version: (typeof versions)['one'],
  anchor: string,
  filter: SearchFilter,
  limit: number,
): Promise<string[]> {
  const found: string[] = [];
  for (let behind = null; ; ) {
    const [page] = await search.nearestOfEach(version, [anchor], filter, limit, behind);
    found.push(...page!.neighbours.map(({ productId }) => productId));
    if (page!.neighbours.length < limit || found.length > PRODUCTS) return found;
    const { productId, l2 } = page!.neighbours.at(-1)!;
    behind = { productId, l2 } as never;
  }
}

describeGroups('PGlite', () => freshDatabase());
describeGroups('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
