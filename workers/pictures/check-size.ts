import type { Metadata } from 'sharp';
import { SimiliError } from 'simili/internal/errors';

/** Longest side, pixels. Each row costs time of its own, however short it is: 40 million of one pixel took half a minute. */
export const MAX_SIDE = 30_000;
/** Most bytes that the pixels of one picture take at once while they are decoded; the process has more (`DECODER_MB`). */
const MAX_HELD_BYTES = 320 * 2 ** 20;
/** Bytes held past which a picture is large: below, decoding took half a second at most. */
export const LARGE_BYTES = 64 * 2 ** 20;

/**
 * Decides by the header, before any pixel is decoded.
 * @returns the bytes that a decoder will hold of the picture at once.
 * @throws SimiliError IMAGE_TOO_LARGE: pixels, a side, or what they take in the memory of a decoder.
 */
export function checkSize(metadata: Metadata, source: string, maxPixels: number): number {
  const { width, height } = metadata.autoOrient;
  const refuse = (most: string) => {
    throw new SimiliError('IMAGE_TOO_LARGE', { source, why: `${width} x ${height} pixels, ${most}` });
  };
  if (width * height > maxPixels) refuse(`at most ${maxPixels} are read`);
  if (Math.max(width, height) > MAX_SIDE) refuse(`at most ${MAX_SIDE} a side are read`);
  const { kind, bytes } = heldForAPixel(metadata);
  const held = width * height * bytes;
  if (held > MAX_HELD_BYTES) refuse(`at most ${Math.floor(MAX_HELD_BYTES / bytes)} of ${kind} are read`);
  return held;
}

/**
 * Bytes a pixel that a decoder holds of the whole picture at once, rounded up from what was measured
 * (docs/catalog.md); 0 where it goes row by row.
 */
function heldForAPixel(metadata: Metadata): { kind: string; bytes: number } {
  const { format, isProgressive, channels = 4, depth, bitsPerSample = 8 } = metadata;
  if (format === 'heif')
    return bitsPerSample > 8 ? { kind: 'AVIF with over 8 bits', bytes: 26 } : { kind: 'AVIF', bytes: 20 };
  if (format === 'jpeg' && isProgressive) return { kind: 'a progressive JPEG of this kind', bytes: 2 * channels };
  if (format === 'png' && isProgressive) {
    return { kind: 'an interlaced PNG of this kind', bytes: 1.1 * channels * (depth === 'uchar' ? 1 : 2) };
  }
  if (format === 'webp') return { kind: 'WebP', bytes: 5 };
  if (format === 'gif') return { kind: 'GIF', bytes: 5 };
  return { kind: 'this format', bytes: 0 };
}
