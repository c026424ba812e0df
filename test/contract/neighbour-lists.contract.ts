import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { FreshDatabase } from '../support/database.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { idsOf, ListedShop } from '../support/listed-shop.ts';

const PRODUCTS = 240;
const LIMIT = 10;
/** Everything passes, and the search finds out which share does. */
const COSTLY: SearchFilter = { minPrice: '1.00' };

/** Three in five pass it, and one in five the next one. */
const MOST: SearchFilter = { maxPrice: '3.00' };
const FEW: SearchFilter = { maxPrice: '1.00' };
const priceOf = (id: string): string => `${1 + (Number(id.slice(1)) % 5 || 0)}.00`;

/**
 * The contract of pages by lists of neighbours, on any database: each is what a search of all products gives, whatever was written since.
 * @param index which it is; a binary one ranks anew as many as there are products
 */
export function describeNeighbourLists(
  name: string,
  open: () => Promise<FreshDatabase>,
  tags: string[] = [],
  index: { isBinary?: boolean; candidates?: number } = {},
): void {
  describe(`lists of neighbours on ${name}`, { tags }, () => {
    let shop: ListedShop;
    beforeAll(async () => {
      shop = await ListedShop.open(await open(), PRODUCTS, (id) => ({ price: priceOf(id) }), undefined, index);
    });
    afterAll(() => shop.database[Symbol.asyncDispose]());
    beforeEach(() => shop.forgetLists());

    test('the first page of a product makes one, and its second page is the same without a search', async () => {
      const [first] = await shop.ask('p001');
      expect(shop.ways).toEqual(['makes a list']);
      expect(first!.anchor).toBe('ranked');
      const [second] = await shop.ask('p001');
      expect(shop.ways).toEqual(['by lists']);
      expect(second).toEqual({ ...first, listed: true });
      await shop.expectRight('p001', 'by lists', {}, 50);
      await shop.expectRight('p100', 'makes a list', {}, 50);
      await shop.expectRight('p100', 'by lists');
    });

    test('a product that was written since stands where it belongs, at once', async () => {
      await shop.expectRight('p002', 'makes a list');
      const near = unit(shop.vectors.get('p002')!.map((x, i) => x + (i === 0 ? 0.01 : 0)) as unknown as number[]);
      await shop.write([['new', near]]);
      expect(idsOf(await shop.expectRight('p002', 'by lists'))[0]).toBe('new');
      await shop.write([['new', shop.draw()]]);
      await shop.expectRight('p002', 'by lists');
      await shop.remove('new');
      await shop.expectRight('p002', 'by lists');
    });

    test('one of the list that looks otherwise now, or is gone, is not where it was', async () => {
      await shop.expectRight('p003', 'makes a list');
      const [first, second] = shop.nearestByHand('p003', 2);
      await shop.write([[first!, unit(shop.vectors.get('p003')!.map((x) => -x) as unknown as number[])]]);
      expect(idsOf(await shop.expectRight('p003', 'by lists'))).not.toContain(first);
      await shop.remove(second!);
      expect(idsOf(await shop.expectRight('p003', 'by lists'))).not.toContain(second);
    });

    test.each([
      ['came back without a vector', 'p004', 'replace'],
      ['lost its vector', 'p006', 'takeVector'],
    ] as const)('one that %s is in no list until it has one again', async (_what, anchor, lose) => {
      await shop.expectRight(anchor, 'makes a list');
      const [first] = shop.nearestByHand(anchor, 1);
      const vector = shop.vectors.get(first!)!;
      await shop[lose](first!);
      expect(idsOf(await shop.expectRight(anchor, 'by lists'))).not.toContain(first);
      expect(shop.ways).toEqual(['by lists']);
      await shop.write([[first!, vector]]);
      expect(idsOf(await shop.expectRight(anchor, 'by lists'))[0]).toBe(first);
    });

    test('its distances are those of the search, to the bit', async () => {
      const [searched] = await shop.ask('p007', {}, 50);
      const [byList] = await shop.ask('p007', {}, 50);
      expect(byList).toEqual({ ...searched, listed: true });
      await shop.write([['twin', shop.near('p007', 0.01)]]);
      const [found] = await shop.ask('p007', {}, 50);
      shop.forgetLists();
      const [again] = await shop.ask('p007', {}, 50);
      expect(found).toEqual({ ...again, listed: true });
      await shop.remove('twin');
    });

    test('where the anchor itself looks otherwise, it is searched for', async () => {
      await shop.expectRight('p005', 'makes a list');
      await shop.write([['p005', shop.draw()]]);
      await shop.expectRight('p005', 'by lists'); // which says that it is over
      expect(shop.ways).toEqual(['by lists', 'searched']);
      await shop.expectRight('p005', 'makes a list');
      await shop.expectRight('p005', 'by lists');
      expect(shop.ways).toEqual(['by lists']);
    });

    test('an anchor that is gone has no neighbours', async () => {
      await shop.write([['brief', shop.draw()]]);
      await shop.expectRight('brief', 'makes a list');
      await shop.remove('brief');
      expect((await shop.ask('brief'))[0]).toEqual({ anchor: 'unknown', neighbours: [] });
      await addProducts(shop.database, [{ id: 'brief' }]);
      expect((await shop.ask('brief'))[0]).toEqual({ anchor: 'cold', neighbours: [] });
      await shop.database.repositories.products.remove(['brief']);
    });

    test('where very many were written since, it is searched for, and has a list again', async () => {
      const some = [...shop.vectors].slice(0, 201);
      await shop.expectRight('p231', 'makes a list');
      await shop.expectRight('p230', 'makes a list');
      await shop.write(some.slice(0, 200));
      await shop.expectRight('p230', 'by lists');
      expect(shop.ways).toEqual(['by lists']);
      await shop.write(some.slice(200));
      await shop.expectRight('p230', 'by lists');
      expect(shop.ways).toEqual(['by lists', 'searched']);
      await shop.expectRight('p231', 'makes a list'); // which is known to be as old
      expect(shop.ways).toEqual(['makes a list']);
      await shop.expectRight('p230', 'makes a list');
      await shop.expectRight('p230', 'by lists');
      expect(shop.ways).toEqual(['by lists']);
    });

    test('variants are folded, and a page that this leaves short takes more of the list', async () => {
      await shop.expectRight('p010', 'makes a list');
      const [a, b, c, d, e, f, g, h] = shop.nearestByHand('p010', 8);
      await shop.write(
        [a, b, c, d, e, f, g, h].map((id) => [id!, shop.vectors.get(id!)!] as const),
        { groupId: 'folded' },
      );
      await shop.expectRight('p010', 'by lists'); // of 17 ten are left
      const more = shop.nearestByHand('p010', 30).slice(1, 9);
      await shop.write(
        more.map((id) => [id, shop.vectors.get(id)!] as const),
        { groupId: 'folded' },
      );
      await shop.expectRight('p010', 'by lists');
      expect(shop.ways).toEqual(['by lists', 'searched']);
      await shop.expectRight('p010', 'by lists');
      expect(shop.ways).toEqual(['by lists']);
      await shop.write([['p010', shop.vectors.get('p010')!]], { groupId: 'folded' });
      await shop.expectRight('p010', 'by lists');
      const all = [...shop.said]
        .filter(([, { groupId }]) => groupId === 'folded')
        .map(([id]) => [id, shop.vectors.get(id)!] as const);
      await shop.write(all, { groupId: null });
    });

    test('an anchor whose list holds one group is searched for at once, and others are not', async () => {
      await shop.expectRight('p019', 'makes a list');
      await shop.expectRight('p119', 'makes a list');
      const near = shop.nearestByHand('p019', 70).map((id) => [id, shop.vectors.get(id)!] as const);
      await shop.write(near, { groupId: 'all' });
      for (const _ of ['the usual part of the list', 'the longest']) {
        await shop.expectRight('p019', 'by lists');
        expect(shop.ways[1]).toBe('searched');
      }
      await shop.expectRight('p019', 'searched');
      await shop.expectRight('p119', 'by lists');
      await shop.write(near, { groupId: null });
    });

    test('ids that are left out make it look farther, and too many for the list are searched for', async () => {
      await shop.expectRight('p011', 'makes a list');
      await shop.expectRight('p011', 'by lists', { excludeIds: shop.nearestByHand('p011', 30) });
      await shop.expectRight('p011', 'searched', { excludeIds: shop.nearestByHand('p011', 60) });
      await shop.expectRight('p011', 'searched', {}, 70);
    });

    test('under a filter of which the share is known, products pass that pass now', async () => {
      await shop.expectRight('p012', 'makes a list');
      await shop.expectRight('p012', 'searched', COSTLY); // finds out that all pass
      await shop.expectRight('p012', 'by lists', COSTLY);
      const [first] = shop.nearestByHand('p012', 1);
      await addProducts(shop.database, [{ id: first!, price: '0.50', currencyCode: 'EUR' }]);
      const [found] = await shop.ask('p012', COSTLY);
      expect(shop.ways).toEqual(['by lists']);
      expect(idsOf(found!)).toEqual(shop.nearestByHand('p012', LIMIT, { excludeIds: [first!] }));
      await addProducts(shop.database, [{ id: first!, price: priceOf(first!), currencyCode: 'EUR' }]);
    });

    test('a filter that half of the catalog passes takes more of the list, and a narrower one is searched for', async () => {
      await shop.expectRight('p017', 'makes a list');
      await shop.expectRight('p017', 'searched', MOST);
      await shop.expectRight('p017', 'by lists', MOST);
      await shop.expectRight('p018', 'makes a list', MOST);
      await shop.expectRight('p018', 'by lists', MOST, 12);
      await shop.expectRight('p017', 'searched', FEW);
      await shop.expectRight('p017', 'searched', FEW);
    });

    test('of several anchors those that have a list are answered by it, the others have one then, each as alone', async () => {
      await shop.expectRight('p013', 'makes a list');
      await shop.expectRight('p014', 'makes a list');
      await shop.write([
        ['between', unit(shop.vectors.get('p014')!.map((x, i) => x + (i === 1 ? 0.01 : 0)) as unknown as number[])],
      ]);
      const anchors = ['p013', 'p015', 'p014', 'nobody', 'p013'];
      const all = await shop.ask(anchors);
      expect(shop.ways.toSorted()).toEqual(['by lists', 'makes a list']);
      expect(all.map(idsOf)).toEqual(anchors.map((id) => shop.nearestByHand(id, LIMIT)));
      expect(all.map(({ anchor }) => anchor)).toEqual(['ranked', 'ranked', 'ranked', 'unknown', 'ranked']);
      await shop.remove('between');
    });

    test('pages of several requests that come at once are few statements, each as alone', async () => {
      const anchors = ['p021', 'p022', 'p023', 'p024', 'p025', 'p026'];
      for (const id of anchors) await shop.expectRight(id, 'makes a list');
      await shop.write([['close', shop.near('p023', 0.01)]]);
      const found = await shop.askAtOnce([...anchors, 'p021']);
      expect(shop.ways).toEqual(['by lists', 'by lists']);
      expect(found.map(idsOf)).toEqual([...anchors, 'p021'].map((id) => shop.nearestByHand(id, LIMIT)));
      expect(found.every(({ listed }) => listed)).toBe(true);
      await shop.remove('close');
    });

    test('a list that is too old is so for its own page, and not for those that are asked with it', async () => {
      const some = [...shop.vectors].slice(0, 210);
      await shop.expectRight('p232', 'makes a list');
      await shop.write(some.slice(0, 150));
      await shop.expectRight('p233', 'makes a list');
      await shop.write(some.slice(150));
      const [old, young] = await shop.askAtOnce(['p232', 'p233']);
      expect(shop.ways).toEqual(['by lists', 'by lists', 'by lists', 'searched']);
      expect([old!, young!].map(idsOf)).toEqual(['p232', 'p233'].map((id) => shop.nearestByHand(id, LIMIT)));
      expect([old!.listed, young!.listed]).toEqual([undefined, true]);
      await shop.expectRight('p233', 'by lists');
      expect(shop.ways).toEqual(['by lists']);
    });

    test('pages behind the first, and the exact ranking, are searched for', async () => {
      await shop.expectRight('p016', 'makes a list');
      const [first] = await shop.ask('p016');
      const [next] = await shop.search.nearestOfEach(shop.version, ['p016'], {}, LIMIT, first!.neighbours.at(-1)!);
      expect(shop.ways.slice(1)).toEqual(['searched']);
      expect(idsOf(next!)).toEqual(shop.nearestByHand('p016', 2 * LIMIT).slice(LIMIT));
      shop.ways = [];
      const [exact] = await shop.search.nearestOfEach(shop.version, ['p016'], {}, LIMIT, null, { way: 'exact' });
      expect(shop.ways).toEqual(['searched']);
      expect({ ...exact, listed: true }).toEqual(first);
    });

    test('whatever is written, moved, folded and deleted in whatever order, every page is right', async () => {
      shop.forgetLists();
      const id = fc.integer({ min: 20, max: 60 }).map((i) => `p${String(i).padStart(3, '0')}`);
      const near = fc.record({ to: id, by: fc.double({ min: 0.01, max: 0.6, noNaN: true }) });
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), id, limit: fc.constantFrom(3, 12, 24) }) },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constant('ask at once' as const), ids: fc.array(id, { maxLength: 6 }) }),
        },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), id, near }) },
        {
          weight: 1,
          arbitrary: fc.record({ do: fc.constant('fold' as const), id, group: fc.constantFrom('a', 'b', null) }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const), id }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), id }) },
      );
      let byLists = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
          for (const one of steps) {
            if (one.do === 'remove') await shop.remove(one.id);
            else if (one.do === 'ask at once') {
              const pages = (await shop.askAtOnce(one.ids)).map(idsOf);
              expect(pages).toEqual(one.ids.map((each) => shop.nearestByHand(each)));
            } else if (one.do === 'take') await shop.takeVector(one.id);
            else if (one.do === 'replace') {
              if (shop.said.has(one.id)) await shop.replace(one.id);
            } else if (one.do === 'fold')
              await shop.write([[one.id, shop.vectors.get(one.id) ?? shop.draw()]], { groupId: one.group });
            else if (one.do === 'write') {
              await shop.write([[one.id, shop.near(one.near.to, one.near.by)]]);
            } else {
              const [found] = await shop.ask(one.id, {}, one.limit);
              expect(idsOf(found!)).toEqual(shop.nearestByHand(one.id, one.limit));
              if (shop.ways.length === 1 && shop.ways[0] === 'by lists') byLists++;
            }
          }
        }),
        { numRuns: 25, seed: 1 },
      );
      expect(byLists).toBeGreaterThan(20);
    });
  });
}
