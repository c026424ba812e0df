import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shareOf } from '../../src/db/search/effort.ts';
import { type SearchFilter, sampleStatement } from '../../src/db/search/statement.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

const SPACE = pictureSpace(2);
const VERSION = { number: 1, spaces: [SPACE] };
const PRODUCTS = 300;
/** Those of another catalog, in whose sea this one's products are. */
const OTHERS = 20_000;

function describeShares(name: string, tags: string[] = []): void {
  describe(`the share that passes a filter, on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined);
      const { storage, repositories } = database;
      await repositories.catalogs.create('large');
      await storage.prisma.$executeRaw`
        INSERT INTO simili.product (catalog_id, id, title, available, fingerprint)
        SELECT 'large', 'x' || i, 'Product ' || i, FALSE, 'f' FROM generate_series(1, ${OTHERS}) AS i`;
      const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);
      await addProducts(
        database,
        ids.map((id, i) => ({ id, availableForSale: i % 4 > 0 })),
      );
      const vectors = ids.map((productId) => ({ productId, contentHash: 'h', vector: Float32Array.of(1, 0) }));
      await repositories.embeddings.createTable(1, SPACE);
      await repositories.embeddings.upsert(1, vectors, SPACE);
      await repositories.embeddings.createIndex(1, SPACE);
    });
    afterAll(() => database[Symbol.asyncDispose]());

    const share = async (filter: SearchFilter) => {
      const { statement, values } = sampleStatement('default', VERSION, filter);
      const [sample] = await database.storage.ask(statement, values);
      return shareOf(sample!);
    };

    test('is that of the catalog, however many products others have', async () => {
      expect(await share({})).toBe(1);
      expect(await share({ available: true })).toBe(0.75);
      expect(await share({ available: false })).toBe(0.25);
      expect(await share({ available: true, minPrice: '1' })).toBe(0);
    });
  });
}

describeShares('PGlite');
describeShares('Postgres', ['postgres']);
