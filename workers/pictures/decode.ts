import sharp, { type Metadata } from 'sharp';
import { SimiliError } from 'simili/internal/errors';
import { checkSize, LARGE_BYTES } from './check-size.ts';
import { firstFrameOf } from './containers/index.ts';
import type { DecodedPicture, DecodeLimits } from './decoded-picture.ts';
import { flatten } from './flatten.ts';
import type { Colour } from './raster.ts';
import { trimToInk, trimToSquare } from './trim.ts';

/** Longer side of the raster that is searched for the thing, in sides of the result: a thing of a third of the picture stays sharp. */
const WORKING_SIDES = 3;
const NO_PICTURE = 'it is not a picture (JPEG, PNG, WebP, AVIF or GIF)';

// Bytes come from strangers: no other parser (SVG, PDF, TIFF, RAW …) ever sees them. No cache: nothing is decoded twice.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif'].map((format) => `VipsForeignLoad${format}Buffer`),
});
sharp.cache(false);
sharp.concurrency(1);

/**
 * The first frame of a picture, upright, as 8-bit sRGB, cut to its thing, on the background. The size is checked before
 * any pixel is decoded.
 * @param source names the picture in errors.
 * @throws SimiliError IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export const decodePicture = async (file: Uint8Array, source: string, limits: DecodeLimits): Promise<DecodedPicture> =>
  readPixels(await openPicture(file, source, limits), source, limits);

/** The same; null, at once, for a picture that is large. */
export async function decodeSmall(
  file: Uint8Array,
  source: string,
  limits: DecodeLimits,
): Promise<DecodedPicture | null> {
  const picture = await openPicture(file, source, limits);
  return picture.heldBytes > LARGE_BYTES ? null : readPixels(picture, source, limits);
}

/** uint8 [height, width, 3], or 4 with opacity. */
type Shrunk = { data: Uint8Array; info: { width: number; height: number; channels: number } };
type Opened = { bytes: Uint8Array; metadata: Metadata; heldBytes: number };

async function openPicture(file: Uint8Array, source: string, { maxPixels }: DecodeLimits): Promise<Opened> {
  if (file.length === 0) throw new SimiliError('IMAGE_UNREADABLE', { source, why: 'it is empty' });
  const bytes = firstFrameOf(file);
  const metadata = await readMetadata(bytes, source);
  // HEIC and its kin share AVIF's container; their codecs are not on board.
  if (metadata.format === 'heif' && metadata.compression !== 'av1')
    throw new SimiliError('IMAGE_UNREADABLE', { source, why: NO_PICTURE });
  return { bytes, metadata, heldBytes: checkSize(metadata, source, maxPixels) };
}

async function readPixels({ bytes, metadata }: Opened, source: string, limits: DecodeLimits): Promise<DecodedPicture> {
  const pixels: Record<number, Uint8Array> = {};
  // Each from a raster of its own: what a side looks like does not depend on which others are wanted.
  for (const side of limits.sides) {
    pixels[side] = squareOf(await readRaster(bytes, source, limits, WORKING_SIDES * side), limits, side);
  }
  const { width, height } = metadata.autoOrient;
  return { pixels, width, height, mime: mimeOf(metadata) };
}

/** The square picture; the ground of a transparent one is known, that of others is looked for. */
function squareOf({ data, info }: Shrunk, limits: DecodeLimits, side: number): Uint8Array {
  const background = parseColour(limits.background);
  const { width, height } = info;
  if (info.channels === 3) return trimToSquare({ pixels: data, width, height }, background, side);
  const { raster, isCutOut } = flatten(data, width, height, background);
  return isCutOut ? trimToInk(raster, background, side) : trimToSquare(raster, background, side);
}

async function readMetadata(bytes: Uint8Array, source: string): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw unreadable(source, error);
  }
}

async function readRaster(bytes: Uint8Array, source: string, limits: DecodeLimits, side: number): Promise<Shrunk> {
  try {
    return await shrunk(bytes, limits, side, 'error');
  } catch (error) {
    if (!isWithoutEnd(error)) throw unreadable(source, error);
  }
  try {
    // Only whole pixels pass 'warning': a picture that lacks more than its end mark is refused still.
    return await shrunk(Buffer.concat([bytes, END_OF_JPEG]), limits, side, 'warning');
  } catch (error) {
    throw unreadable(source, error);
  }
}

const END_OF_JPEG = Buffer.from([0xff, 0xd9]);
const isWithoutEnd = (error: unknown): boolean => error instanceof Error && /premature end of JPEG/.test(error.message);

async function shrunk(
  bytes: Uint8Array,
  { maxPixels }: DecodeLimits,
  side: number,
  failOn: 'error' | 'warning',
): Promise<Shrunk> {
  return (
    sharp(bytes, { limitInputPixels: maxPixels, failOn, autoOrient: true })
      // Linear: a triangle filter, so that edges do not ring into the ground.
      .resize(side, side, { fit: 'inside', withoutEnlargement: true, kernel: 'linear' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
  );
}

/** In the words of whoever has to replace the file. */
function unreadable(source: string, error: unknown): SimiliError {
  const message = error instanceof Error ? error.message : String(error);
  if (/(out of|insufficient) memory|memory allocation/i.test(message))
    return new SimiliError('IMAGE_TOO_LARGE', { source, why: 'decoding it takes more memory than a decoder has' });
  const detail = message.trim().split('\n')[0];
  const why = /unsupported image format/.test(message) ? NO_PICTURE : `it is cut short or damaged (${detail})`;
  return new SimiliError('IMAGE_UNREADABLE', { source, why });
}

const mimeOf = ({ format }: Metadata): string => `image/${format === 'heif' ? 'avif' : format}`;

const parseColour = (hex: string): Colour => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};
