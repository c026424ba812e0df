import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { FreshDatabase } from '../support/database.ts';
import { idsOf, ListedShop, type Said } from '../support/listed-shop.ts';

const PRODUCTS = 300;
/** One product in three, in fifteen, and in a hundred. */
const WIDE: SearchFilter = { categories: ['wide'] };
const NARROW: SearchFilter = { categories: ['narrow'] };
const RARE: SearchFilter = { categories: ['rare'] };
const RED: SearchFilter = { conditions: [{ column: 'tags', overlaps: ['red'] }] };
const IN_STOCK = { available: true };

function said(id: string): Said {
  const i = Number(id.slice(1));
  const categories = [['wide', 3] as const, ['narrow', 15] as const, ['rare', 100] as const];
  return {
    categories: categories.filter(([, every]) => i % every === 0).map(([name]) => name),
    tags: i % 4 === 0 ? ['red'] : [],
    price: `${1 + (i % 5)}.00`,
    availableForSale: i % 10 !== 1,
  };
}

/** The contract of pages under filters by lists of their own, on any database: each is what a search of all products gives, whatever was filed otherwise since. */
export function describeFiledLists(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`lists of neighbours under filters on ${name}`, { tags }, () => {
    let shop: ListedShop;
    beforeAll(async () => {
      shop = await ListedShop.open(await open(), PRODUCTS, said, 25);
    });
    afterAll(() => shop.database[Symbol.asyncDispose]());
    beforeEach(() => shop.forgetLists());

    test('each filter has its own, which its first page makes, whether what passes is many or few', async () => {
      for (const filter of [WIDE, NARROW, RARE, RED, { ...WIDE, ...RED }, { categories: ['nothing'] }]) {
        await shop.expectRight('p001', 'makes a list', filter);
        const found = await shop.expectRight('p001', 'by lists', filter);
        expect([found.listed, shop.ways]).toEqual([true, ['by lists']]);
      }
      await shop.expectRight('p001', 'makes a list');
      await shop.expectRight('p002', 'makes a list', WIDE);
    });

    test('all of few is a list as well, and the page stays as short as they are', async () => {
      await shop.expectRight('p002', 'makes a list', RARE);
      expect(idsOf(await shop.expectRight('p002', 'by lists', RARE))).toHaveLength(3);
      expect(shop.ways).toEqual(['by lists']);
      await shop.write([['another', shop.draw()]], { categories: ['rare'] });
      expect(idsOf(await shop.expectRight('p002', 'by lists', RARE))).toContain('another');
      await shop.remove('another');
      await shop.expectRight('p002', 'by lists', RARE);
    });

    test('a product that is filed there since is in its page at once, and one that is not any more is not', async () => {
      for (const filter of [WIDE, NARROW]) {
        await shop.expectRight('p004', 'makes a list', filter);
        const categories = filter.categories as string[];
        const [first] = shop.nearestByHand('p004', 1);
        const before = shop.said.get(first!)!.categories ?? [];
        await shop.say(first!, { categories: [...before, ...categories] });
        expect(idsOf(await shop.expectRight('p004', 'by lists', filter))[0]).toBe(first);
        await shop.say(first!, { categories: before });
        expect(idsOf(await shop.expectRight('p004', 'by lists', filter))).not.toContain(first);
        expect(shop.ways).toEqual(['by lists']);
      }
    });

    test('the same of tags, and by attributes of products, which are tags', async () => {
      const heavy: SearchFilter = { conditions: [{ attribute: 'weight', atLeast: '10' }] };
      await shop.expectRight('p005', 'makes a list', RED);
      await shop.ask('p005', heavy);
      expect(shop.ways).toEqual(['makes a list']);
      const [first] = shop.nearestByHand('p005', 1);
      const { tags } = shop.said.get(first!)!;
      await shop.say(first!, { tags: ['red', 'weight:12.5'] });
      expect(idsOf(await shop.expectRight('p005', 'by lists', RED))[0]).toBe(first);
      expect((await shop.ask('p005', heavy)).map(idsOf)).toEqual([[first]]);
      expect(shop.ways).toEqual(['by lists']);
      await shop.say(first!, { tags });
      await shop.expectRight('p005', 'by lists', RED);
    });

    test('what is in stock is asked of the products as they are now, not of the list', async () => {
      await shop.expectRight('p006', 'makes a list', WIDE);
      await shop.expectRight('p006', 'by lists', { ...WIDE, ...IN_STOCK });
      const [first] = shop.nearestByHand('p006', 1, { ...WIDE, ...IN_STOCK });
      await shop.say(first!, { availableForSale: false });
      expect(idsOf(await shop.expectRight('p006', 'by lists', { ...WIDE, ...IN_STOCK }))).not.toContain(first);
      await shop.say(first!, { availableForSale: true });
      expect(idsOf(await shop.expectRight('p006', 'by lists', { ...WIDE, ...IN_STOCK }))[0]).toBe(first);
      expect(shop.ways).toEqual(['by lists']);
    });

    test('where little of it is in stock, pages are searched for at once', async () => {
      const all = [...shop.said].filter(([, { categories }]) => categories?.includes('narrow'));
      const wide = [...shop.said].filter(([, { categories }]) => categories?.includes('wide'));
      for (const [id] of wide) await shop.say(id, { availableForSale: false });
      await shop.expectRight('p007', 'makes a list', { ...WIDE, ...IN_STOCK });
      expect(shop.ways.length).toBeGreaterThan(1);
      await shop.expectRight('p008', 'searched', { ...WIDE, ...IN_STOCK });
      await shop.expectRight('p008', 'makes a list', WIDE);
      await shop.expectRight('p008', 'makes a list', { ...NARROW, ...IN_STOCK }); // all of which are few: nothing else passes
      expect([shop.ways, all.length]).toEqual([['makes a list'], 20]);
      for (const [id] of wide) await shop.say(id, { availableForSale: said(id).availableForSale! });
    });

    test('where all that is looked at first are variants of the anchor, the page is not empty', async () => {
      const near = shop.nearestByHand('p016', 18, NARROW);
      for (const id of ['p016', ...near]) await shop.say(id, { groupId: 'own' });
      expect(idsOf(await shop.expectRight('p016', 'makes a list', NARROW))).toHaveLength(2);
      await shop.expectRight('p016', 'by lists', NARROW);
      for (const id of ['p016', ...near]) await shop.say(id, { groupId: null });
    });

    test('filters of prices, which change often, have none', async () => {
      await shop.expectRight('p009', 'searched', { ...WIDE, maxPrice: '2.00' });
      await shop.expectRight('p009', 'searched', { ...WIDE, maxPrice: '2.00' });
    });

    test('of several anchors each has its own, and those of few stand beside those of many', async () => {
      const anchors = ['p010', 'p011', 'nobody', 'p012', 'p010'];
      await shop.expectRight('p011', 'makes a list', RARE);
      for (const way of ['makes a list', 'by lists']) {
        const all = await shop.ask(anchors, RARE);
        expect(shop.ways).toContain(way);
        expect(all.map(idsOf)).toEqual(anchors.map((id) => shop.nearestByHand(id, 10, RARE)));
      }
    });

    test('where very many were filed otherwise since, it is searched for, and has a list again', async () => {
      await shop.expectRight('p014', 'makes a list', NARROW);
      await shop.expectRight('p013', 'makes a list', WIDE);
      await shop.expectRight('p014', 'makes a list');
      for (const id of [...shop.said.keys()].slice(0, 201))
        await shop.say(id, { tags: [...(shop.said.get(id)!.tags ?? []), 'new'] });
      await shop.expectRight('p013', 'by lists', WIDE);
      expect(shop.ways.at(-1)).toBe('searched');
      await shop.expectRight('p014', 'makes a list', NARROW); // whose list is known to be as old
      await shop.expectRight('p014', 'by lists'); // which a vector makes old, and nothing that is filed
      await shop.expectRight('p013', 'makes a list', WIDE);
      await shop.expectRight('p013', 'by lists', WIDE);
      expect(shop.ways).toEqual(['by lists']);
    });

    test('whatever is filed, written, folded, sold out and deleted in whatever order, every page is right', async () => {
      const id = fc.integer({ min: 20, max: 32 }).map((i) => `p${String(i).padStart(3, '0')}`);
      const filter = fc.constantFrom<SearchFilter>(
        WIDE,
        NARROW,
        RED,
        { ...WIDE, ...RED },
        { ...WIDE, ...IN_STOCK },
        { ...NARROW, ...IN_STOCK },
      );
      const categories = fc.subarray(['wide', 'narrow', 'rare']);
      const says: fc.Arbitrary<Said> = fc.oneof(
        fc.record({ categories, tags: fc.subarray(['red', 'blue']) }),
        fc.record({ groupId: fc.constantFrom('a', 'b', null) }),
        fc.record({ availableForSale: fc.boolean() }),
      );
      const step = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ do: fc.constant('ask' as const), id, filter, limit: fc.constantFrom(3, 12) }),
        },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('say' as const), id, says }) },
        {
          weight: 3,
          arbitrary: fc.record({
            do: fc.constant('write' as const),
            id,
            to: id,
            by: fc.double({ min: 0.01, max: 0.6, noNaN: true }),
          }),
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
            else if (one.do === 'take') await shop.takeVector(one.id);
            else if (one.do === 'replace') {
              if (shop.said.has(one.id)) await shop.replace(one.id);
            } else if (one.do === 'write') await shop.write([[one.id, shop.near(one.to, one.by)]]);
            else if (one.do === 'ask') {
              const [found] = await shop.ask(one.id, one.filter, one.limit);
              expect(idsOf(found!)).toEqual(shop.nearestByHand(one.id, one.limit, one.filter));
              if (shop.ways.length === 1 && shop.ways[0] === 'by lists') byLists++;
            } else if (shop.vectors.has(one.id)) await shop.say(one.id, one.says);
          }
        }),
        { numRuns: 80, seed: 1 },
      );
      expect(byLists, 'pages by lists').toBeGreaterThan(20);
    });
  });
}
