import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Behind, SearchFilter } from '../../src/db/search/statement.ts';
import { pictureSpace, UNRELATED, type VersionSpace } from '../../src/ports/space.ts';
import type { FreshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';

type Vectors = ReadonlyMap<string, Float32Array>;

/** The contract of a search over spaces of any storage and distance, on any database. */
export function describeSpaces(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`spaces on ${name}`, { tags }, () => {
    const ids = Array.from({ length: 260 }, (_, i) => `s${String(i).padStart(3, '0')}`);
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await open();
      await addProducts(
        database,
        ids.map((id, i) => ({ id, availableForSale: i % 3 > 0 })),
      );
    });
    afterAll(() => database[Symbol.asyncDispose]());

    /** Directions on no grid, so that no two distances tie; of some products nothing. */
    const vectorsOf = (seed: number, dimensions: number, lacking: (i: number) => boolean = () => false): Vectors => {
      const random = makeRandom(seed);
      const rows = ids.map((id) => [id, unit(Array.from({ length: dimensions }, () => random.gaussian()))] as const);
      return new Map(rows.filter((_row, i) => !lacking(i)));
    };
    const store = async (model: number, space: VersionSpace, vectors: Vectors) => {
      const { embeddings } = database.repositories;
      await embeddings.createTable(model, space);
      const rows = [...vectors].map(([productId, vector]) => ({ productId, contentHash: 'h', vector }));
      await embeddings.upsert(model, rows, space);
      await embeddings.createIndex(model, space);
    };
    const search = async (
      version: { number: number; spaces: VersionSpace[] },
      anchor: string,
      limit: number,
      {
        filter = {},
        behind = null,
        most = 4000,
      }: { filter?: SearchFilter; behind?: Behind | null; most?: number } = {},
    ) => {
      const repository = new SearchRepository(database.storage.ask, 'default', most);
      return (await repository.nearestOfEach(version, [anchor], filter, limit, behind))[0]!;
    };

    const kinds = [
      ['vector', 'euclidean'],
      ['vector', 'cosine'],
      ['halfvec', 'euclidean'],
      ['halfvec', 'cosine'],
    ] as const;
    test.each(kinds)('a space of %s ranks by %s distance, told on the scale of 0 to 4', async (storage, distance) => {
      const number = 10 + kinds.findIndex(([a, b]) => a === storage && b === distance);
      const space = { ...pictureSpace(16), name: 'other', storage, distance } as VersionSpace;
      const vectors = vectorsOf(3, 16);
      await store(number, space, vectors);
      const { neighbours } = await search({ number, spaces: [space] }, 's000', 9);
      const expected = ids
        .slice(1)
        .map((id) => ({ id, distance: squared(vectors.get('s000')!, vectors.get(id)!) }))
        .sort((a, b) => a.distance - b.distance);
      for (const [i, { distance: found }] of neighbours.entries())
        expect(found).toBeCloseTo(expected[i]!.distance, storage === 'vector' ? 5 : 2);
      expect(neighbours).toHaveLength(9);
    });

    test('a binary index of few candidates gives the nearest by their vectors among the nearest by their signs', async () => {
      const space = pictureSpace(64, 'vector', { isBinary: true, candidates: 40 });
      const vectors = vectorsOf(7, 64);
      await store(24, space, vectors);
      const own = vectors.get('s000')!;
      const differing = (id: string) =>
        vectors.get(id)!.reduce((sum, value, i) => sum + Number(value > 0 !== own[i]! > 0), 0);
      const distance = (id: string) => squared(own, vectors.get(id)!);
      const bySigns = ids.map(differing).sort((a, b) => a - b);
      // Behind a place before the first the scan goes on until forty pass.
      const behind = { l2: -1, productId: '' };
      const { neighbours } = await search({ number: 24, spaces: [space] }, 's000', 9, { behind });
      const found = neighbours.map(({ productId }) => productId);
      // Of those that differ in as many signs as the last of the forty, some are among them.
      const surely = ids.slice(1).filter((id) => differing(id) < bySigns[39]!);
      const perhaps = ids.slice(1).filter((id) => differing(id) <= bySigns[39]!);
      const nearest = (of: string[]) => of.sort((a, b) => distance(a) - distance(b)).slice(0, 9);
      expect(nearest([...perhaps])).not.toEqual(nearest(ids.slice(1)));
      expect(perhaps).toEqual(expect.arrayContaining(found));
      expect(found).toEqual(nearest([...found]));
      const last = distance(found[8]!);
      expect(surely.filter((id) => distance(id) < last && !found.includes(id))).toEqual([]);
      for (const { productId, distance: told } of neighbours) expect(told).toBeCloseTo(distance(productId), 5);
    });

    test('pages of a binary index that ranks all anew are those of brute force, to the last, under filters, too', async () => {
      const space = pictureSpace(16, 'halfvec', { isBinary: true, candidates: 300 });
      const vectors = vectorsOf(8, 16);
      await store(25, space, vectors);
      for (const filter of [{}, { available: true, excludeIds: ['s001', 's004'] }] as SearchFilter[]) {
        const shown: string[] = [];
        for (let behind: Behind | null = null; ; ) {
          const { neighbours } = await search({ number: 25, spaces: [space] }, 's000', 40, { behind, filter, most: 3 });
          shown.push(...neighbours.map(({ productId }) => productId));
          if (neighbours.length < 40) break;
          behind = neighbours.at(-1)!;
        }
        const expected = ids
          .filter((id, i) => i > 0 && (!filter.available || i % 3 > 0) && !filter.excludeIds?.includes(id))
          .sort(
            (a, b) => squared(vectors.get('s000')!, vectors.get(a)!) - squared(vectors.get('s000')!, vectors.get(b)!),
          );
        // Two bytes a number put a few that are nearly as far in another order.
        expect([...shown].sort()).toEqual([...expected].sort());
        const misplaced = shown.filter((id, i) => Math.abs(expected.indexOf(id) - i) > 1);
        expect(misplaced).toEqual([]);
      }
    });

    test('a space of bits keeps which numbers are over 0, and ranks by how many differ', async () => {
      const space = { ...pictureSpace(64), name: 'bits', storage: 'bit', distance: 'hamming' } as VersionSpace;
      const vectors = vectorsOf(4, 64);
      await store(20, space, vectors);
      const { neighbours } = await search({ number: 20, spaces: [space] }, 's000', 9);
      const stored = await database.repositories.embeddings.vectors(20, ids, space);
      expect([...stored.get('s001')!]).toEqual([...vectors.get('s001')!].map((value) => Number(value > 0)));
      const differing = (id: string) => [...stored.get(id)!].filter((bit, i) => bit !== stored.get('s000')![i]).length;
      const expected = ids
        .slice(1)
        .map((id) => ({ id, distance: (4 * differing(id)) / 64 }))
        .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
      expect(neighbours.map(({ productId, distance }) => [productId, distance])).toEqual(
        expected.slice(0, 9).map(({ id, distance }) => [id, distance]),
      );
    });

    test('products that all look the same are each in one page, and in the order of their ids, whichever of them is asked for', async () => {
      const space = pictureSpace(4);
      const placeholder = Float32Array.of(1, 0, 0, 0);
      const isSame = (i: number) => i < 150;
      const written = ids.map((_, i) => (i * 67) % 260); // in another order than that of their ids
      const rows = written.map((i) => [ids[i]!, isSame(i) ? placeholder : Float32Array.of(0, 1, 0, 0)] as const);
      await store(23, space, new Map(rows));
      for (const anchor of ['s000', 's067', 's149']) {
        const shown: string[] = [];
        for (let behind: Behind | null = null; ; ) {
          const { neighbours } = await search({ number: 23, spaces: [space] }, anchor, 13, { behind });
          shown.push(...neighbours.slice(0, 12).map(({ productId }) => productId));
          if (neighbours.length < 13) break;
          behind = neighbours[11]!;
        }
        expect(shown, anchor).toEqual(ids.filter((id) => id !== anchor));
      }
    });

    test('an index is not built for whoever has stopped, built once, and lost with its table', async () => {
      const space = pictureSpace(4);
      const { embeddings } = database.repositories;
      await embeddings.createTable(22, space);
      const stopped = AbortSignal.abort(new Error('stopped'));
      await expect(embeddings.createIndex(22, space, { signal: stopped })).rejects.toThrow('stopped');
      const indexes = () => database.storage.prisma.$queryRaw<object[]>`
        SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('simili.embedding_22_vec_idx')`;
      expect(await indexes()).toEqual([]);
      await embeddings.createIndex(22, space);
      await embeddings.createIndex(22, space);
      expect(await indexes()).toEqual(database.storage.indexedFrom === null ? [{ valid: true }] : []); // of four vectors
      await embeddings.dropTables(22, [space]);
      await expect(embeddings.createIndex(22, space)).rejects.toThrow('no vectors');
    });

    test('vectors of other than its dimensions are refused', async () => {
      const space = { ...pictureSpace(3), name: 'short', storage: 'bit', distance: 'hamming' } as VersionSpace;
      await database.repositories.embeddings.createTable(21, space);
      const row = { productId: 's000', contentHash: 'h', vector: Float32Array.of(1, 2) };
      await expect(database.repositories.embeddings.upsert(21, [row], space)).rejects.toThrow('does not match');
    });

    describe.each([
      ['two of a version', 30, {}],
      ['two of a version, one of them by a binary index', 31, { isBinary: true, candidates: 300 }],
    ] as const)('%s', (_name, number, index) => {
      const pictures = pictureSpace(8, 'vector', index);
      const words: VersionSpace = {
        name: 'words',
        dimensions: 24,
        distance: 'cosine',
        storage: 'vector',
        weight: 0.5,
        encoder: 'words-1',
      };
      const version = { number, spaces: [pictures, words] };
      // Some products have no picture yet, some no words, s007 neither.
      const seen = vectorsOf(5, 8, (i) => i % 10 === 7);
      const said = vectorsOf(6, 24, (i) => i % 9 === 7);
      beforeAll(async () => {
        await store(number, pictures, seen);
        await store(number, words, said);
        const nothing = ids.filter((id) => !said.has(id));
        await database.repositories.embeddings.upsert(
          number,
          nothing.map((productId) => ({ productId, contentHash: 'h', vector: null })),
          words,
        );
      });
      const distanceIn = (vectors: Vectors, a: string, b: string) => {
        const [one, other] = [vectors.get(a), vectors.get(b)];
        return one && other ? squared(one, other) : UNRELATED;
      };
      const ranked = (anchor: string, filter: SearchFilter = {}) =>
        ids
          .filter((id, i) => id !== anchor && (filter.available === undefined || filter.available === i % 3 > 0))
          .filter((id) => !filter.excludeIds?.includes(id) && (seen.has(id) || said.has(id)))
          .map((id) => ({ id, d: (distanceIn(seen, anchor, id) + 0.5 * distanceIn(said, anchor, id)) / 1.5 }))
          .sort((a, b) => a.d - b.d || (a.id < b.id ? -1 : 1));

      test('are ranked by the weighted mean of their squared distances, one unknown to a space being unrelated in it: as brute force does, by candidates of each and one by one', async () => {
        const filters = fc.record(
          { available: fc.boolean(), excludeIds: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 30 }) },
          { requiredKeys: [] },
        );
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(...ids.filter((id) => seen.has(id) || said.has(id))),
            filters,
            fc.integer({ min: 1, max: 50 }),
            fc.integer({ min: 0, max: 60 }),
            fc.constantFrom(20, 4000), // one by one where that many pass
            async (anchor, filter, limit, offset, most) => {
              const expected = ranked(anchor, filter).slice(offset, offset + limit);
              const before = offset ? (await search(version, anchor, offset, { filter, most })).neighbours : [];
              const behind = before.at(-1) ?? null;
              const found = await search(version, anchor, limit, { filter, behind, most });
              expect(found.neighbours).toHaveLength(expected.length);
              for (const [i, { distance }] of found.neighbours.entries())
                expect(distance).toBeCloseTo(expected[i]!.d, 4);
            },
          ),
          { numRuns: 60 },
        );
      });

      test('a product with words alone is ranked and has a list, one with neither is cold', async () => {
        expect(seen.has('s017')).toBe(false);
        expect((await search(version, 's017', 5)).neighbours).toHaveLength(5);
        const all = (await search(version, 's000', 260)).neighbours.map(({ productId }) => productId);
        expect(all).toContain('s017');
        expect(all).not.toContain('s007');
        expect(await search(version, 's007', 5)).toEqual({ anchor: 'cold', neighbours: [] });
      });

      test('a page is one statement', async () => {
        const asked: string[] = [];
        const counted = new SearchRepository((statement, values) => {
          asked.push(statement.text);
          return database.storage.ask(statement, values);
        }, 'default');
        await counted.nearestOfEach(version, ['s000', 's001'], {}, 13);
        expect(asked).toHaveLength(1);
      });
    });
  });
}

const squared = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
