import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { type Found, SearchRepository } from '../../src/db/search/repository.ts';
import type { Behind } from '../../src/db/search/statement.ts';
import { pictureSpace, UNRELATED, type VersionSpace } from '../../src/ports/space.ts';
import { noTelemetry } from '../../src/ports/telemetry.ts';
import type { Wanted } from '../../src/similarity/answer-view.ts';
import { distinct } from '../../src/similarity/distinct-pictures.ts';

import { searcher } from '../../src/similarity/searcher.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/** The bound of docs/adr/0035-distinct-pictures.md. */
const NEAR = 0.4;
const PRODUCTS = 260;
const ids = Array.from({ length: PRODUCTS }, (_, i) => `d${String(i).padStart(3, '0')}`);
const placeOf = new Map(ids.map((id, i) => [id, i]));
const isAvailable = (i: number): boolean => i % 5 > 0;
const groupOf = (i: number): string | null => (i % 3 === 0 ? `g${i % 20}` : null);
/** The first 70 have one placeholder for a picture. */
const PLACEHOLDERS = 70;

const pictures = pictureSpace(6);
const words: VersionSpace = { ...pictureSpace(5), name: 'words', distance: 'cosine', weight: 0.5, encoder: 'words-1' };
const versions = { one: { number: 1, spaces: [pictures] }, two: { number: 2, spaces: [pictures, words] } };
/** The second space knows some products of which there is no picture. */
const isSeen = (kind: keyof typeof versions, i: number): boolean => kind === 'one' || i % 11 !== 10;

const random = makeRandom(8);
const drawn = (dimensions: number): Float32Array => unit(Array.from({ length: dimensions }, () => random.gaussian()));
/** Pictures by fours: one, the same again, and two that differ a little from the one before: often less than NEAR, and chains of these. */
const seen: Float32Array[] = [];
for (let i = 0; i < PRODUCTS; i++) {
  const before = seen[i - 1];
  if (i < PLACEHOLDERS) seen.push(seen[0] ?? drawn(6));
  else if (i % 4 === 1) seen.push(before!);
  else if (i % 4 > 1) seen.push(unit([...before!].map((value) => value + 0.11 * random.gaussian())));
  else seen.push(drawn(6));
}
const said = ids.map(() => drawn(5));

const squared = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
const isNear = (a: Float32Array, b: Float32Array): boolean => Math.sqrt(squared(a, b)) < NEAR;

type Asked = { available?: boolean; excludeIds?: string[] };
const filters: fc.Arbitrary<Asked> = fc.record(
  { available: fc.boolean(), excludeIds: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 30 }) },
  { requiredKeys: [] },
);
/** Whose list it is: a product, several, or a picture that is none's. */
type Anchors = { ids: number[]; vector?: Float32Array };
const anchors: fc.Arbitrary<Anchors> = fc.oneof(
  fc.integer({ min: 0, max: PRODUCTS - 1 }).map((one) => ({ ids: [one] })),
  fc
    .uniqueArray(fc.integer({ min: 0, max: PRODUCTS - 1 }), { minLength: 2, maxLength: 3 })
    .map((some) => ({ ids: some })),
  fc.integer({ min: 0, max: PRODUCTS - 1 }).map((one) => ({ ids: [], vector: seen[one]! })),
);

/** By the definition, all pairs: the list without the wish, of which what is near to an anchor goes, and then what is near to something before it. */
function expected(kind: keyof typeof versions, of: Anchors, filter: Asked): string[] {
  const isMean = of.vector !== undefined || of.ids.length > 1;
  const known = of.ids.filter((i) => isSeen(kind, i));
  const sums = [...seen[0]!].map((_, k) => known.reduce((sum, i) => sum + seen[i]![k]!, 0));
  const picture = of.vector ?? (known.length > 0 ? (isMean ? unit(sums) : seen[known[0]!]!) : null);
  const sense = unit([...said[0]!].map((_, k) => of.ids.reduce((sum, i) => sum + said[i]![k]!, 0)));
  const distance = (i: number): number => {
    const seenAs = picture && isSeen(kind, i) ? squared(picture, seen[i]!) : UNRELATED;
    if (kind === 'one' || of.vector) return seenAs;
    return (seenAs + 0.5 * squared(sense, said[i]!)) / 1.5;
  };
  const groups = new Set(of.ids.map(groupOf));
  groups.delete(null);
  const list = ids
    .map((id, i) => ({ id, i, d: distance(i) }))
    .filter(({ id, i }) => !of.ids.includes(i) && !filter.excludeIds?.includes(id))
    .filter(({ i }) => !of.vector || isSeen(kind, i))
    .filter(({ i }) => filter.available === undefined || filter.available === isAvailable(i))
    .sort((a, b) => (Math.abs(a.d - b.d) > 1e-6 ? a.d - b.d : a.id < b.id ? -1 : 1))
    .filter(({ i }) => {
      const group = groupOf(i);
      if (group !== null && groups.has(group)) return false;
      groups.add(group);
      return true;
    })
    .filter(({ i }) => !isSeen(kind, i) || !known.some((anchor) => isNear(seen[anchor]!, seen[i]!)));
  return list
    .filter(({ i }, place) => {
      const before = list.slice(0, place).filter((one) => isSeen(kind, one.i));
      return !isSeen(kind, i) || !before.some((one) => isNear(seen[one.i]!, seen[i]!));
    })
    .map(({ id }) => id);
}

