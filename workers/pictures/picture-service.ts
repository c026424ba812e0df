import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { PictureCopies } from 'simili/internal/catalog/picture-copies';
import { isShownHere } from 'simili/internal/catalog/uploaded-picture';
import { SimiliError } from 'simili/internal/errors';
import { openHost } from '../hosts/rpc.ts';
import { makePool, type Pool } from '../tools/pool.ts';
import { sha256 } from '../tools/sha256.ts';
import { DECODER_MB, type Decoder, decodeAlone, decodeShared } from './decode-safely.ts';
import { DECODE_VERSION, type DecodedPicture } from './decoded-picture.ts';
import { type FetchOptions, openPictureFetcher } from './fetch.ts';
import type { Fetched, Revision } from './fetched.ts';
import type { PictureHostApi } from './picture-host.ts';
import { openPixelCache, type PictureFacts } from './pixel-cache.ts';

export type PictureLimits = {
  /** Longest file. */
  maxBytes: number;
  /** Width times height. */
  maxPixels: number;
  /** For fetching, and again for decoding. */
  timeoutMs: number;
  allowPrivate: boolean;
  /** Only from these hosts; default: from all. */
  hosts?: readonly string[];
  /** `#rrggbb` behind transparent pictures and around the ink. */
  background: string;
};

export type PictureServiceOptions = {
  /** Made when missing; may be shared by processes. */
  cacheDir: string;
  limits: PictureLimits;
  /** Decoding processes; default `DECODERS`. */
  processes?: number;
  /** The cache is cut back to this many bytes (12 KB a picture); default 16 GiB. */
  maxCacheBytes?: number;
  lookup?: FetchOptions['lookup'];
  /** Where pictures from disk, and those that were sent as files, are kept as they were when they were decoded. */
  copies?: PictureCopies;
  uploads?: FetchOptions['uploads'];
};

/** `contentHash`: sha-256 of the picture's bytes. */
export type LoadedPicture = PictureFacts & { contentHash: string };

export type PictureService = {
  /**
   * Fetches a picture (http(s) URL, absolute path, or one that was sent as a file) and makes sure that its pixels are in the cache.
   * @param sides of the squares that are wanted; default: the common one, PICTURE_SIZE.
   * @throws SimiliError IMAGE_*; the signal's reason when it aborts.
   */
  load(source: string, signal?: AbortSignal, sides?: readonly number[]): Promise<LoadedPicture>;
  /**
   * The same, unless the source is still what it was: then null.
   * @param known what was loaded before; null: nothing
   * @throws SimiliError IMAGE_*; the signal's reason when it aborts.
   */
  refresh(
    source: string,
    known: Revision | null,
    signal?: AbortSignal,
    sides?: readonly number[],
  ): Promise<(LoadedPicture & { revision: Revision }) | null>;
  /** Makes sure of the pixels of a picture that was loaded before: from the cache, else fetched again. */
  ensure(contentHash: string, source: string, signal?: AbortSignal, sides?: readonly number[]): Promise<void>;
  /** Frees pixels that nobody asks for again soon. */
  forget(contentHashes: readonly string[], side: number): Promise<void>;
  /** Where pixels are: folder by side; a picture's file in it is `<first two digits of the hash>/<hash>.rgb`. */
  folders(sides: readonly number[]): Record<number, string>;
  /** How the pixels of a side were made, in a word: what is computed from others may differ. */
  look(side: number): string;
  /** Pictures whose pixels of all these sides the cache keeps together. */
  capacity(sides: readonly number[]): number;
  close(): Promise<void>;
};

/** One core stays free for the engine and for whoever asks the API. */
export const DECODERS = Math.max(1, availableParallelism() - 1);
/** The one that a decoder works on, and the next, which is there when it ends. */
const AT_A_DECODER = 2;
/** Pictures in the making, each holding up to `maxBytes`; and for each decoder one more than it holds. */
const FETCHES = 8;
/** More of them that wait for a decoder of their own: they leave their place to others as long as there is one here. */
const WAITING = 16;
/** Share of the cache that may be written between two looks at its size: a look reads the whole folder. */
const UNSEEN = 1 / 16;
/** Facts behind the pixels of a file, at most. */
const FACTS_BYTES = 100;

