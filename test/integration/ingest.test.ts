import { mkdtempSync } from 'node:fs';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { runImport } from '../../cli/import/run.ts';
import { GOLDEN, goldenOf } from '../../learning/features/golden.ts';
import { toHalf } from '../../learning/numbers/half.ts';
import { readCatalog } from '../../src/catalog/import/index.ts';
import { openPictureCopies, type PictureCopies } from '../../src/catalog/picture-copies.ts';
import { writeProducts } from '../../src/catalog/products.ts';
import { loadConfig } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { noTelemetry } from '../../src/ports/telemetry.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { openPictures, type PictureService } from '../../workers/pictures/picture-service.ts';
import { encode } from '../../workers/training/embed/encode.ts';
import type { EngineHost } from '../../workers/training/engine-client.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import * as drawn from '../support/pictures.ts';

/** The shop's picture host, as it is at the moment. */
const host = { status: 200, headers: {} as Record<string, string>, body: Buffer.alloc(0) };
const asked: { url: string; ifNoneMatch: string | undefined }[] = [];
const server = createServer((request, response) => {
  asked.push({ url: request.url ?? '', ifNoneMatch: request.headers['if-none-match'] });
  const known = host.headers.etag !== undefined && request.headers['if-none-match'] === host.headers.etag;
  response.writeHead(known ? 304 : host.status, host.headers).end(known ? '' : host.body);
});
const dir = mkdtempSync(join(tmpdir(), 'simili-ingest-'));
let database: FreshDatabase;
let pictures: PictureService;
let copies: PictureCopies;
let base = '';
const queue = { add: async () => {}, work: () => {}, close: async () => {} };
/** Looks in this process. */
const embedder: Pick<EngineHost, 'encode'> = { encode: (request) => encode({ ...request, threads: 1 }) };

