import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { AskedPicture } from 'simili/internal/db/picture-queries';
import { PRIVATE_FOLDER } from 'simili/internal/private-files';
import { makePool } from '../tools/pool.ts';
import { sha256 } from '../tools/sha256.ts';
import { decodeAlone } from './decode-safely.ts';
import { DECODE_VERSION } from './decoded-picture.ts';
import { type FetchOptions, openPictureFetcher } from './fetch.ts';
import { forbidden } from './fetch-errors.ts';
import { DECODERS, openDecoder, type PictureLimits } from './picture-service.ts';
import { openPixelCache } from './pixel-cache.ts';

/** A picture that was decoded for one search: its hash, and the folders of its pixels by side, as a PictureService has them. */
export type AsidePicture = { contentHash: string; folders: Record<number, string> };

export type AskedPictures = {
  /**
   * Fetches and decodes a picture, apart from those of the catalogs; its pixels are gone when `use` has ended.
   * @throws SimiliError IMAGE_*; the signal's reason when it aborts.
   */
  decode<R>(
    picture: AskedPicture,
    sides: readonly number[],
    signal: AbortSignal,
    use: (picture: AsidePicture) => Promise<R>,
  ): Promise<R>;
  close(): Promise<void>;
};

type Options = { dir: string; limits: Omit<PictureLimits, 'allowPrivate'>; processes?: number } & Pick<
  FetchOptions,
  'lookup' | 'isAllowed'
>;

/** Longest fetch, and longest decoding, ms: somebody waits. */
const LONGEST_MS = 3000;
/** Folders of processes that were killed are removed when they are so old, ms. */
const LEFT_MS = 60_000;

/**
 * Pictures that shoppers search by. They have connections, manners towards hosts and decoders of their own: what a stranger sends holds
 * up no picture of a catalog, and a host that he makes fail is not left alone by those who fetch the catalog. Whatever is allowed to a
 * catalog, whose addresses its owner writes, he names no private one.
 */
export function openAskedPictures({ dir, limits, processes = DECODERS, ...options }: Options): AskedPictures {
  const timeoutMs = Math.min(LONGEST_MS, limits.timeoutMs);
  const fetcher = openPictureFetcher({ ...limits, allowPrivate: false, ...options, timeoutMs });
  const hosts = Array.from({ length: processes }, openDecoder);
  const alone = makePool(hosts);
  const { background, maxPixels } = limits;
  return {
    async decode(picture, sides, signal, use) {
      const source = 'url' in picture ? picture.url : 'the picture';
      // A path would be read: a catalog's pictures may lie on disk, a stranger's may not.
      if (isAbsolute(source)) throw forbidden(source, 'it is no address');
      const bytes = 'url' in picture ? (await fetcher.fetch(source, signal)).bytes : picture.bytes;
      const contentHash = sha256(bytes);
      const { pixels, ...facts } = await decodeAlone(
        { alone },
        bytes,
        source,
        { maxPixels, background, sides, timeoutMs },
        signal,
      );
      await removeLeft(dir);
      const own = join(dir, randomUUID());
      try {
        const folders: Record<number, string> = {};
        for (const side of sides) {
          const cache = openPixelCache({ dir: own, size: side, decodeVersion: DECODE_VERSION, background });
          folders[side] = cache.folder;
          await cache.put(contentHash, pixels[side]!, facts);
        }
        return await use({ contentHash, folders });
      } finally {
        await rm(own, { recursive: true, force: true });
      }
    },
    async close() {
      await Promise.all([fetcher.close(), ...hosts.map((host) => host.close())]);
    },
  };
}

async function removeLeft(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER });
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const found = await stat(path).catch(() => null); // its owner may be removing it
    if (found && Date.now() - found.mtimeMs > LEFT_MS) await rm(path, { recursive: true, force: true });
  }
}