function describeDistinct(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`near-duplicates of one picture on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    const add = (some: readonly number[]) =>
      addProducts(
        database,
        some.map((i) => ({ id: ids[i]!, availableForSale: isAvailable(i), groupId: groupOf(i) })),
      );
    const embed = async (some: readonly number[]) => {
      for (const [kind, { number, spaces }] of Object.entries(versions))
        for (const space of spaces) {
          const known = some.filter((i) => space !== pictures || isSeen(kind as 'one', i));
          const rows = known.map((i) => ({
            productId: ids[i]!,
            contentHash: 'h',
            vector: (space === pictures ? seen : said)[i]!,
          }));
          await database.repositories.embeddings.createTable(number, space);
          await database.repositories.embeddings.upsert(number, rows, space);
          await database.repositories.embeddings.createIndex(number, space);
        }
    };
    beforeAll(async () => {
      database = await open();
      await add([...placeOf.values()]);
      await embed([...placeOf.values()]);
    });
    afterAll(() => database[Symbol.asyncDispose]());

    /** A list, page by page. @param between what is done once a page was read */
    async function pages(wanted: Omit<Wanted, 'behind'>, most: number, between = async (_page: Found) => {}) {
      const { embeddings } = database.repositories;
      const found: string[][] = [];
      for (let behind: Behind | null = null; ; ) {
        const nearest = distinct({
          nearest: searcher(new SearchRepository(database.storage.ask, 'default', most), noTelemetry),
          distinct: ({ number }, compared) => embeddings.distinct(number, compared),
        });
        const page = await nearest({ ...wanted, behind });
        found.push(page.neighbours.map(({ productId }) => productId));
        if (page.neighbours.length < wanted.limit) return found;
        behind = page.neighbours.at(-1)!;
        await between(page);
      }
    }
    const wish = (kind: keyof typeof versions, of: Anchors, filter: Asked, limit: number) => {
      const version = of.vector ? { ...versions[kind], spaces: [pictures] } : versions[kind];
      const own = of.ids.map((i) => ids[i]!);
      const anchorIds = own.length > 1 ? { anchorIds: own } : {};
      return {
        version,
        anchorId: own[0] ?? 'a picture',
        ...anchorIds,
        ...(of.vector && { vector: of.vector }),
        filter,
        limit,
      };
    };

    test.each(['one', 'two'] as const)('of %s space(s) one is in the list, on whatever page', async (kind) => {
      const sizes = { hidden: 0, paged: 0 };
      await fc.assert(
        fc.asyncProperty(
          anchors,
          filters,
          fc.integer({ min: 5, max: 40 }),
          fc.constantFrom(10, 4000), // of what passes, more are ranked by the index
          async (of, filter, limit, most) => {
            const right = expected(kind, of, filter);
            expect((await pages(wish(kind, of, filter, limit), most)).flat()).toEqual(right);
            sizes.hidden += right.length < PRODUCTS / 3 ? 1 : 0;
            sizes.paged += right.length > limit ? 1 : 0;
          },
        ),
        { numRuns: name === 'PGlite' ? 8 : 16, seed: 5 },
      );
      expect(Math.min(sizes.hidden, sizes.paged)).toBeGreaterThan(3);
    });

    test('what is deleted between two pages makes no product come twice, and none be left out', async () => {
      const anchor = { ids: [PLACEHOLDERS + 2] };
      const whole = expected('one', anchor, {});
      const gone: string[] = [];
      const found = await pages(wish('one', anchor, {}, 5), 4000, async ({ neighbours }) => {
        const one = neighbours[gone.length % 5]!.productId; // in the end the last one, where the next page begins
        gone.push(one);
        await database.storage.prisma.product.deleteMany({ where: { id: one } });
      });
      const again = new Set(whole.filter((id) => !found.flat().includes(id)));
      expect([...again]).toEqual([]);
      expect(new Set(found.flat()).size).toBe(found.flat().length);
      const places = gone.map((id) => placeOf.get(id)!);
      await add(places);
      await embed(places);
    });
  });
}

describeDistinct('PGlite', () => freshDatabase());
describeDistinct('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
