import { execFileSync } from 'node:child_process';
import { access, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { demoCatalog as shippedCatalog } from '../../cli/demo-catalog.ts';
import { demoCatalog } from '../../scripts/demo-catalog.ts';
import type { ImportRow } from '../../src/catalog/import/index.ts';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { decodePicture } from '../../workers/pictures/decode.ts';
import { collect } from '../support/collect.ts';

let rows: ImportRow[] = [];
beforeAll(async () => {
  rows = (await collect(demoCatalog())).flatMap((entry) => ('row' in entry ? [entry.row] : []));
});
const byId = (id: string) => rows.find((row) => row.id === id);

test('holds about 850 things of five groups, each under an id of its own', () => {
  expect(rows.length).toBeGreaterThan(800);
  expect(rows.length).toBeLessThan(900);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  expect([...new Set(rows.map(({ categories }) => categories[0]))].sort()).toEqual([
    'Activities',
    'Animals & Nature',
    'Food & Drink',
    'Objects',
    'Travel & Places',
  ]);
  expect(new Set(rows.map(({ categories }) => categories[1])).size).toBeGreaterThan(40);
});

test('tells the real name, keywords and groups of a thing', () => {
  expect(byId('red-apple')).toMatchObject({
    title: 'Red apple',
    categories: ['Food & Drink', 'Food fruit'],
    tags: expect.arrayContaining(['apple', 'red']),
  });
  expect(byId('guitar')).toMatchObject({ categories: ['Objects', 'Musical instrument'] });
  expect(byId('pinata')?.title).toBe('Piñata');
});

test('every product passes the check of the catalog, and its picture is there', async () => {
  for (const { images, currency, available, ...row } of rows) {
    const draft = { ...row, imageUrls: images, currencyCode: currency, availableForSale: available };
    expect(judgeImported(draft), row.id).toHaveProperty('value');
  }
  await Promise.all(rows.flatMap(({ images }) => images).map((image) => access(image)));
  const [image = ''] = byId('red-apple')?.images ?? [];
  expect(
    await decodePicture(await readFile(image), image, { maxPixels: 10 ** 6, background: '#ffffff', sides: [64] }),
  ).toMatchObject({ width: 256, mime: 'image/webp' });
});

test('says that prices are invented, gives every product one and the same one every time', async () => {
  expect(
    rows.every(
      ({ tags, price, currency }) =>
        tags.includes('invented-price') && Number(price) >= 1 && Number(price) < 200 && currency === 'EUR',
    ),
  ).toBe(true);
  expect(new Set(rows.map(({ price }) => price)).size).toBeGreaterThan(500);
  const inStock = rows.filter(({ available }) => available).length / rows.length;
  expect(inStock).toBeGreaterThan(0.85);
  expect(inStock).toBeLessThan(0.95);
  const again = (await collect(demoCatalog())).map((entry) => ('row' in entry ? entry.row : entry));
  expect(again).toEqual(rows);
});

test('says what to install when its packages are missing', async () => {
  const missing = collect(
    demoCatalog((file) => {
      throw new Error(`Cannot find module ${file}`);
    }),
  );
  await expect(missing).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
    message: 'Cannot import the demo catalog: install it with: npm install @lobehub/fluent-emoji-3d emojibase-data',
  });
});

test('ships as it is, with its pictures and their licence, in less than 5 MB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'simili-demo-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/pack-demo.ts', folder]);
  const shipped = await collect(shippedCatalog(join(folder, 'catalog.jsonl'))!);
  const byName = (row: ImportRow) => ({ ...row, images: row.images.map(() => `${row.id}.webp`) });
  expect(
    shipped.map((entry) => 'row' in entry && { ...entry.row, images: entry.row.images.map((one) => basename(one)) }),
  ).toEqual(rows.map(byName));
  const pictures = shipped.flatMap((entry) => ('row' in entry ? entry.row.images : []));
  const sizes = await Promise.all(pictures.map(async (path) => (await stat(path)).size));
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(5e6);
  expect(await readFile(join(folder, 'LICENSE'), 'utf8')).toMatch(/Microsoft[\s\S]*MIT License/);
});

test('a build without them has no demo catalog, and that is no error', () => {
  expect(shippedCatalog('/nowhere/catalog.jsonl')).toBeNull();
});
