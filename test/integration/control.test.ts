import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../cli/app.ts';
import { findControl, runThere } from '../../cli/shop/control-client.ts';
import { startControl } from '../../cli/shop/control-server.ts';
import { loadConfig } from '../../src/config.ts';
import { isKeyOf } from '../../src/keys.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { fakeLog } from '../support/api.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts, fakeQueue } from '../support/fixtures.ts';

let dir: string;
let database: FreshDatabase;
let socket: string;
let end: () => Promise<void>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-control-test-'));
  database = await freshDatabase();
  const config = loadConfig({ SIMILI_DATA_DIR: dir });
  end = await startControl({ ...database, config, queue: fakeQueue(), log: fakeLog().log } as unknown as App);
  socket = (await findControl(dir))!;
});
afterAll(async () => {
  await end();
  await database[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const quiet = () => {};

test('a catalog is imported by the process that holds the database; its report and its progress come back', async () => {
  const rows = Array.from({ length: 230 }, (_, i) => `p${i},https://shop.example/${i}.png`);
  const source = join(dir, 'catalog.csv');
  await writeFile(source, ['id,image', ...rows, 'bad,', ''].join('\n'));
  const told: number[] = [];
  const report = await runThere(socket, 'import', { source }, (done) => told.push(done));
  expect(report).toMatchObject({ created: 230, unchanged: 0, problems: [{ line: 232 }] });
  expect(told).toEqual([100, 200, 231]);
  expect(await database.repositories.products.count()).toBe(230);
  expect(await runThere(socket, 'pictures', { since: new Date(0).toISOString() }, quiet)).toEqual({
    pending: 230,
    ready: 0,
    failed: 0,
    failures: [],
  });
});

test('ratings, a new admin key and the bytes of a version go the same way', async () => {
  await addProducts(database, [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  const file = join(dir, 'triplets.csv');
  await writeFile(file, 'query,positive,negative\na,b,c\na,b,nobody\n');
  expect(await runThere(socket, 'ratings', { file }, quiet)).toMatchObject({ accepted: 1, problems: [{ line: 3 }] });

  const key = await runThere(socket, 'adminKey', {}, quiet);
  expect(isKeyOf(key, (await database.repositories.installation.get('admin_key_sha256'))!)).toBe(true);

  const artefact = new Uint8Array([0, 255, 128, 10, 13]);
  const version = {
    catalogId: 'default',
    id: 'mdl_one',
    kind: 'GOLDEN',
    dimensions: 2,
    artefact,
    checksum: sha256(artefact),
  } as const;
  await database.storage.prisma.modelVersion.create({ data: version });
  const { name, base64 } = await runThere(socket, 'artefact', { wanted: 'mdl_one' }, quiet);
  expect([name, [...Buffer.from(base64, 'base64')]]).toEqual(['mdl_one', [...artefact]]);
});

test('what an encoder saw comes page by page with the products that it belongs to; what it has not seen is counted', async () => {
  const { images, features } = database.repositories;
  const drafts = ['seen-1', 'seen-2', 'unseen'].map((id) => ({ id, imageUrls: [`https://shop.example/${id}.png`] }));
  await addProducts(
    database,
    drafts.map((draft, i) => (i === 0 ? { ...draft, categories: ['cups'] } : draft)),
  );
  for (const { id, reading, source } of await images.claimPending(300, 60)) {
    const contentHash = sha256(Buffer.from(source));
    if (source.includes('seen'))
      await images.markReady({ id, reading }, { contentHash, mime: 'image/png', width: 8, height: 8 });
  }
  const bits = [Uint16Array.of(1, 0x3c00), Uint16Array.of(0x7bff, 3)];
  await features.add('eye/look', new Map(bits.map((vec, i) => [sha256(Buffer.from(drafts[i]!.imageUrls[0]!)), vec])));
  const page = await runThere(socket, 'seen', { encoder: 'eye/look', after: null }, quiet);
  expect(page).toMatchObject({ unseen: 1, next: null });
  expect(page.images.map(({ productId, categories }) => [productId, categories])).toEqual([
    ['seen-1', ['cups']],
    ['seen-2', []],
  ]);
  expect(Buffer.from(page.base64, 'base64')).toEqual(Buffer.from([1, 0, 0, 0x3c, 0xff, 0x7b, 3, 0]));
  const after = { productId: 'seen-1', position: 0 };
  expect((await runThere(socket, 'seen', { encoder: 'eye/look', after }, quiet)).images).toHaveLength(1);
});

test('an error arrives with its code and sentence', async () => {
  await expect(runThere(socket, 'artefact', { wanted: 'mdl_none' }, quiet)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'There is no model version mdl_none',
  });
  await expect(runThere(socket, 'import', { source: join(dir, 'nothing.csv') }, quiet)).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
  });
  await expect(runThere(socket, 'toString' as 'pictures', { since: new Date(0).toISOString() }, quiet)).rejects.toThrow(
    'no operation toString',
  );
});

test('catalogs are made, filled, listed and removed by the process that holds the database', async () => {
  const run = (name: 'createCatalog' | 'catalogs' | 'removeCatalog', input: object) =>
    runThere(socket, name, input as never, quiet);
  expect(await run('createCatalog', { id: 'de' })).toBe(true);
  expect(await run('createCatalog', { id: 'de' })).toBe(false);
  for (const id of ['De', 'a_b', '-a', 'a--b', '', 'x'.repeat(33)])
    await expect(run('createCatalog', { id })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const source = join(dir, 'de.csv');
  await writeFile(source, 'id,image\np0,https://shop.example/0.png\n');
  const before = await database.repositories.products.count();
  expect(await runThere(socket, 'import', { source }, quiet, 'de')).toMatchObject({ created: 1 });
  expect(await database.repositories.products.count()).toBe(before);
  expect(await run('catalogs', {})).toMatchObject([
    { id: 'default', products: before },
    { id: 'de', products: 1 },
  ]);
  await expect(runThere(socket, 'import', { source }, quiet, 'fr')).rejects.toMatchObject({ code: 'CATALOG_UNKNOWN' });
  await expect(run('removeCatalog', { id: 'de', force: false })).rejects.toThrow('has 1 products: add --force');
  await expect(run('removeCatalog', { id: 'default', force: true })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(run('removeCatalog', { id: 'fr', force: true })).rejects.toMatchObject({ code: 'CATALOG_UNKNOWN' });
  await run('removeCatalog', { id: 'de', force: true });
  expect(await run('catalogs', {})).toMatchObject([{ id: 'default' }]);
});

test.runIf(process.platform !== 'win32')(
  'a socket that is not there is none: its server was killed, or is in another container',
  async () => {
    const other = await mkdtemp(join(dir, 'other-'));
    await writeFile(join(other, 'control.json'), JSON.stringify({ socket: join(other, 'control') }));
    expect(await findControl(other)).toBe(null);
  },
);

test('nobody else can reach it, and nothing of it is left behind', async () => {
  expect((await stat(join(dir, 'control.json'))).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
  expect(await findControl(join(dir, 'none'))).toBe(null);
  const gone = dirname(socket);
  await end();
  expect(await findControl(dir)).toBe(null);
  await expect(readdir(gone)).rejects.toThrow('ENOENT');
  await expect(runThere(socket, 'pictures', { since: new Date(0).toISOString() }, quiet)).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
  });
});
