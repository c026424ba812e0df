import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePicture } from '../../../../workers/pictures/decode.ts';
import * as pictures from '../../../support/pictures.ts';

const limits = { maxPixels: 50_000_000, background: '#ffffff', sides: [64] };
/** Its 64 px pixels. */
const decode = async (bytes: Uint8Array, changes: Partial<typeof limits> = {}) => {
  const { pixels, ...facts } = await decodePicture(bytes, 'the-picture', { ...limits, ...changes });
  return { ...facts, pixels: pixels[64] as Uint8Array };
};
const near = (colour: number[]) => colour.map((value) => expect.toSatisfy((got: number) => Math.abs(got - value) <= 8));
const RED = near([255, 0, 0]);
const WHITE = near([255, 255, 255]);

describe('a 40 x 20 block on 80 x 60 white', () => {
  test.each([
    ['image/jpeg', pictures.jpeg],
    ['image/png', pictures.png],
    ['image/webp', pictures.webp],
    ['image/avif', pictures.avif],
    ['image/gif', () => pictures.animated('gif')],
    ['image/webp', () => pictures.animated('webp')],
    ['image/png', pictures.png16],
    ['image/png', pictures.transparentPng],
  ])('fills the width of the square, half of its height, in the middle: %s', async (mime, make) => {
    const picture = await decode(await make());
    expect(picture).toMatchObject({ mime, width: 80, height: 60 });
    expect(picture.pixels).toHaveLength(64 * 64 * 3);
    // border 3 %: 64 / 1.06 = 60.4 px of ink from 1.8 to 62.2 across, from 16.9 to 47.1 down
    for (const [x, y] of [
      [3, 32],
      [60, 32],
      [32, 19],
      [32, 44],
    ] as const)
      expect(pictures.pixelAt(picture.pixels, x, y)).toEqual(RED);
    for (const [x, y] of [
      [0, 32],
      [63, 32],
      [32, 14],
      [32, 49],
    ] as const)
      expect(pictures.pixelAt(picture.pixels, x, y)).toEqual(WHITE);
  });

  test('stands upright when EXIF says that it was stored on its side', async () => {
    const picture = await decode(await pictures.rotatedJpeg());
    expect(picture).toMatchObject({ width: 80, height: 60 });
    expect(pictures.pixelAt(picture.pixels, 3, 32)).toEqual(RED);
    expect(pictures.pixelAt(picture.pixels, 32, 10)).toEqual(WHITE);
  });

  test('is red in CMYK too', async () => {
    const [red = 0, green = 255, blue = 255] = pictures.pixelAt(
      (await decode(await pictures.cmykJpeg())).pixels,
      32,
      32,
    );
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green, blue)).toBeLessThan(60);
  });

  test('has three equal channels when it is grey', async () => {
    const [red = 0, green, blue] = pictures.pixelAt((await decode(await pictures.greyPng())).pixels, 32, 32);
    expect([green, blue]).toEqual([red, red]);
    expect(red).toBeLessThan(200);
  });

  test.each([1, 2])('is whole in a JPEG without its last %d bytes, as in every browser', async (bytes) => {
    const whole = await pictures.jpeg();
    expect(await decode(whole.subarray(0, -bytes))).toEqual(await decode(whole));
  });

  test('stands on the background that is asked for', async () => {
    const { pixels } = await decode(await pictures.transparentPng(), {
      background: '#102030',
    });
    expect(pictures.pixelAt(pixels, 0, 0)).toEqual([0x10, 0x20, 0x30]);
    expect(pictures.pixelAt(pixels, 32, 32)).toEqual(RED);
  });
});

test('a blank picture is kept whole, one without the background colour too', async () => {
  expect(new Set((await decode(await pictures.blank('#ffffff'))).pixels)).toEqual(new Set([255]));
  expect(pictures.pixelAt((await decode(await pictures.blank('#224466'))).pixels, 32, 32)).toEqual([0x22, 0x44, 0x66]);
});

