import { firstGifFrame } from './gif.ts';
import { barePng } from './png.ts';
import { firstWebpFrame } from './webp.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/**
 * The part of a picture file that its first frame is decoded from. The rest never reaches a parser: a PNG's texts (of a
 * few bytes that unfold to megabytes each), and the other frames of a GIF or a WebP (of which there may be a million).
 * JPEG and AVIF stay as they are: what they carry besides is not packed. So does whatever is cut short or malformed: the
 * decoder has the word for that.
 */
export function firstFrameOf(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.subarray(0, 8).equals(PNG)) return barePng(file);
  if (file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WEBP')
    return firstWebpFrame(file);
  if (file.toString('latin1', 0, 4) === 'GIF8') return firstGifFrame(file);
  return bytes;
}
