import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeImport, exitCodeOf } from '../../../../../cli/import/describe.ts';
import { type ImportRequest, importCatalog } from '../../../../../cli/import/run.ts';
import type { ProductWrite } from '../../../../../src/db/write-products.ts';
import { shopCatalogs } from '../../../../support/shop-catalogs/index.ts';
import type { ShopCatalog } from '../../../../support/shop-catalogs/sheet.ts';
import { newShopify } from '../../../../support/shop-catalogs/shopify.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-shops-'));
});
afterAll(() => rm(dir, { recursive: true }));

const catalogs = shopCatalogs();
async function write({ file, content }: ShopCatalog): Promise<string> {
  const path = join(dir, file);
  await writeFile(path, content);
  return path;
}
test('there are ten, of 1,000 rows and more', () => {
  expect(catalogs.length).toBe(10);
  for (const { rows } of catalogs) expect(rows).toBeGreaterThanOrEqual(1000);
});

/** A shop in memory, with the answers that a database gives to an import. */
function fakeShop() {
  const stored = new Map<string, ProductWrite>();
  const tryWrite = async ({ id, fingerprint }: ProductWrite) => {
    const before = stored.get(id)?.fingerprint;
    return before === undefined ? 'created' : before === fingerprint ? 'unchanged' : 'updated';
  };
  const write = async (product: ProductWrite) => {
    const outcome = await tryWrite(product);
    stored.set(product.id, product);
    return outcome;
  };
  const products = {
    writeAll: (all: ProductWrite[]) => Promise.all(all.map(write)),
    tryAll: (all: ProductWrite[]) => Promise.all(all.map(tryWrite)),
  };
  const deps = { repositories: { catalog: 'default', products }, queue: { add: async () => {} } };
  return { stored, run: (request: ImportRequest) => importCatalog(deps as never, request, () => {}) };
}

test.each(catalogs.map((catalog) => [catalog.file, catalog] as const))(
  '%s: every row is a product, belongs to one, or is told with its line and its reason',
  async (_file, catalog) => {
    const shop = fakeShop();
    const report = await shop.run({ source: await write(catalog), ...catalog.options });
    const { rows, joined, created, updated, renewed, unchanged, outdated, problems, passedOver, notes } = report;
    expect(problems.map(({ line, problem }) => [line, problem])).toEqual(
      catalog.problems.map(([line, why]) => [line, expect.stringContaining(why)]),
    );
    expect(passedOver.map(({ line, passedOver: why }) => [line, why])).toEqual(catalog.passedOver);
    expect([...shop.stored.keys()].sort()).toEqual([...catalog.stored.keys()].sort());
    for (const [id, row] of catalog.stored) expect(shop.stored.get(id)).toMatchObject(row);
    const told = notes.map(({ note }) => note).join('\n');
    for (const note of catalog.notes) expect(told).toContain(note);

    expect({ rows, joined, created }).toEqual({
      rows: catalog.rows,
      joined: catalog.joined,
      created: catalog.stored.size,
    });
    const sum = created + updated + renewed + unchanged + outdated + problems.length + passedOver.length + joined;
    expect(sum).toBe(rows);
    expect(exitCodeOf(report)).toBe(catalog.problems.length > 0 ? 2 : 0);
    const text = describeImport(report);
    for (const [line] of [...catalog.problems, ...catalog.passedOver]) expect(text).toContain(`\n  ${line}: `);
  },
);

test('a dry run counts what the import then does, and the import after it changes nothing', async () => {
  const shop = fakeShop();
  const catalog = newShopify();
  const request = { source: await write(catalog), ...catalog.options };
  const dry = await shop.run({ ...request, dryRun: true });
  expect(shop.stored.size).toBe(0);
  expect(await shop.run(request)).toEqual(dry);
  expect(await shop.run(request)).toMatchObject({ created: 0, unchanged: catalog.stored.size });
});
