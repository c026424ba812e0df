import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Behind, SearchFilter } from '../../src/db/search/statement.ts';
import { pictureSpace, UNRELATED, type VersionSpace } from '../../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/*
 * Several anchors at once, beside what the definition gives over random catalogs of vectors: the mean in each space, the distance to it in
 * double precision, then one of a group, none of the anchors and none of their groups.
 */
const PRODUCTS = 200;
const ids = Array.from({ length: PRODUCTS }, (_, i) => `m${String(i).padStart(3, '0')}`);
const groupOf = (i: number): string | null => (i % 3 === 0 ? null : `g${Math.floor(i / 4)}`);
const isAvailable = (i: number): boolean => i % 5 > 0;

const pictures = pictureSpace(8);
const words: VersionSpace = { ...pictureSpace(6), name: 'words', distance: 'cosine', weight: 0.5, encoder: 'words-1' };
const halves: VersionSpace = { ...pictureSpace(8), storage: 'halfvec' };
const bits: VersionSpace = {
  ...pictureSpace(64),
  name: 'bits',
  distance: 'hamming',
  storage: 'bit',
  encoder: 'bits-1',
};
const versions = { one: [pictures], two: [pictures, words], halfvec: [halves], bit: [bits] };
type Kind = keyof typeof versions;
const NUMBERS: Record<Kind, number> = { one: 1, two: 2, halfvec: 3, bit: 4 };

/** Vectors that the column holds, as numbers. */
function vectorsOf(seed: number, dimensions: number): Float32Array[] {
  const random = makeRandom(seed);
  return ids.map(() => unit(Array.from({ length: dimensions }, () => random.gaussian())));
}
const vectors = { pictures: vectorsOf(5, 8), words: vectorsOf(6, 6), bits: vectorsOf(7, 64) };
const vectorsIn = (space: VersionSpace): Float32Array[] =>
  space === words ? vectors.words : space === bits ? vectors.bits : vectors.pictures;
/** A space knows nothing of some; of pictures, of three. */
const isKnown = (space: VersionSpace, i: number): boolean => (space === words ? i % 10 !== 7 : i < PRODUCTS - 3);

/** The mean of vectors at unit length; of bits the majority, as -1 and 1. Null: of none. */
function meanOf(space: VersionSpace, anchors: readonly number[]): number[] | null {
  const rows = anchors.filter((i) => isKnown(space, i)).map((i) => vectorsIn(space)[i]!);
  if (rows.length === 0) return null;
  const sums = Array.from({ length: space.dimensions }, (_, d) =>
    rows.reduce((sum, row) => sum + numberOf(space, row[d]!), 0),
  );
  if (space === bits) return sums.map((sum) => (sum >= 0 ? 1 : -1));
  const length = Math.hypot(...sums);
  return sums.map((sum) => sum / length);
}
const numberOf = (space: VersionSpace, value: number): number => (space === bits ? (value > 0 ? 1 : -1) : value);

function distanceTo(space: VersionSpace, mean: number[] | null, i: number): number {
  if (!mean || !isKnown(space, i)) return UNRELATED;
  const differences = mean.map((value, d) => value - numberOf(space, vectorsIn(space)[i]![d]!));
  if (space === bits) return (4 * differences.filter((one) => one !== 0).length) / space.dimensions;
  return differences.reduce((sum, one) => sum + one ** 2, 0);
}

type Asked = { available?: boolean; excludeIds?: string[] };
const filters: fc.Arbitrary<Asked> = fc.record(
  { available: fc.boolean(), excludeIds: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 20 }) },
  { requiredKeys: [] },
);
const placeOf = new Map(ids.map((id, i) => [id, i]));

/** Products in the order of the definition with their distances. */
function expected(kind: Kind, given: readonly string[], filter: Asked): { id: string; d: number }[] {
  const anchors = given.flatMap((id) => placeOf.get(id) ?? []);
  const spaces = versions[kind];
  const means = spaces.map((space) => meanOf(space, anchors));
  if (means.every((mean) => mean === null)) return [];
  const total = spaces.reduce((sum, { weight }) => sum + weight, 0);
  const shown = new Set(anchors.map(groupOf).filter((group) => group !== null));
  return ids
    .map((id, i) => ({
      id,
      i,
      d: spaces.reduce((sum, space, s) => sum + space.weight * distanceTo(space, means[s]!, i), 0) / total,
    }))
    .filter(({ i }) => spaces.some((space) => isKnown(space, i)))
    .filter(({ id }) => !given.includes(id) && !filter.excludeIds?.includes(id))
    .filter(({ i }) => filter.available === undefined || filter.available === isAvailable(i))
    .sort((a, b) => (Math.abs(a.d - b.d) > 1e-9 ? a.d - b.d : a.id < b.id ? -1 : 1))
    .filter(({ i }) => {
      const group = groupOf(i);
      if (group !== null && shown.has(group)) return false;
      if (group !== null) shown.add(group);
      return true;
    });
}

/** The same products; where two are at one distance within `error`, in either order. */
function expectSame(
  found: readonly { id: string; d: number }[],
  right: readonly { id: string; d: number }[],
  error: number,
) {
  expect(found).toHaveLength(right.length);
  for (const [i, { id, d }] of found.entries()) {
    expect(Math.abs(d - right[i]!.d)).toBeLessThan(error);
    if (id !== right[i]!.id) expect(Math.abs(right.find((one) => one.id === id)!.d - d)).toBeLessThan(error);
  }
}

