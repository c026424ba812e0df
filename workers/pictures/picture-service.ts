import { SimiliError } from '../../src/errors.ts';
import { PICTURE_SIZE } from '../../src/learning/served-model.ts';
import type { PictureHostApi } from '../hosts/picture-host.ts';
import { type Host, openHost } from '../hosts/rpc.ts';
import { sha256 } from '../sha256.ts';
import { decodeSafely } from './decode-safely.ts';
import { DECODE_VERSION, type DecodedPicture } from './decoded-picture.ts';
import { type FetchOptions, openPictureFetcher } from './fetch.ts';
import { openPixelCache, type PictureFacts } from './pixel-cache.ts';
import { makePool } from './pool.ts';

export type PictureLimits = {
  /** Of the file. */
  maxBytes: number;
  /** Width times height. */
  maxPixels: number;
  /** For fetching, and again for decoding. */
  timeoutMs: number;
  allowPrivate: boolean;
  /** `#rrggbb` behind transparent pictures and around the ink. */
  background: string;
};

export type PictureServiceOptions = {
  /** Made when missing; may be shared by processes. */
  cacheDir: string;
  limits: PictureLimits;
  /** Decoding processes; default 1. */
  processes?: number;
  /** The cache is cut back to this many bytes of pixels (12 KB a picture); default 16 GiB. */
  maxCacheBytes?: number;
  lookup?: FetchOptions['lookup'];
};

/** `contentHash`: sha-256 of the picture's bytes. `pixelsPath`: file of uint8 RGB [64, 64, 3]. */
export type LoadedPicture = PictureFacts & {
  contentHash: string;
  pixelsPath: string;
};

export type PictureService = {
  /**
   * Fetches a picture (http(s) URL or absolute path) and makes sure that its pixels are in the cache.
   * @throws SimiliError IMAGE_*; the signal's reason when it aborts.
   */
  load(source: string, signal?: AbortSignal): Promise<LoadedPicture>;
  /** Path of the pixels of a picture that was loaded before: from the cache, else fetched again. */
  ensure(contentHash: string, source: string, signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
};

/** Pictures in the making, each holding up to `maxBytes`. */
const FETCHES = 8;
/** Pictures written between two looks at the size of the cache. */
const PRUNE_EVERY = 2000;

export function openPictures(options: PictureServiceOptions): PictureService {
  const { cacheDir, limits, processes = 1, maxCacheBytes = 16 * 2 ** 30, lookup } = options;
  const { background } = limits;
  const cache = openPixelCache({
    dir: cacheDir,
    size: PICTURE_SIZE,
    decodeVersion: DECODE_VERSION,
    background,
  });
  const fetcher = openPictureFetcher({ ...limits, ...(lookup && { lookup }) });
  const hosts = Array.from({ length: processes }, openPictureHost);
  const fetches = makePool(Array.from({ length: FETCHES }, (_, slot) => slot));
  const decoders = makePool(hosts);
  let written = 0;

  const store = async (contentHash: string, { pixels, ...facts }: DecodedPicture) => {
    const pixelsPath = await cache.put(contentHash, pixels, facts);
    written += 1;
    if (written % PRUNE_EVERY === 0) await cache.prune(maxCacheBytes);
    return { contentHash, pixelsPath, ...facts };
  };
  const fetchAndDecode = async (source: string, signal?: AbortSignal): Promise<LoadedPicture> => {
    const bytes = await fetcher.fetch(source, signal);
    const contentHash = sha256(bytes);
    const cached = await cache.get(contentHash);
    if (cached) return { contentHash, pixelsPath: cache.pathOf(contentHash), ...cached };
    return store(contentHash, await decoders.use((host) => decodeSafely(host, bytes, source, limits, signal), signal));
  };
  const load = (source: string, signal?: AbortSignal) => fetches.use(() => fetchAndDecode(source, signal), signal);

  return {
    load,
    async ensure(contentHash, source, signal) {
      if (await cache.has(contentHash)) return cache.pathOf(contentHash);
      const again = await load(source, signal);
      if (again.contentHash === contentHash) return again.pixelsPath;
      throw new SimiliError('IMAGE_UNREADABLE', {
        source,
        why: 'it is not the picture any more that was read before',
      });
    },
    async close() {
      await Promise.all([fetcher.close(), ...hosts.map((host) => host.close())]);
    },
  };
}

/** No environment: a decoder of strangers' files has no use for keys and passwords. */
function openPictureHost(): Host<PictureHostApi> {
  const source = import.meta.url.endsWith('.ts') ? '../hosts/picture-host.ts' : '../hosts/picture-host.js';
  return openHost<PictureHostApi>(new URL(source, import.meta.url), {
    label: 'the picture decoder',
    maxOldSpaceMb: 256,
    env: {},
  });
}
