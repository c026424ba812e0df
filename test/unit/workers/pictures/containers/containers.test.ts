import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { firstFrameOf } from '../../../../../workers/pictures/containers/index.ts';
import { decodePicture } from '../../../../../workers/pictures/decode.ts';
import * as pictures from '../../../../support/pictures.ts';

const decode = (bytes: Uint8Array) =>
  decodePicture(bytes, 'a', { maxPixels: 50_000_000, background: '#ffffff', sides: [64] });
const chunksOf = (png: Uint8Array): string[] => {
  const file = Buffer.from(png);
  const types: string[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at))
    types.push(file.toString('latin1', at + 4, at + 8));
  return types;
};

describe('of a PNG', () => {
  test('texts, suggested palettes and animation never reach the decoder; the picture is the same', async () => {
    const plain = await pictures.png();
    const extras = ['tEXt', 'sPLT', 'acTL', 'fcTL', 'fdAT', 'tIME', 'orNT'].map((type) => pictures.pngChunk(type));
    const texts = (['zTXt', 'iTXt'] as const).map((type) => pictures.packedText(type, 'key', 1000));
    const loaded = pictures.pngWith(plain, ...texts, ...extras);
    expect(chunksOf(loaded)).toEqual(expect.arrayContaining(['zTXt', 'iTXt', 'acTL', 'orNT']));
    expect(firstFrameOf(loaded)).toEqual(firstFrameOf(plain));
    expect(await decode(loaded)).toEqual(await decode(plain));
  });

  test('a kind that may come once comes once, and colours and orientation stay', async () => {
    const plain = await sharp(await pictures.png())
      .withIccProfile('p3')
      .withExif({})
      .png()
      .toBuffer();
    const twice = pictures.pngWith(plain, pictures.pngChunk('gAMA'), pictures.pngChunk('gAMA'));
    expect(chunksOf(firstFrameOf(twice)).filter((type) => type === 'gAMA')).toHaveLength(1);
    expect(chunksOf(firstFrameOf(plain))).toEqual(expect.arrayContaining(['IHDR', 'iCCP', 'IDAT', 'IEND']));
  });

  test('60 MB of text in 60 kB take no memory', async () => {
    const texts = Array.from({ length: 8 }, (_, i) =>
      pictures.packedText(i % 2 ? 'zTXt' : 'iTXt', `key ${i}`, 7_500_000),
    );
    const loaded = pictures.pngWith(await pictures.png(), ...texts);
    expect(loaded.length).toBeLessThan(80_000);
    await decode(await pictures.png()); // what the decoder takes anyway
    const before = process.resourceUsage().maxRSS;
    await decode(loaded);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(30_000); // kB
  });

  test('what is cut short stays so', async () => {
    const whole = await pictures.noise(100, 80);
    const cut = firstFrameOf(whole.subarray(0, -100));
    expect(cut).toEqual(firstFrameOf(whole).subarray(0, -100));
  });
});

describe.each(['gif', 'webp'] as const)('of a moving %s', (format) => {
  test('only the first frame is left, and looks the same', async () => {
    const file = await pictures.animated(format);
    const first = firstFrameOf(file);
    expect([(await sharp(file).metadata()).pages, (await sharp(first).metadata()).pages ?? 1]).toEqual([2, 1]);
    const [whole, alone] = await Promise.all([sharp(file).raw().toBuffer(), sharp(first).raw().toBuffer()]);
    expect(alone).toEqual(whole);
    expect(await decode(file)).toMatchObject({ width: 80, height: 60 });
  });

  test('what is cut short within it stays so', async () => {
    const half = await pictures.truncated(format);
    expect(firstFrameOf(half)).toEqual(half);
  });
});

test('a file of another kind stays as it is', async () => {
  for (const file of [await pictures.jpeg(), await pictures.avif(), Buffer.from('hello'), Buffer.alloc(0)]) {
    expect(firstFrameOf(file)).toBe(file);
  }
});
