import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CategoryNames } from '../../src/db/category-names.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

function describeNames(name: string, tags: string[] = []): void {
  describe(`names of categories on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined);
    });
    afterAll(() => database[Symbol.asyncDispose]());
    /** As a server that has just begun: it remembers nothing. */
    const names = (catalog = 'default') => new CategoryNames(database.storage.ask, catalog);
    const spelled = async (...categories: string[]) => (await names().spelled({ categories })).categories;

    test('a filter has every spelling that a product has, of its conditions too; others stay as they are', async () => {
      const categories = [['Shoes', 'Boots'], ['shoes'], ['SHOES', 'sale "50 %"'], []];
      await addProducts(
        database,
        categories.map((own, i) => ({ id: `p${i}`, categories: own })),
      );
      expect(await spelled('sHOES')).toEqual(['SHOES', 'Shoes', 'shoes']);
      expect(await spelled('boots', 'hats', 'Sale "50 %"', 'BOOTS')).toEqual(['Boots', 'hats', 'sale "50 %"']);
      const filter = {
        available: true,
        conditions: [{ not: { any: [{ column: 'categories' as const, overlaps: ['boots'] }] } }],
        own: [{ all: [{ column: 'tags' as const, overlaps: ['boots'] }] }],
      };
      expect(await names().spelled(filter)).toEqual({
        ...filter,
        conditions: [{ not: { any: [{ column: 'categories', overlaps: ['Boots'] }] } }],
      });
    });

    test('a spelling that no product has any more is left out where there is another', async () => {
      await addProducts(database, [
        { id: 'p1', categories: ['Shoes'] },
        { id: 'p2', categories: ['Shoes'] },
      ]);
      expect(await spelled('SHOES')).toEqual(['Shoes']);
      expect(await names().unknownCategories(['sHoes', 'hats', 'sale "50 %"'])).toEqual(
        new Set(['hats', 'sale "50 %"']),
      );
    });

    test('those of another catalog are none of this one', async () => {
      await database.repositories.catalogs.create('other');
      expect((await names('other').spelled({ categories: ['SHOES'] })).categories).toEqual(['SHOES']);
      expect(await names('other').unknownCategories(['Shoes'])).toEqual(new Set(['Shoes']));
    });

    test('writers of the same new names at the same time store them all', async () => {
      const named = Array.from({ length: 40 }, (_, i) => `Aisle ${i}`);
      const writers = Array.from({ length: 8 }, (_, w) =>
        addProducts(
          database,
          Array.from({ length: 20 }, (_, i) => ({
            id: `w${w}-${i}`,
            categories: [named[(7 * i + w) % 40]!, named[(3 * i + 11 * w) % 40]!],
          })),
        ),
      );
      await Promise.all(writers);
      const lower = named.map((one) => one.toLowerCase());
      expect(new Set(await spelled(...lower))).toEqual(new Set(named));
    });
  });
}

describeNames('PGlite');
describeNames('Postgres', ['postgres']);