export function openPictures(options: PictureServiceOptions): PictureService {
  const { cacheDir, limits, processes = DECODERS, maxCacheBytes = 16 * 2 ** 30, lookup, copies, uploads } = options;
  const { background } = limits;
  const cacheOf = (size: number) => openPixelCache({ dir: cacheDir, size, decodeVersion: DECODE_VERSION, background });
  const fetcher = openPictureFetcher({ ...limits, ...(lookup && { lookup }), ...(uploads && { uploads }) });
  const hosts = Array.from({ length: processes }, openDecoder);
  const lone = Array.from({ length: Math.max(1, processes - 1) }, openDecoder);
  const fetches = makePool(
    Array.from({ length: Math.max(FETCHES, (AT_A_DECODER + 1) * processes) }, (_, slot) => slot),
  );
  const shared = makePool(Array.from({ length: AT_A_DECODER }, () => hosts).flat());
  const waiting = makePool(Array.from({ length: WAITING }, (_, place) => place));
  const decoders = { shared, alone: makePool(lone) };
  /** Bytes written since the last look; the first picture causes one, as a process before may have gone too early. */
  let unseen = Number.POSITIVE_INFINITY;

  const store = async (contentHash: string, { pixels, ...facts }: DecodedPicture) => {
    for (const [side, own] of Object.entries(pixels)) {
      await cacheOf(Number(side)).put(contentHash, own, facts);
      unseen += own.length;
    }
    if (unseen >= UNSEEN * maxCacheBytes) {
      unseen = 0;
      await cacheOf(PICTURE_SIZE).prune((1 - UNSEEN) * maxCacheBytes); // of all sides
    }
    return { contentHash, ...facts };
  };
  const lacking = async (contentHash: string, sides: readonly number[]): Promise<number[]> => {
    const found = await Promise.all(sides.map((side) => cacheOf(side).has(contentHash)));
    return sides.filter((_side, i) => !found[i]);
  };
  /** @returns the picture, or the promise of one that is decoded alone. */
  const decoded = async (
    bytes: Uint8Array,
    source: string,
    wanted: readonly number[],
    signal?: AbortSignal,
  ): Promise<LoadedPicture | { later: Promise<LoadedPicture> }> => {
    const contentHash = sha256(bytes);
    const sides = await lacking(contentHash, wanted);
    const cached = sides.length === 0 ? await cacheOf(wanted[0]!).get(contentHash) : null;
    if (cached) return { contentHash, ...cached };
    const own = { ...limits, sides: sides.length > 0 ? sides : wanted };
    const picture = await decodeShared(decoders, bytes, source, own, signal);
    if (picture) return store(contentHash, picture);
    return begun(waiting, signal, async () =>
      store(contentHash, await decodeAlone(decoders, bytes, source, own, signal)),
    );
  };
  /** A picture that `get` brings, if it brings one; from disk it is copied when it turned out to be a picture. */
  const made = async <F extends Pick<Fetched, 'bytes'>>(
    get: () => Promise<F | null>,
    source: string,
    sides: readonly number[],
    signal?: AbortSignal,
  ): Promise<{ picture: LoadedPicture; fetched: F } | null> => {
    const held = await fetches.use(async () => {
      const fetched = await get();
      return fetched && { fetched, found: await decoded(fetched.bytes, source, sides, signal) };
    }, signal);
    if (!held) return null;
    const { fetched, found } = held;
    const picture = 'later' in found ? await found.later : found;
    if (isShownHere(source)) await copies?.put(picture.contentHash, fetched.bytes);
    return { picture, fetched };
  };
  const load = async (source: string, signal?: AbortSignal, sides: readonly number[] = [PICTURE_SIZE]) =>
    (await made(() => fetcher.fetch(source, signal), source, sides, signal))!.picture;

  return {
    load,
    async refresh(source, known, signal, sides = [PICTURE_SIZE]) {
      const found = await made(() => fetcher.fetch(source, signal, known), source, sides, signal);
      return found && { ...found.picture, revision: found.fetched.revision };
    },
    async ensure(contentHash, source, signal, sides = [PICTURE_SIZE]) {
      const missing = await lacking(contentHash, sides);
      if (missing.length === 0) return;
      const copy = isShownHere(source) ? await copies?.read(contentHash) : null;
      const again = copy
        ? (await made(async () => ({ bytes: copy }), source, missing, signal))!.picture
        : await load(source, signal, missing);
      if (again.contentHash === contentHash) return;
      throw new SimiliError('IMAGE_UNREADABLE', {
        source,
        why: 'it is not the picture any more that was read before',
      });
    },
    async forget(contentHashes, side) {
      await Promise.all(contentHashes.map((hash) => cacheOf(side).remove(hash)));
    },
    folders: (sides) => Object.fromEntries(sides.map((side) => [side, cacheOf(side).folder])),
    look: (side) => basename(cacheOf(side).folder),
    capacity(sides) {
      const each = sides.reduce((sum, side) => sum + 3 * side * side + FACTS_BYTES, 0);
      return Math.floor(((1 - UNSEEN) * maxCacheBytes) / each);
    },
    async close() {
      await Promise.all([fetcher.close(), ...[...hosts, ...lone].map((host) => host.close())]);
    },
  };
}

/** Waits until the task has its place in the pool, and not for its end. */
const begun = <Result>(
  pool: Pool<unknown>,
  signal: AbortSignal | undefined,
  task: () => Promise<Result>,
): Promise<{ later: Promise<Result> }> =>
  new Promise((resolve, reject) => {
    const later = pool.use(() => {
      resolve({ later });
      return task();
    }, signal);
    later.catch(reject); // before it has a place
  });

/** Starts with its first picture. No environment: it reads strangers' files and has no use for keys and passwords. */
export function openDecoder(): Decoder {
  const source = import.meta.url.endsWith('.ts') ? './picture-host.ts' : './picture-host.js';
  return openHost<PictureHostApi>(new URL(source, import.meta.url), {
    label: 'the picture decoder',
    maxOldSpaceMb: 256,
    maxMemoryMb: DECODER_MB,
    serial: true,
    env: {},
  });
}
