import { SimiliError } from '../../src/errors.ts';
import type { PictureHostApi } from '../hosts/picture-host.ts';
import type { Host } from '../hosts/rpc.ts';
import type { DecodedPicture, DecodeLimits } from './decoded-picture.ts';

/**
 * `decodePicture` in another process, which a picture may stall or break.
 * @throws SimiliError IMAGE_UNREADABLE, IMAGE_TOO_LARGE; IMAGE_TIMEOUT past `timeoutMs`; ENGINE_CRASHED when the decoder
 * does not start or was closed, which is no fault of the picture.
 */
export async function decodeSafely(
  host: Host<PictureHostApi>,
  bytes: Uint8Array,
  source: string,
  { maxPixels, background, sides, timeoutMs }: DecodeLimits & { timeoutMs: number },
  signal?: AbortSignal,
): Promise<DecodedPicture> {
  const args = { bytes, source, limits: { maxPixels, background, sides } };
  // A picture that ends its decoder gets a second try, as something else may have done it; then it counts as unreadable.
  for (const lastTry of [false, true]) {
    await host.call('ready', null, { signal });
    try {
      return await host.call('decode', args, { timeoutMs, signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        throw new SimiliError('IMAGE_TIMEOUT', {
          source,
          seconds: timeoutMs / 1000,
        });
      }
      const crashed = error instanceof SimiliError && error.code === 'ENGINE_CRASHED' && !host.closed;
      if (!crashed) throw error;
      if (lastTry) break;
    }
  }
  throw new SimiliError('IMAGE_UNREADABLE', {
    source,
    why: 'decoding it ended the decoder, twice',
  });
}
