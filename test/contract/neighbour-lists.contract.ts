import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { Ask } from '../../src/db/ask.ts';
import { NeighbourLists } from '../../src/db/neighbour-lists.ts';
import { type Found, SearchRepository } from '../../src/db/search.ts';
import type { SearchFilter } from '../../src/db/search-statement.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import type { FreshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';

const SPACE = pictureSpace(6);
const VERSION = { number: 1, spaces: [SPACE] };
const PRODUCTS = 240;
const LIMIT = 10;
/** Everything passes, and the search finds out which share does. */
const COSTLY: SearchFilter = { minPrice: '1.00' };

/** Three in five pass it, and one in five the next one. */
const MOST: SearchFilter = { maxPrice: '3.00' };
const FEW: SearchFilter = { maxPrice: '1.00' };
const priceOf = (id: string): string => `${1 + (Number(id.slice(1)) % 5 || 0)}.00`;
const passes = (id: string, { maxPrice = '9' }: SearchFilter): boolean => Number(priceOf(id)) <= Number(maxPrice);

type Way = 'by lists' | 'makes a list' | 'searched';
type Vector = Float32Array;

/** The contract of pages by lists of neighbours, on any database: each is what a search of all products gives, whatever was written since. */
export function describeNeighbourLists(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`lists of neighbours on ${name}`, { tags }, () => {
    const random = makeRandom(11);
    const draw = (): Vector => unit(Array.from({ length: 6 }, () => random.gaussian()));
    /** Products that the database holds, and their vectors. */
    const vectors = new Map<string, Vector>();
    const groups = new Map<string, string | null>();
    let database: FreshDatabase;
    let search: SearchRepository;
    let ways: Way[] = [];

    beforeAll(async () => {
      database = await open();
      const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${String(i).padStart(3, '0')}`);
      await database.repositories.embeddings.createTable(VERSION.number, SPACE);
      await write(ids.map((id) => [id, draw()]));
      await database.repositories.embeddings.createIndex(VERSION.number, SPACE);
    });
    afterAll(() => database[Symbol.asyncDispose]());
    beforeEach(() => forgetLists());

    function forgetLists(): void {
      const ask: Ask = (statement, values) => {
        const { text } = statement;
        ways.push(/near AS MAT/.test(text) ? 'makes a list' : /fresh AS MAT/.test(text) ? 'by lists' : 'searched');
        return database.storage.ask(statement, values);
      };
      search = new SearchRepository(ask, 'default', 20, false, new NeighbourLists(1e6));
    }

    async function write(rows: readonly (readonly [string, Vector])[], groupId: string | null = null) {
      const drafts = rows.map(([id]) => ({ id, groupId, price: priceOf(id), currencyCode: 'EUR' }));
      await addProducts(database, drafts);
      const some = rows.map(([productId, vector]) => ({ productId, contentHash: 'h', vector }));
      await database.repositories.embeddings.upsert(VERSION.number, some, SPACE);
      for (const [id, vector] of rows) {
        vectors.set(id, vector);
        groups.set(id, groupId);
      }
    }

    async function remove(id: string) {
      await database.repositories.products.remove([id]);
      vectors.delete(id);
      groups.delete(id);
    }

    async function ask(ids: string | readonly string[], filter: SearchFilter = {}, limit = LIMIT): Promise<Found[]> {
      ways = [];
      return search.nearestOfEach(VERSION, typeof ids === 'string' ? [ids] : ids, filter, limit);
    }

    /** By distance from all that is there: of each group the first, and none of the anchor's own. */
    function nearestByHand(anchor: string, limit: number, filter: SearchFilter = {}): string[] {
      const own = vectors.get(anchor);
      if (!own) return [];
      const l2 = (id: string) => Math.hypot(...vectors.get(id)!.map((x, i) => x - own[i]!));
      const ranked = [...vectors.keys()]
        .filter((id) => id !== anchor && !filter.excludeIds?.includes(id) && passes(id, filter))
        .sort((a, b) => l2(a) - l2(b));
      const seen = new Set([groups.get(anchor)]);
      const first = ranked.filter((id) => {
        const group = groups.get(id);
        if (!group) return true;
        if (seen.has(group)) return false;
        seen.add(group);
        return true;
      });
      return first.slice(0, limit);
    }

    const idsOf = (found: Found) => found.neighbours.map(({ productId }) => productId);
    async function expectRight(anchor: string, way: Way, filter: SearchFilter = {}, limit = LIMIT) {
      const [found] = await ask(anchor, filter, limit);
      expect(idsOf(found!)).toEqual(nearestByHand(anchor, limit, filter));
      expect(ways[0]).toBe(way);
      return found!;
    }

    test('the first page of a product makes one, and its second page is the same without a search', async () => {
      const [first] = await ask('p001');
      expect(ways).toEqual(['makes a list']);
      expect(first!.anchor).toBe('ranked');
      const [second] = await ask('p001');
      expect(ways).toEqual(['by lists']);
      expect(second).toEqual({ ...first, listed: true });
      await expectRight('p001', 'by lists', {}, 50);
      await expectRight('p100', 'makes a list', {}, 50);
      await expectRight('p100', 'by lists');
    });

    test('a product that was written since stands where it belongs, at once', async () => {
      await expectRight('p002', 'makes a list');
      const near = unit(vectors.get('p002')!.map((x, i) => x + (i === 0 ? 0.01 : 0)) as unknown as number[]);
      await write([['new', near]]);
      expect(idsOf(await expectRight('p002', 'by lists'))[0]).toBe('new');
      await write([['new', draw()]]);
      await expectRight('p002', 'by lists');
      await remove('new');
      await expectRight('p002', 'by lists');
    });

    test('one of the list that looks otherwise now, or is gone, is not where it was', async () => {
      await expectRight('p003', 'makes a list');
      const [first, second] = nearestByHand('p003', 2);
      await write([[first!, unit(vectors.get('p003')!.map((x) => -x) as unknown as number[])]]);
      expect(idsOf(await expectRight('p003', 'by lists'))).not.toContain(first);
      await remove(second!);
      expect(idsOf(await expectRight('p003', 'by lists'))).not.toContain(second);
    });

    test('one that came back without a vector is in no list', async () => {
      await expectRight('p004', 'makes a list');
      const [first] = nearestByHand('p004', 1);
      const vector = vectors.get(first!)!;
      await remove(first!);
      await addProducts(database, [{ id: first! }]);
      expect(idsOf(await expectRight('p004', 'by lists'))).not.toContain(first);
      await write([[first!, vector]]);
      expect(idsOf(await expectRight('p004', 'by lists'))[0]).toBe(first);
    });

    test('where the anchor itself looks otherwise, it is searched for', async () => {
      await expectRight('p005', 'makes a list');
      await write([['p005', draw()]]);
      await expectRight('p005', 'by lists'); // which says that it is over
      expect(ways).toEqual(['by lists', 'searched']);
      await expectRight('p005', 'makes a list');
      await expectRight('p005', 'by lists');
      expect(ways).toEqual(['by lists']);
    });

    test('an anchor that is gone has no neighbours', async () => {
      await write([['brief', draw()]]);
      await expectRight('brief', 'makes a list');
      await remove('brief');
      expect((await ask('brief'))[0]).toEqual({ anchor: 'unknown', neighbours: [] });
      await addProducts(database, [{ id: 'brief' }]);
      expect((await ask('brief'))[0]).toEqual({ anchor: 'cold', neighbours: [] });
      await database.repositories.products.remove(['brief']);
    });

    test('where very many were written since, it is searched for, and has a list again', async () => {
      const some = [...vectors].slice(0, 201);
      await expectRight('p230', 'makes a list');
      await write(some.slice(0, 200));
      await expectRight('p230', 'by lists');
      expect(ways).toEqual(['by lists']);
      await write(some.slice(200));
      await expectRight('p230', 'by lists');
      expect(ways).toEqual(['by lists', 'searched']);
      await expectRight('p230', 'makes a list');
      await expectRight('p230', 'by lists');
      expect(ways).toEqual(['by lists']);
    });

    test('variants are folded, and a page that this leaves short takes more of the list', async () => {
      await expectRight('p010', 'makes a list');
      const [a, b, c, d, e, f, g, h] = nearestByHand('p010', 8);
      await write(
        [a, b, c, d, e, f, g, h].map((id) => [id!, vectors.get(id!)!] as const),
        'folded',
      );
      await expectRight('p010', 'by lists'); // of 17 ten are left
      const more = nearestByHand('p010', 30).slice(1, 9);
      await write(
        more.map((id) => [id, vectors.get(id)!] as const),
        'folded',
      );
      await expectRight('p010', 'by lists');
      expect(ways).toEqual(['by lists', 'searched']);
      await expectRight('p010', 'by lists');
      expect(ways).toEqual(['by lists']);
      await write([['p010', vectors.get('p010')!]], 'folded');
      await expectRight('p010', 'by lists');
      const all = [...groups].filter(([, group]) => group === 'folded').map(([id]) => [id, vectors.get(id)!] as const);
      await write(all);
    });

    test('an anchor whose list holds one group is searched for at once, and others are not', async () => {
      await expectRight('p019', 'makes a list');
      await expectRight('p119', 'makes a list');
      const near = nearestByHand('p019', 70).map((id) => [id, vectors.get(id)!] as const);
      await write(near, 'all');
      for (const _ of ['the usual part of the list', 'the longest']) {
        await expectRight('p019', 'by lists');
        expect(ways[1]).toBe('searched');
      }
      await expectRight('p019', 'searched');
      await expectRight('p119', 'by lists');
      await write(near);
    });

    test('ids that are left out make it look farther, and too many for the list are searched for', async () => {
      await expectRight('p011', 'makes a list');
      await expectRight('p011', 'by lists', { excludeIds: nearestByHand('p011', 30) });
      await expectRight('p011', 'searched', { excludeIds: nearestByHand('p011', 60) });
      await expectRight('p011', 'searched', {}, 70);
    });

    test('under a filter of which the share is known, products pass that pass now', async () => {
      await expectRight('p012', 'makes a list');
      await expectRight('p012', 'searched', COSTLY); // finds out that all pass
      await expectRight('p012', 'by lists', COSTLY);
      const [first] = nearestByHand('p012', 1);
      await addProducts(database, [{ id: first!, price: '0.50', currencyCode: 'EUR' }]);
      const [found] = await ask('p012', COSTLY);
      expect(ways).toEqual(['by lists']);
      expect(idsOf(found!)).toEqual(nearestByHand('p012', LIMIT, { excludeIds: [first!] }));
      await addProducts(database, [{ id: first!, price: priceOf(first!), currencyCode: 'EUR' }]);
    });

    test('a filter that half of the catalog passes takes more of the list, and a narrower one is searched for', async () => {
      await expectRight('p017', 'makes a list');
      await expectRight('p017', 'searched', MOST);
      await expectRight('p017', 'by lists', MOST);
      await expectRight('p018', 'makes a list', MOST);
      await expectRight('p018', 'by lists', MOST, 12);
      await expectRight('p017', 'searched', FEW);
      await expectRight('p017', 'searched', FEW);
    });

    test('of several anchors those that have a list are answered by it, the others have one then, each as alone', async () => {
      await expectRight('p013', 'makes a list');
      await expectRight('p014', 'makes a list');
      await write([
        ['between', unit(vectors.get('p014')!.map((x, i) => x + (i === 1 ? 0.01 : 0)) as unknown as number[])],
      ]);
      const anchors = ['p013', 'p015', 'p014', 'nobody', 'p013'];
      const all = await ask(anchors);
      expect(ways.toSorted()).toEqual(['by lists', 'makes a list']);
      expect(all.map(idsOf)).toEqual(anchors.map((id) => nearestByHand(id, LIMIT)));
      expect(all.map(({ anchor }) => anchor)).toEqual(['ranked', 'ranked', 'ranked', 'unknown', 'ranked']);
      await remove('between');
    });

    test('pages behind the first, and the exact ranking, are searched for', async () => {
      await expectRight('p016', 'makes a list');
      const [first] = await ask('p016');
      const [next] = await search.nearestOfEach(VERSION, ['p016'], {}, LIMIT, first!.neighbours.at(-1)!);
      expect(ways.slice(1)).toEqual(['searched']);
      expect(idsOf(next!)).toEqual(nearestByHand('p016', 2 * LIMIT).slice(LIMIT));
      ways = [];
      const [exact] = await search.nearestOfEach(VERSION, ['p016'], {}, LIMIT, null, { way: 'exact' });
      expect(ways).toEqual(['searched']);
      expect({ ...exact, listed: true }).toEqual(first);
    });

    test('whatever is written, moved, folded and deleted in whatever order, every page is right', async () => {
      forgetLists();
      const id = fc.integer({ min: 20, max: 60 }).map((i) => `p${String(i).padStart(3, '0')}`);
      const near = fc.record({ to: id, by: fc.double({ min: 0.01, max: 0.6, noNaN: true }) });
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), id, limit: fc.constantFrom(3, 12, 24) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), id, near }) },
        {
          weight: 1,
          arbitrary: fc.record({ do: fc.constant('fold' as const), id, group: fc.constantFrom('a', 'b', null) }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
      );
      let byLists = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
          for (const one of steps) {
            if (one.do === 'remove') await remove(one.id);
            else if (one.do === 'fold') await write([[one.id, vectors.get(one.id) ?? draw()]], one.group);
            else if (one.do === 'write') {
              const to = vectors.get(one.near.to) ?? draw();
              await write([[one.id, unit([...to].map((x) => x + one.near.by * random.gaussian()))]]);
            } else {
              const [found] = await ask(one.id, {}, one.limit);
              expect(idsOf(found!)).toEqual(nearestByHand(one.id, one.limit));
              if (ways.length === 1 && ways[0] === 'by lists') byLists++;
            }
          }
        }),
        { numRuns: 25 },
      );
      expect(byLists).toBeGreaterThan(20);
    });
  });
}
