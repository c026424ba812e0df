import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { openHost } from '../../workers/hosts/rpc.ts';
import { openAskedPictures } from '../../workers/pictures/asked-pictures.ts';
import { pictureLimitsOf } from '../../workers/pictures/configured.ts';
import { type Decoder, decodeSafely } from '../../workers/pictures/decode-safely.ts';
import type { PictureHostApi } from '../../workers/pictures/picture-host.ts';
import { openPictures, type PictureLimits } from '../../workers/pictures/picture-service.ts';
import { makePool } from '../../workers/tools/pool.ts';
import * as pictures from '../support/pictures.ts';

const limits: PictureLimits = {
  maxBytes: 10 ** 7,
  maxPixels: 10 ** 7,
  timeoutMs: 5000,
  allowPrivate: true,
  background: '#ffffff',
};
const dir = mkdtempSync(join(tmpdir(), 'simili-pictures-'));
/** A path in the test's folder, with this content. */
const file = async (name: string, content: Uint8Array | string) => {
  await writeFile(join(dir, name), content);
  return join(dir, name);
};
afterAll(() => rm(dir, { recursive: true }));

describe('the picture service', () => {
  const open = (cache: string) => openPictures({ cacheDir: join(dir, cache), limits, processes: 2 });
  const service = open('cache');
  afterAll(() => service.close());
  /** Where the pixels of a picture are, as everybody who reads them finds them. */
  const pixelsOf = (contentHash: string, side = 64, of = service) =>
    join(of.folders([side])[side] as string, contentHash.slice(0, 2), `${contentHash}.rgb`);

  test('loads a picture: its hash, its facts, and its pixels in a file', async () => {
    const bytes = await pictures.jpeg();
    const loaded = await service.load(await file('a.jpg', bytes));
    expect(loaded).toEqual({
      contentHash: createHash('sha256').update(bytes).digest('hex'),
      width: 80,
      height: 60,
      mime: 'image/jpeg',
    });
    expect((await readFile(pixelsOf(loaded.contentHash))).length).toBeGreaterThan(64 * 64 * 3); // facts behind
    expect(await service.load(await file('copy.jpg', bytes))).toEqual(loaded);
  });

  test('loads many pictures side by side, good ones next to bad ones', async () => {
    const sources = await Promise.all(
      Array.from({ length: 30 }, async (_, i) =>
        file(`many-${i}`, i % 5 === 0 ? `no picture ${i}` : await pictures.noise(20 + i, 20)),
      ),
    );
    const outcomes = await Promise.allSettled(sources.map((source) => service.load(source)));
    outcomes.forEach((outcome, i) => {
      if (i % 5 === 0)
        expect(outcome).toMatchObject({
          reason: { code: 'IMAGE_UNREADABLE', facts: { source: sources[i] } },
        });
      else expect(outcome).toMatchObject({ value: { width: 20 + i, height: 20 } });
    });
  });

  test('ensure needs no source while the cache holds the picture, and fetches it again when it does not', async () => {
    const source = await file('b.png', await pictures.png());
    const { contentHash } = await service.load(source);
    const path = pixelsOf(contentHash);
    await service.ensure(contentHash, '/gone');
    const pixels = await readFile(path);
    await rm(path);
    await service.ensure(contentHash, source);
    expect(await readFile(path)).toEqual(pixels);
  });

  test('keeps a picture at every side that somebody wants, and decodes only those that are missing', async () => {
    const source = await file('sides.png', await pictures.noise(300, 300));
    const { contentHash } = await service.load(source);
    const common = await readFile(pixelsOf(contentHash));
    await expect(service.ensure(contentHash, '/gone', undefined, [64, 96])).rejects.toThrow();
    await service.ensure(contentHash, source, undefined, [64, 96, 225]);
    expect((await readFile(pixelsOf(contentHash, 96))).length).toBeGreaterThan(96 * 96 * 3); // facts behind
    expect((await readFile(pixelsOf(contentHash, 225))).length).toBeGreaterThan(225 * 225 * 3); // facts behind
    expect(await readFile(pixelsOf(contentHash))).toEqual(common);
    await service.ensure(contentHash, '/gone', undefined, [225, 96]);
  });

  test('keeps its cache within its bound, all sides together, whatever it loads', async () => {
    const maxCacheBytes = 20 * 64 * 64 * 3;
    const bounded = openPictures({ cacheDir: join(dir, 'bounded'), limits, processes: 2, maxCacheBytes });
    let last = '';
    for (let i = 0; i < 30; i++) {
      const source = await file(`bounded-${i}`, await pictures.noise(10 + i, 10));
      last = (await bounded.load(source, undefined, i % 3 === 0 ? [64, 96] : [64])).contentHash;
    }
    const names = await readdir(join(dir, 'bounded'), { recursive: true, withFileTypes: true });
    const files = names.filter(({ name }) => name.endsWith('.rgb'));
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(maxCacheBytes);
    expect(total).toBeGreaterThan(maxCacheBytes / 2);
    expect(bounded.capacity([64])).toBe(18);
    expect(bounded.capacity([64, 96])).toBe(5);
    expect((await readFile(pixelsOf(last, 64, bounded))).length).toBeGreaterThan(64 * 64 * 3); // facts behind
    await bounded.close();
  });

  test('ensure refuses another picture that took the place of the one that was read', async () => {
    const source = await file('c.png', await pictures.noise(30, 30));
    const { contentHash } = await service.load(source);
    await rm(pixelsOf(contentHash));
    await file('c.png', await pictures.png());
    await expect(service.ensure(contentHash, source)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: /not the picture any more/,
    });
  });

  test('loads over http, under the limits it was given', async () => {
    const bytes = await pictures.webp();
    const server = createServer((_request, response) => response.end(bytes));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.webp`;
    expect(await service.load(url)).toMatchObject({
      mime: 'image/webp',
      width: 80,
    });
    const careful = openPictures({
      cacheDir: join(dir, 'careful'),
      limits: { ...limits, allowPrivate: false },
    });
    await expect(careful.load(url)).rejects.toMatchObject({
      code: 'IMAGE_FORBIDDEN',
    });
    await careful.close();
    server.close();
    server.closeAllConnections();
  });

  test('a huge picture in a small file is refused, and the service goes on', async () => {
    await expect(service.load(await file('huge.png', pictures.pngClaiming(64_000, 64_000)))).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    });
    expect(await service.load(await file('d.png', await pictures.png()))).toMatchObject({ width: 80 });
  });

  test('large pictures keep no other one waiting', async () => {
    const one = openPictures({
      cacheDir: join(dir, 'lanes'),
      limits: { ...limits, maxPixels: 5 * 10 ** 7 },
      processes: 1,
    });
    const large = await Promise.all([1, 2, 3].map(async (i) => file(`large-${i}.jpg`, await pictures.largeJpeg(i))));
    const good = await file('good.png', await pictures.noise(41, 20));
    await one.load(await file('first.png', await pictures.noise(40, 20))); // a decoder is up
    const order: string[] = [];
    const loaded = [...large, good].map(async (source) => {
      const { width } = await one.load(source);
      order.push(source);
      return width;
    });
    expect(await Promise.all(loaded)).toEqual([3501, 3502, 3503, 41]);
    expect(order.indexOf(good)).toBeLessThan(2);
    await one.close();
  });

  test('closed in the middle of its work, it blames no picture', async () => {
    const closing = open('closing');
    const source = await file('e.png', await pictures.noise(1500, 1500));
    const call = closing.load(source);
    setTimeout(() => void closing.close(), 150);
    await expect(call).rejects.toMatchObject({
      code: 'ENGINE_CRASHED',
      retry: true,
    });
  });

  test('what was loaded before is found by the next process', async () => {
    const source = await file('f.png', await pictures.noise(25, 25));
    const { contentHash } = await service.load(source);
    const next = open('cache');
    await next.ensure(contentHash, '/gone');
    expect(pixelsOf(contentHash, 64, next)).toBe(pixelsOf(contentHash));
    await next.close();
  });
});

describe('a decoder', () => {
  const hostUrl = new URL('../../workers/pictures/picture-host.ts', import.meta.url);
  const host = openHost<PictureHostApi>(hostUrl, {
    label: 'the picture decoder',
  });
  /** One process for both tries. */
  const only = (one: Decoder) => ({ shared: makePool([one]), alone: makePool([one]) });
  const decode = (bytes: Uint8Array, timeoutMs = 5000) =>
    decodeSafely(only(host), bytes, 'a.png', { ...limits, sides: [64], timeoutMs });
  afterEach(async () => expect(await decode(await pictures.png())).toMatchObject({ width: 80 }));
  afterAll(() => host.close());

  test('that takes too long is stopped, and the picture named', async () => {
    const slow = await pictures.noise(3000, 3000);
    await expect(decode(slow, 20)).rejects.toMatchObject({
      code: 'IMAGE_TIMEOUT',
      message: 'Decoding a.png took over 0.02 s',
    });
  });

  test('that is killed once tries again', async () => {
    const call = decode(await pictures.noise(2000, 2000));
    await killWhenBusy(host);
    expect(await call).toMatchObject({ width: 2000 });
  });

  test('that ends at every try makes the picture unreadable', async () => {
    const call = decode(await pictures.noise(3000, 3000));
    const outcome = expect(call).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: /ended the decoder, twice/,
    });
    const first = await killWhenBusy(host);
    await killWhenBusy(host, first);
    await outcome;
  });

  test('that one picture stalls: those that wait in it are decoded all the same', async () => {
    const other = openHost<PictureHostApi>(hostUrl, { label: 'the picture decoder' });
    const decoders = { shared: makePool([host, host, host]), alone: makePool([other]) };
    const [slow, ...small] = [await pictures.noise(3000, 3000), await pictures.png(), await pictures.noise(9, 9)];
    const decodeAll = [slow, ...small].map((bytes, i) =>
      decodeSafely(decoders, bytes, `${i}.png`, {
        ...limits,
        sides: [64],
        timeoutMs: i === 0 ? 30 : 5000,
      }),
    );
    const [first, ...others] = await Promise.allSettled(decodeAll);
    expect(first).toMatchObject({ reason: { code: 'IMAGE_TIMEOUT', facts: { source: '0.png' } } });
    expect(others).toMatchObject([{ value: { width: 80 } }, { value: { width: 9 } }]);
    await other.close();
  });

  test('that was killed and is closed in its second try blames no picture', async () => {
    const own = openHost<PictureHostApi>(hostUrl, { label: 'the picture decoder' });
    const call = decodeSafely(only(own), await pictures.noise(3000, 3000), 'a.png', { ...limits, sides: [64] });
    const outcome = expect(call).rejects.toMatchObject({ code: 'ENGINE_CRASHED', retry: true });
    const first = await killWhenBusy(own);
    await expect.poll(() => own.pid !== undefined && own.pid !== first, { interval: 5 }).toBe(true);
    await own.call('ready', null);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await own.close();
    await outcome;
  });

  test('that does not start blames no picture', async () => {
    const absent = openHost<PictureHostApi>(new URL('./absent.ts', import.meta.url), { label: 'the picture decoder' });
    const decoded = decodeSafely(only(absent), await pictures.png(), 'a.png', { ...limits, sides: [64] });
    await expect(decoded).rejects.toMatchObject({ code: 'ENGINE_CRASHED', retry: true });
    await absent.close();
  });
});

/** Kills the host's child once it has loaded and taken its call. @returns the pid. */
async function killWhenBusy(
  host: {
    pid: number | undefined;
    call(method: 'ready', args: null): Promise<void>;
  },
  not?: number,
): Promise<number> {
  await expect.poll(() => host.pid !== undefined && host.pid !== not, { interval: 5 }).toBe(true);
  await host.call('ready', null); // answered in turn: the decoder is up, and the decode call right behind
  const pid = host.pid as number;
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(pid, 'SIGKILL');
  return pid;
}

describe('pictures that shoppers search by', () => {
  const cacheDir = join(dir, 'asked');
  /** The loopback address counts as any other; what may be connected to is an argument. */
  const open = (isAllowed: (address: string) => boolean) =>
    openAskedPictures({ dir: cacheDir, limits, isAllowed, processes: 1 });
  const service = open(() => true);
  afterAll(() => service.close());
  const signal = AbortSignal.timeout(600_000);
  const decode = (bytes: Uint8Array) =>
    service.decode({ bytes }, [64, 96], signal, async ({ contentHash, folders }) => {
      const path = join(folders[96]!, contentHash.slice(0, 2), `${contentHash}.rgb`);
      return { contentHash, folders, pixels: await readFile(path) };
    });

  test('has the pixels of its own that a catalog has of the same picture, and nothing of it afterwards', async () => {
    const bytes = await pictures.noise(300, 200);
    const own = openPictures({ cacheDir: join(dir, 'beside-asked'), limits, processes: 1 });
    const { contentHash } = await own.load(await file('asked.png', bytes), undefined, [96]);
    const asked = await decode(bytes);
    expect(asked.contentHash).toBe(contentHash);
    expect(asked.pixels).toEqual(
      await readFile(join(own.folders([96])[96]!, contentHash.slice(0, 2), `${contentHash}.rgb`)),
    );
    await own.close();
    expect(await readdir(cacheDir)).toEqual([]);
    await expect(stat(asked.folders[64]!)).rejects.toThrow('ENOENT');
  });

  test.each([
    ['no picture', async () => Buffer.from('<svg onload="alert(1)"/>'), 'IMAGE_UNREADABLE'],
    ['a picture cut short', () => pictures.truncated('png'), 'IMAGE_UNREADABLE'],
    ['one of 40,000,000 rows', async () => pictures.pngClaiming(1, 40_000_000), 'IMAGE_TOO_LARGE'],
    [
      'one whose texts unpack to gigabytes',
      async () =>
        pictures.pngWith(
          await pictures.png(),
          ...Array.from({ length: 50 }, (_, i) => pictures.packedText('zTXt', `k${i}`, 8 * 2 ** 20)),
        ),
      'IMAGE_UNREADABLE|IMAGE_TOO_LARGE|decoded',
    ],
  ])('%s is refused by its code, or harms nobody', async (_name, make, code) => {
    const bytes = await make();
    const outcome = await decode(bytes).then(
      () => 'decoded',
      (error: { code: string }) => error.code,
    );
    expect(outcome).toMatch(new RegExp(`^(${code})$`));
    expect((await decode(await pictures.png())).contentHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is fetched by the guard of all pictures: an address that is not allowed is never connected to', async () => {
    let connections = 0;
    const bytes = await pictures.jpeg();
    const server = createServer((_request, response) => response.end(bytes)).on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/a.jpg`;
    const fetched = await service.decode({ url }, [64], signal, async ({ contentHash }) => contentHash);
    expect(fetched).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(connections).toBe(1);
    const guarded = open((address) => !address.startsWith('127.'));
    for (const refused of [
      url,
      `http://localhost:${port}/a.jpg`,
      'file:///etc/passwd',
      '/etc/passwd',
      `upload:${fetched}`,
    ])
      await expect(guarded.decode({ url: refused }, [64], signal, async () => {})).rejects.toMatchObject({
        code: 'IMAGE_FORBIDDEN',
      });
    await guarded.close();
    // What is allowed to those who write the catalog is allowed to no stranger.
    const ofCatalog = pictureLimitsOf(loadConfig({ SIMILI_ALLOW_PRIVATE_URLS: 'true' }));
    const strangers = openAskedPictures({ dir: cacheDir, limits: ofCatalog, processes: 1 });
    for (const refused of [url, `http://localhost:${port}/a.jpg`])
      await expect(strangers.decode({ url: refused }, [64], signal, async () => {})).rejects.toMatchObject({
        code: 'IMAGE_FORBIDDEN',
      });
    await strangers.close();
    expect(connections).toBe(1);
    server.close();
  });
});