beforeAll(async () => {
  database = await freshDatabase();
  copies = openPictureCopies(join(dir, 'copies'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
/** A worker just started, which knows nothing of what hosts did before, and a host in good order. */
async function startAfresh(): Promise<void> {
  await pictures?.close();
  const limits = { maxBytes: 10 ** 6, maxPixels: 10 ** 6, timeoutMs: 5000, allowPrivate: true, background: '#ffffff' };
  pictures = openPictures({
    cacheDir: join(dir, 'cache'),
    limits,
    processes: 1,
    copies,
    uploads: database.repositories.uploadedPictures,
  });
  Object.assign(host, { status: 200, headers: {}, body: await drawn.png() });
  asked.length = 0;
}
beforeEach(startAfresh);
afterAll(async () => {
  await pictures.close();
  server.close();
  await database[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

/** A turn that no slow machine ends, ms. */
const LONG = 600_000;

async function ingest(
  env: Record<string, string> = {},
  more: object = {},
  signal = new AbortController().signal,
): Promise<void> {
  const { repositories } = database;
  const log = pino({ level: 'silent' });
  const config = loadConfig(env);
  const own = { encoders: [], telemetry: noTelemetry };
  const context = { repositories, pictures, copies, queue, log, embedder, config, ...own, ...more };
  await ingestHandler(context as never, LONG)({ catalog: 'default' }, { signal } as never);
}
const write = (id: string, changes: object = {}) =>
  writeProducts([{ id, title: id, imageUrls: [`${base}/${id}.png`], ...changes }], {
    catalog: 'default',
    products: database.repositories.products,
    queue,
  });
const imageOf = (productId: string) => database.storage.prisma.productImage.findFirstOrThrow({ where: { productId } });
const set = (productId: string, data: object) =>
  database.storage.prisma.productImage.updateMany({ where: { productId }, data });

test('a worker that is stopped hands its pictures back: another one has them at once, and it was no try', async () => {
  const stop = new AbortController();
  const refresh = async () => {
    stop.abort();
    stop.signal.throwIfAborted();
  };
  await write('handed-back');
  await expect(ingest({}, { pictures: { ...pictures, refresh } }, stop.signal)).rejects.toThrow('aborted');
  expect(await imageOf('handed-back')).toMatchObject({ state: 'PENDING', attempts: 0 });
  await expect.poll(() => database.repositories.images.hasUntried(10)).toBe(true);
  await database.repositories.products.remove(['handed-back']);
});

test('a picture that was sent as a file is read like one on disk: decoded, copied, and not asked for again', async () => {
  const { uploadedPictures } = database.repositories;
  const read = vi.spyOn(uploadedPictures, 'read');
  const body = new Uint8Array(await drawn.png());
  const files = { good: body, 'no picture': Buffer.from('text'), empty: Buffer.of(), large: Buffer.alloc(10 ** 6 + 1) };
  for (const [id, bytes] of Object.entries(files)) await write(id, { imageUrls: [], pictures: [new Blob([bytes])] });
  await ingest();
  const states = await Promise.all(Object.keys(files).map(async (id) => (await imageOf(id)).failureCode));
  expect(states).toEqual([null, 'IMAGE_UNREADABLE', 'IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE']);
  const good = await imageOf('good');
  expect(good).toMatchObject({ state: 'READY', source: `upload:${good.contentHash}`, width: 80, mime: 'image/png' });
  expect(await copies.read(good.contentHash!)).toEqual(Buffer.from(body));
  expect(read).toHaveBeenCalledTimes(4);
  await write('good', { imageUrls: [], pictures: [new Blob([body])], version: 1 });
  await ingest();
  expect(await imageOf('good')).toMatchObject({ state: 'READY', retryAt: null });
  expect(read).toHaveBeenCalledTimes(4);
  await database.repositories.products.remove(Object.keys(files));
});

test('a host that asks for patience gets it: its picture has failed for now, and is tried again at its time', async () => {
  Object.assign(host, { status: 503, headers: { 'retry-after': '3600' } });
  await write('patient');
  const before = Date.now();
  await ingest();
  const failed = await imageOf('patient');
  expect(failed).toMatchObject({ state: 'FAILED', failureCode: 'IMAGE_UNREACHABLE', attempts: 1 });
  expect(failed.retryAt!.getTime() - before).toBeGreaterThan(3_590_000);
  expect(await database.repositories.images.reopenFailed(10)).toBe(0);
  await set('patient', { retryAt: new Date(0) });
  expect(await database.repositories.images.reopenFailed(10)).toBe(1);
  await startAfresh();
  await ingest();
  expect(await imageOf('patient')).toMatchObject({ state: 'READY', retryAt: null, attempts: 0 });
});

test('one busy answer spares the other pictures of that host a request, and costs them no try', async () => {
  Object.assign(host, { status: 429, headers: { 'retry-after': '60' } });
  for (let i = 0; i < 12; i++) await write(`many-${i}`);
  await ingest();
  expect(asked.length).toBeLessThanOrEqual(4);
  const rows = await database.storage.prisma.productImage.findMany({ where: { productId: { startsWith: 'many-' } } });
  expect(rows.filter(({ state, retryAt }) => state === 'FAILED' && retryAt !== null)).toHaveLength(12);
  expect(rows.filter(({ attempts }) => attempts === 0)).toHaveLength(12 - asked.length);
  await database.repositories.products.remove(rows.map(({ productId }) => productId));
});

test('a picture replaced at its address is noticed by a higher version, and the old one stays until then', async () => {
  host.headers = { etag: '"one"' };
  await write('swap', { version: 1 });
  await ingest();
  const old = await imageOf('swap');
  Object.assign(host, { headers: { etag: '"two"' }, body: await drawn.blank('#0000ff'), status: 500 });
  await write('swap', { version: 2 });
  await ingest();
  expect(await imageOf('swap')).toMatchObject({ state: 'READY', contentHash: old.contentHash, etag: '"one"' });
  host.status = 200;
  await set('swap', { retryAt: new Date(0) });
  await ingest();
  const fresh = await imageOf('swap');
  expect(fresh).toMatchObject({ state: 'READY', etag: '"two"', width: 30, retryAt: null });
  expect(fresh.contentHash).not.toBe(old.contentHash);
});

test('a picture that is the same costs its host an empty answer', async () => {
  host.headers = { etag: '"same"' };
  await write('same', { version: 1 });
  await ingest();
  const before = await imageOf('same');
  await write('same', { version: 2, title: 'Only the title' });
  await ingest();
  expect(asked).toEqual([
    { url: '/same.png', ifNoneMatch: undefined },
    { url: '/same.png', ifNoneMatch: '"same"' },
  ]);
  expect(await imageOf('same')).toMatchObject({ contentHash: before.contentHash, retryAt: null });
});

test('a picture is looked at again by itself at the age that is set, and not at all with 0', async () => {
  await write('old');
  await ingest();
  const { contentHash } = await imageOf('old');
  await set('old', { checkedAt: new Date(Date.now() - 2 * 3_600_000) });
  host.body = await drawn.blank('#00ff00');
  for (const hours of ['0', '3']) {
    await ingest({ SIMILI_PICTURE_CHECK_HOURS: hours });
    expect(await imageOf('old')).toMatchObject({ contentHash });
  }
  expect(await database.repositories.images.hasAged(3600)).toBe(true);
  await ingest({ SIMILI_PICTURE_CHECK_HOURS: '1' });
  const fresh = await imageOf('old');
  expect(fresh.contentHash).not.toBe(contentHash);
  expect(await database.repositories.images.hasAged(3600)).toBe(false);
});

test('a replaced file is noticed by the next import, told, and read; one that is unchanged costs nothing', async () => {
  const files = mkdtempSync(join(dir, 'shop-'));
  await writeFile(join(files, 'shoe.png'), await drawn.png());
  await writeFile(join(files, 'hat.png'), await drawn.blank('#ff0000'));
  const again = (options = {}) =>
    runImport({ repositories: database.repositories, queue } as never, readCatalog(files), () => {}, options);
  expect(await again()).toMatchObject({ created: 2 });
  await ingest();
  const old = await imageOf('shoe');
  expect(await again()).toMatchObject({ created: 0, updated: 0, renewed: 0, unchanged: 2 });
  await writeFile(join(files, 'shoe.png'), await drawn.blank('#123456'));
  expect(await again()).toMatchObject({ updated: 0, renewed: 1, unchanged: 1 });
  expect(await imageOf('shoe')).toMatchObject({ state: 'READY', contentHash: old.contentHash });
  expect(await copies.read(old.contentHash!)).toEqual(await drawn.png());
  await ingest();
  const fresh = await imageOf('shoe');
  expect(fresh.contentHash).not.toBe(old.contentHash);
  expect(await copies.read(fresh.contentHash!)).toEqual(await drawn.blank('#123456'));
  // Or all are read again because somebody says so; a dry run of that puts nothing up.
  const due = async () => database.storage.prisma.productImage.count({ where: { retryAt: { not: null } } });
  const before = await due();
  expect(await again({ refreshPictures: true, dryRun: true })).toMatchObject({ renewed: 2, unchanged: 0 });
  expect(await due()).toBe(before);
  expect(await again({ refreshPictures: true })).toMatchObject({ renewed: 2, unchanged: 0 });
  expect(await due()).toBe(before + 2);
});

test('a file that became a link after its import is not followed, and the picture stays what it was', async () => {
  const files = mkdtempSync(join(dir, 'shop-'));
  await writeFile(join(files, 'bag.png'), await drawn.png());
  await writeFile(join(dir, 'secret.txt'), 'a secret');
  const again = () => runImport({ repositories: database.repositories, queue } as never, readCatalog(files), () => {});
  await again();
  await ingest();
  const before = await imageOf('bag');
  await rm(join(files, 'bag.png'));
  await symlink(join(dir, 'secret.txt'), join(files, 'bag.png'));
  await set('bag', { retryAt: new Date(0) });
  await ingest();
  expect(await imageOf('bag')).toMatchObject({ state: 'READY', contentHash: before.contentHash });
});

test('an encoder that fails keeps no picture from being decoded, and is told once', async () => {
  const told: string[] = [];
  const failing = {
    encoder: {
      facts: { id: 'eye-1', dimensions: 3 },
      description: { input: { side: 16 } },
      path: '/eye.onnx',
    },
    embedder: {
      encode: async () => {
        throw new SimiliError('IMPORT_UNREADABLE', { source: 'the encoder eye-1', why: 'it gives no numbers' });
      },
    },
    log: { warn: ({ reason }: { reason: string }) => void told.push(reason), error: () => {} },
  };
  for (let i = 0; i < 40; i++) await write(`seen-${i}`);
  await ingest({}, failing);
  const rows = await database.storage.prisma.productImage.findMany({ where: { productId: { startsWith: 'seen-' } } });
  expect(rows.filter(({ state }) => state === 'READY')).toHaveLength(40);
  expect(told).toEqual(['Cannot import the encoder eye-1: it gives no numbers']);
});

test('the hand-made features of a picture are stored when it is ingested, without any encoder, and its pixels stay', async () => {
  await write('golden');
  await ingest();
  const { contentHash } = await imageOf('golden');
  const pixels = await readFile(join(pictures.folders([64])[64]!, contentHash!.slice(0, 2), `${contentHash}.rgb`));
  const stored = await database.repositories.features.of(`${GOLDEN.id}/${pictures.look(64)}`, [contentHash!]);
  expect([...stored]).toEqual([[contentHash, toHalf(goldenOf(pixels.subarray(0, 64 * 64 * 3)))]]);
});
