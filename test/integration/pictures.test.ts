import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { PictureHostApi } from '../../workers/hosts/picture-host.ts';
import { openHost } from '../../workers/hosts/rpc.ts';
import { decodeSafely } from '../../workers/pictures/decode-safely.ts';
import { openPictures, type PictureLimits } from '../../workers/pictures/picture-service.ts';
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

  test('loads a picture: its hash, its facts, and its pixels in a file', async () => {
    const bytes = await pictures.jpeg();
    const loaded = await service.load(await file('a.jpg', bytes));
    expect(loaded).toEqual({
      contentHash: createHash('sha256').update(bytes).digest('hex'),
      pixelsPath: expect.stringContaining(join(dir, 'cache')),
      ...{ width: 80, height: 60, mime: 'image/jpeg' },
    });
    expect(await readFile(loaded.pixelsPath)).toHaveLength(64 * 64 * 3);
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
    const { contentHash, pixelsPath } = await service.load(source);
    expect(await service.ensure(contentHash, '/gone')).toBe(pixelsPath);
    const pixels = await readFile(pixelsPath);
    await rm(pixelsPath);
    expect(await service.ensure(contentHash, source)).toBe(pixelsPath);
    expect(await readFile(pixelsPath)).toEqual(pixels);
  });

  test('ensure refuses another picture that took the place of the one that was read', async () => {
    const source = await file('c.png', await pictures.noise(30, 30));
    const { contentHash, pixelsPath } = await service.load(source);
    await rm(pixelsPath);
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
    const { contentHash, pixelsPath } = await service.load(source);
    const next = open('cache');
    expect(await next.ensure(contentHash, '/gone')).toBe(pixelsPath);
    await next.close();
  });
});

describe('a decoder', () => {
  const hostUrl = new URL('../../workers/hosts/picture-host.ts', import.meta.url);
  const host = openHost<PictureHostApi>(hostUrl, {
    label: 'the picture decoder',
  });
  const decode = (bytes: Uint8Array, timeoutMs = 5000) => decodeSafely(host, bytes, 'a.png', { ...limits, timeoutMs });
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

  test('that was killed and is closed in its second try blames no picture', async () => {
    const own = openHost<PictureHostApi>(hostUrl, { label: 'the picture decoder' });
    const call = decodeSafely(own, await pictures.noise(3000, 3000), 'a.png', limits);
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
    await expect(decodeSafely(absent, await pictures.png(), 'a.png', limits)).rejects.toMatchObject({
      code: 'ENGINE_CRASHED',
      retry: true,
    });
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