test('decoding twice gives the same bytes', async () => {
  const bytes = await pictures.noise(300, 200);
  expect((await decode(bytes)).pixels).toEqual((await decode(bytes)).pixels);
});

describe('what cannot be read says why', () => {
  const unreadable = (why: string | RegExp) => ({
    code: 'IMAGE_UNREADABLE',
    retry: false,
    message: expect.stringMatching(why),
  });
  const text = (content: string) => async () => Buffer.from(content);

  test.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['an empty file', text(''), /^Cannot decode the-picture: it is empty$/],
    ['a text', text('hello'), /it is not a picture \(JPEG, PNG, WebP, AVIF or GIF\)/],
    ['a web page', text('<!doctype html><title>404</title>'), /not a picture/],
    ['an SVG', text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /not a picture/],
    ['a PDF', text('%PDF-1.7\n'), /not a picture/],
    ['a TIFF', pictures.tiff, /not a picture/],
    ['a PNG with a broken header', async () => (await pictures.png()).fill(0, 10, 30), /damaged/],
  ])('%s', async (_name, make, why) => {
    await expect(decode(await make())).rejects.toMatchObject(unreadable(why));
  });

  test('a JPEG that lacks a few pixels of its last row', async () => {
    const whole = await pictures.noise(100, 80, 'jpeg');
    await expect(decode(whole.subarray(0, -40))).rejects.toMatchObject(unreadable(/it is cut short or damaged/));
  });

  test.each(['jpeg', 'png', 'webp', 'avif', 'gif'] as const)('half a file: %s', async (format) => {
    await expect(decode(await pictures.truncated(format))).rejects.toMatchObject(
      unreadable(/it is cut short or damaged/),
    );
  });

  test('64,000 x 64,000 pixels in a small file, at once and without decoding any', async () => {
    const start = process.cpuUsage();
    const before = process.memoryUsage().rss;
    await expect(decode(pictures.pngClaiming(64_000, 64_000))).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      retry: false,
      message: 'the-picture is too large: 64000 x 64000 pixels, at most 50000000 are read',
    });
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000); // microseconds of work, however busy the machine
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test.each([
    ['1 x 40,000,000 pixels, as long as a valid file of 78 kB can make it', 1, 40_000_000],
    ['30,001 pixels in a row', 30_001, 1],
  ])('%s, by the header', async (_name, width, height) => {
    await expect(decode(pictures.pngClaiming(width, height))).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: `the-picture is too large: ${width} x ${height} pixels, at most 30000 a side are read`,
    });
  });

  test('a format that holds the whole picture while it is decoded: fewer pixels than others, and the error says how many', async () => {
    const [width, height] = [7000, 7000];
    const blank = sharp({ create: { width, height, channels: 3, background: '#ffffff' } });
    expect(await decode(await blank.clone().jpeg().toBuffer())).toMatchObject({ width, height });
    const avif = await pictures.avifClaiming(width, height);
    await expect(decode(avif)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'the-picture is too large: 7000 x 7000 pixels, at most 16777216 of AVIF are read',
    });
  });

  test('one row of pixels more than allowed', async () => {
    const bytes = await pictures.png();
    await expect(decode(bytes, { maxPixels: 80 * 60 - 1 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    expect(await decode(bytes, { maxPixels: 80 * 60 })).toMatchObject({
      width: 80,
    });
  });
});

test('a picture looks at one side as it does when that is the only one wanted, and is sharper at larger ones', async () => {
  const bytes = await pictures.noise(700, 500);
  const together = await decodePicture(bytes, 'the-picture', { ...limits, sides: [64, 96, 225] });
  for (const side of [64, 96, 225]) {
    const alone = await decodePicture(bytes, 'the-picture', { ...limits, sides: [side] });
    expect(together.pixels[side]).toHaveLength(side * side * 3);
    expect(together.pixels[side]).toEqual(alone.pixels[side]);
  }
  const spread = (pixels: Uint8Array) => {
    const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
    return pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length;
  };
  expect(spread(together.pixels[225] as Uint8Array)).toBeGreaterThan(spread(together.pixels[64] as Uint8Array));
});
