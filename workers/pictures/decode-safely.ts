import { SimiliError } from '../../src/errors.ts';
import type { PictureHostApi } from '../hosts/picture-host.ts';
import type { Host } from '../hosts/rpc.ts';
import type { Pool } from '../pool.ts';
import type { DecodedPicture, DecodeLimits } from './decoded-picture.ts';

export type Decoder = Host<PictureHostApi>;
export type Decoders = {
  /** Each may be there more than once: the next picture then waits in it, and not for it. */
  shared: Pool<Decoder>;
  /** For one picture at a time. */
  alone: Pool<Decoder>;
};
type Limits = DecodeLimits & { timeoutMs: number };

/**
 * `decodePicture` in another process, which a picture may stall or break. When that happens every picture which was in
 * there is a suspect, and is tried once more, alone.
 * @throws SimiliError IMAGE_UNREADABLE, IMAGE_TOO_LARGE; IMAGE_TIMEOUT past `timeoutMs`; ENGINE_CRASHED when the decoder
 * does not start or was closed, which is no fault of the picture.
 */
export async function decodeSafely(
  { shared, alone }: Decoders,
  bytes: Uint8Array,
  source: string,
  limits: Limits,
  signal?: AbortSignal,
): Promise<DecodedPicture> {
  const decode = (host: Decoder) => decodeIn(host, bytes, source, limits, signal);
  try {
    return await shared.use(decode, signal);
  } catch (error) {
    if (!isSuspicion(error) || signal?.aborted) throw error;
  }
  return alone.use(async (host) => {
    await host.call('ready', null, { signal }); // a decoder that does not start says so here
    try {
      return await decode(host);
    } catch (error) {
      if (!isSuspicion(error) || host.closed || signal?.aborted) throw error;
      throw convicted(error, source, limits.timeoutMs);
    }
  }, signal);
}

const decodeIn = (
  host: Decoder,
  bytes: Uint8Array,
  source: string,
  { maxPixels, background, sides, timeoutMs }: Limits,
  signal?: AbortSignal,
): Promise<DecodedPicture> =>
  host.call('decode', { bytes, source, limits: { maxPixels, background, sides } }, { timeoutMs, signal });

const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === 'TimeoutError';
const isSuspicion = (error: unknown): boolean =>
  isTimeout(error) || (error instanceof SimiliError && error.code === 'ENGINE_CRASHED');

const convicted = (error: unknown, source: string, timeoutMs: number): SimiliError =>
  isTimeout(error)
    ? new SimiliError('IMAGE_TIMEOUT', { source, seconds: timeoutMs / 1000 })
    : new SimiliError('IMAGE_UNREADABLE', { source, why: 'decoding it ended the decoder, twice' });