function describeAnchors(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`several anchors on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await open();
      await addProducts(
        database,
        ids.map((id, i) => ({ id, availableForSale: isAvailable(i), groupId: groupOf(i) })),
      );
      const { embeddings } = database.repositories;
      for (const [kind, spaces] of Object.entries(versions) as [Kind, VersionSpace[]][])
        for (const space of spaces) {
          const rows = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: vectorsIn(space)[i]! }));
          await embeddings.createTable(NUMBERS[kind], space);
          await embeddings.upsert(
            NUMBERS[kind],
            rows.filter((_row, i) => isKnown(space, i)),
            space,
          );
          await embeddings.createIndex(NUMBERS[kind], space);
        }
    });
    afterAll(() => database[Symbol.asyncDispose]());

    test.each(Object.keys(versions) as Kind[])('%s: nearest to their mean, on all pages', async (kind) => {
      const version = { number: NUMBERS[kind], spaces: versions[kind] };
      const sizes = { full: 0, paged: 0 };
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.constantFrom(...ids, 'nobody', 'no one'), { minLength: 1, maxLength: 20 }),
          filters,
          fc.integer({ min: 1, max: 30 }),
          fc.constantFrom(10, 4000), // of what passes, more are ranked by the index
          async (anchors, filter, limit, most) => {
            const search = new SearchRepository(database.storage.ask, 'default', most);
            const found = await allPages(search, version, anchors, filter, limit);
            const right = expected(kind, anchors, filter);
            expectSame(found, right, kind === 'halfvec' ? 5e-3 : 1e-5);
            sizes.full += right.length > 20 ? 1 : 0;
            sizes.paged += found.length > limit ? 1 : 0;
          },
        ),
        { numRuns: 10, seed: 4 },
      );
      expect(Math.min(sizes.full, sizes.paged)).toBeGreaterThan(5);
    });

    test('one anchor ranks as it does alone; none that is a product, or has a vector, says so', async () => {
      const search = new SearchRepository(database.storage.ask, 'default');
      const version = { number: 1, spaces: [pictures] };
      const idsOf = ({ neighbours }: { neighbours: { productId: string }[] }) => neighbours.map((one) => one.productId);
      const alone = await search.nearestOfEach(version, ['m010'], {}, 30);
      expect(idsOf(await search.nearestOfAll(version, ['m010'], {}, 30))).toEqual(idsOf(alone[0]!));
      expect(await search.nearestOfAll(version, ['nobody', 'no one'], {}, 5)).toEqual({
        anchor: 'unknown',
        neighbours: [],
      });
      expect(await search.nearestOfAll(version, ['nobody', 'm199'], {}, 5)).toEqual({ anchor: 'cold', neighbours: [] });
    });

    test.each(['one', 'two', 'halfvec'] as const)(
      "%s: a vector that is no product's is an anchor, in the first space",
      async (kind) => {
        const version = { number: NUMBERS[kind], spaces: versions[kind] };
        const search = new SearchRepository(database.storage.ask, 'default', 10);
        const vector = vectors.pictures[10]!;
        const own = ids.map((id, i) => ({ id, i })).filter(({ i }) => isKnown(pictures, i) && isAvailable(i));
        const ranked = own
          .map(({ id, i }) => ({ id, i, d: distanceTo(pictures, [...vector], i) }))
          .sort((a, b) => a.d - b.d);
        const groups = new Set<string>();
        const right = ranked.filter(({ i }) => {
          const group = groupOf(i);
          if (group !== null && groups.has(group)) return false;
          if (group !== null) groups.add(group);
          return true;
        });
        const found: { id: string; d: number }[] = [];
        for (let behind: Behind | null = null; found.length < 60; ) {
          const page = await search.nearestToVector(version, vector, { available: true }, 20, behind);
          expect(page.anchor).toBe('ranked');
          found.push(...page.neighbours.map(({ productId, distance }) => ({ id: productId, d: distance })));
          const { productId, l2 } = page.neighbours.at(-1)!;
          behind = { productId, l2 };
        }
        expectSame(found, right.slice(0, 60), kind === 'halfvec' ? 5e-3 : 1e-5);
      },
    );

    test('anchors that cancel each other out are no direction', async () => {
      const { embeddings } = database.repositories;
      const space = pictureSpace(2);
      await embeddings.createTable(5, space);
      const at = (productId: string, vector: number[]) => ({
        productId,
        contentHash: 'h',
        vector: Float32Array.from(vector),
      });
      await embeddings.upsert(5, [at('m000', [1, 0]), at('m001', [-1, 0]), at('m002', [0, 1])], space);
      const search = new SearchRepository(database.storage.ask, 'default');
      const found = await search.nearestOfAll({ number: 5, spaces: [space] }, ['m000', 'm001'], {}, 5);
      expect(found).toEqual({ anchor: 'cold', neighbours: [] });
    });
  });
}

async function allPages(
  search: SearchRepository,
  version: { number: number; spaces: VersionSpace[] },
  anchors: readonly string[],
  filter: SearchFilter,
  limit: number,
): Promise<{ id: string; d: number }[]> {
  const found: { id: string; d: number }[] = [];
  for (let behind: Behind | null = null; ; ) {
    const { neighbours } = await search.nearestOfAll(version, anchors, filter, limit, behind);
    found.push(...neighbours.map(({ productId, distance }) => ({ id: productId, d: distance })));
    if (neighbours.length < limit || found.length > PRODUCTS) return found;
    const { productId, l2 } = neighbours.at(-1)!;
    behind = { productId, l2 };
  }
}

describeAnchors('PGlite', () => freshDatabase());
describeAnchors('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
