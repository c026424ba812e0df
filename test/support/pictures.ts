import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** Real picture files, made when asked for: bytes as a shop would send them. */

/** A red 40 x 20 block in the top left of an 80 x 60 white picture. */
export const redBlock = (): Sharp =>
  sharp({
    create: { width: 80, height: 60, channels: 3, background: '#ffffff' },
  }).composite([
    {
      input: {
        create: { width: 40, height: 20, channels: 3, background: '#ff0000' },
      },
      left: 0,
      top: 0,
    },
  ]);

export const jpeg = () => redBlock().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
export const png = () => redBlock().png().toBuffer();
export const webp = () => redBlock().webp({ lossless: true }).toBuffer();
export const avif = () => redBlock().avif({ quality: 90 }).toBuffer();
export const tiff = () => redBlock().tiff().toBuffer();
export const greyPng = async () =>
  sharp(await png())
    .greyscale()
    .png()
    .toBuffer();
export const png16 = async () =>
  sharp(await png())
    .toColourspace('rgb16')
    .png()
    .toBuffer();
export const cmykJpeg = async () =>
  sharp(await png())
    .toColourspace('cmyk')
    .jpeg({ quality: 95 })
    .toBuffer();
/** Stored lying on its side; EXIF says to turn it by 90 degrees clockwise. */
export const rotatedJpeg = async () =>
  sharp(await png())
    .rotate(-90)
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer();
/** A red block on transparent black. */
export const transparentPng = () =>
  sharp({
    create: {
      width: 80,
      height: 60,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    },
  })
    .composite([
      {
        input: {
          create: { width: 40, height: 20, channels: 3, background: '#ff0000' },
        },
        left: 0,
        top: 0,
      },
    ])
    .png()
    .toBuffer();
/** Two frames: the red block, then all blue. */
export async function animated(format: 'gif' | 'webp'): Promise<Buffer> {
  const blue = await sharp({
    create: { width: 80, height: 60, channels: 3, background: '#0000ff' },
  })
    .png()
    .toBuffer();
  const frames = sharp([await png(), blue], { join: { animated: true } });
  return format === 'gif' ? frames.gif().toBuffer() : frames.webp({ lossless: true }).toBuffer();
}
export const blank = (colour: string) =>
  sharp({ create: { width: 30, height: 30, channels: 3, background: colour } })
    .png()
    .toBuffer();
/** Noise does not compress: a large file, and decoding it takes a while. */
export const noise = (width: number, height: number, format: 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' = 'png') =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#888888',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .toFormat(format, format === 'png' ? { compressionLevel: 1 } : {})
    .toBuffer();
export async function truncated(format: 'jpeg' | 'png' | 'webp' | 'avif' | 'gif'): Promise<Buffer> {
  const whole = await noise(100, 80, format);
  return whole.subarray(0, whole.length / 2);
}

/** 11 million pixels that a decoder holds all at once, in 50 kB. */
export const largeJpeg = (i: number) =>
  sharp({ create: { width: 3500 + i, height: 3300, channels: 3, background: '#ffffff' } })
    .jpeg({ progressive: true, chromaSubsampling: '4:4:4' })
    .toBuffer();

/** A valid PNG header of any size, with next to no data behind it. */
export function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.from([0x78, 0x9c])),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** An AVIF whose header says another size than its pixels have. */
export async function avifClaiming(width: number, height: number): Promise<Buffer> {
  const file = await avif();
  const size = file.indexOf('ispe') + 8; // name, version and flags
  file.writeUInt32BE(width, size);
  file.writeUInt32BE(height, size + 4);
  return file;
}

/** A PNG with more chunks behind its header. */
export function pngWith(png: Buffer, ...chunks: readonly Buffer[]): Buffer {
  const header = 33; // signature and IHDR
  return Buffer.concat([png.subarray(0, header), ...chunks, png.subarray(header)]);
}

/** A text of `length` letters, packed by a factor of a thousand: zTXt, or iTXt in its packed form. */
export function packedText(type: 'zTXt' | 'iTXt', keyword: string, length: number): Buffer {
  const head = type === 'zTXt' ? [0, 0] : [0, 1, 0, 0, 0];
  return chunk(type, Buffer.concat([Buffer.from(keyword), Buffer.from(head), deflateSync(Buffer.alloc(length, 65))]));
}

/** Chunk of any kind, full of zeros: its content does not matter where it is not read. */
export const pngChunk = (type: string, length = 4): Buffer => chunk(type, Buffer.alloc(length));

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** One pixel of decoded [64, 64, 3]. */
export const pixelAt = (pixels: Uint8Array, x: number, y: number): number[] => [
  ...pixels.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3),
];
