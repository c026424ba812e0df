import { SimiliError } from 'simili/internal/errors';
import { isOverMemory, isTimeout, NotBegun } from '../hosts/options.ts';
import type { Host } from '../hosts/rpc.ts';
import type { Pool } from '../tools/pool.ts';
import type { DecodedPicture, DecodeLimits } from './decoded-picture.ts';
import type { PictureHostApi } from './picture-host.ts';

export type Decoder = Host<PictureHostApi>;
export type Decoders = {
  /** For most pictures. Each may be there more than once: the next picture then waits in it, and not for it. */
  shared: Pool<Decoder>;
  /** For large pictures, and for those in whose turn a decoder ended: they keep nobody else waiting. */
  alone: Pool<Decoder>;
};
type Limits = DecodeLimits & { timeoutMs: number };

/** MiB of a decoder. Headers that ask for more are refused (check-size.ts); this is for those that lie. */
export const DECODER_MB = 512;

/**
 * `decodePicture` in another process, which a picture may stall or break: see `decodeShared` and `decodeAlone`.
 * @throws SimiliError IMAGE_UNREADABLE, IMAGE_TOO_LARGE; IMAGE_TIMEOUT past `timeoutMs`; ENGINE_CRASHED when the decoder
 * does not start or was closed, which is no fault of the picture.
 */
export const decodeSafely = async (
  decoders: Decoders,
  bytes: Uint8Array,
  source: string,
  limits: Limits,
  signal?: AbortSignal,
): Promise<DecodedPicture> =>
  (await decodeShared(decoders, bytes, source, limits, signal)) ?? decodeAlone(decoders, bytes, source, limits, signal);

/**
 * Among others. Null when it is for a decoder of its own: it is large, or its decoder ended in its turn, which may have
 * had another reason. A picture that is too slow or takes too much memory is convicted here, the others go on elsewhere.
 */
export async function decodeShared(
  { shared }: Decoders,
  bytes: Uint8Array,
  source: string,
  limits: Limits,
  signal?: AbortSignal,
): Promise<DecodedPicture | null> {
  for (;;) {
    try {
      return await shared.use((host) => callIn(host, 'decodeSmall', bytes, source, limits, signal), signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      if (error instanceof NotBegun) continue;
      if (isCrash(error)) return null;
      throw error;
    }
  }
}

/** The last try, alone in its decoder. */
export const decodeAlone = (
  { alone }: Pick<Decoders, 'alone'>,
  bytes: Uint8Array,
  source: string,
  limits: Limits,
  signal?: AbortSignal,
): Promise<DecodedPicture> =>
  alone.use(async (host) => {
    await host.call('ready', null, { signal }); // a decoder that does not start says so here
    try {
      return await callIn(host, 'decode', bytes, source, limits, signal);
    } catch (error) {
      if (!isCrash(error) || host.closed || signal?.aborted) throw error;
      throw new SimiliError('IMAGE_UNREADABLE', { source, why: 'decoding it ended the decoder, twice' });
    }
  }, signal);

async function callIn<M extends 'decode' | 'decodeSmall'>(
  host: Decoder,
  method: M,
  bytes: Uint8Array,
  source: string,
  { maxPixels, background, sides, timeoutMs }: Limits,
  signal?: AbortSignal,
) {
  try {
    return await host.call(method, { bytes, source, limits: { maxPixels, background, sides } }, { timeoutMs, signal });
  } catch (error) {
    if (isTimeout(error) && !signal?.aborted)
      throw new SimiliError('IMAGE_TIMEOUT', { source, seconds: timeoutMs / 1000 });
    if (isOverMemory(error))
      throw new SimiliError('IMAGE_TOO_LARGE', {
        source,
        why: `decoding it takes more than ${DECODER_MB} MB of memory`,
      });
    throw error;
  }
}

const isCrash = (error: unknown): boolean => error instanceof SimiliError && error.code === 'ENGINE_CRASHED';
