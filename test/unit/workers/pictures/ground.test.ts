import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { hog } from '../../../../learning/features/hog.ts';
import { demoCatalog } from '../../../../scripts/demo-catalog.ts';
import { areaAverage } from '../../../../workers/pictures/area-average.ts';
import { decodePicture } from '../../../../workers/pictures/decode.ts';
import { estimateGround } from '../../../../workers/pictures/ground.ts';
import type { Raster } from '../../../../workers/pictures/raster.ts';
import { trimToInk, trimToSquare } from '../../../../workers/pictures/trim.ts';
import { collect } from '../../../support/collect.ts';
import { foundFirst, type GroundName, onGround } from '../../../support/grounds.ts';

const WHITE = [255, 255, 255] as const;
const decode = async (bytes: Uint8Array, background = '#ffffff') =>
  (await decodePicture(bytes, 'the-picture', { maxPixels: 10 ** 6, background, sides: [64] })).pixels[64]!;
const mostDifferent = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
const at = (square: Uint8Array, x: number, y: number) => [...square.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3)];

type Paint = (x: number, y: number) => readonly number[];
const raster = (width: number, height: number, paint: Paint): Raster => ({
  pixels: Uint8Array.from(
    Array.from({ length: width * height }, (_, i) => paint(i % width, Math.floor(i / width)).map(Math.round)).flat(),
  ),
  width,
  height,
});
/** A block of three colours from (40, 30) to (100, 90) on 160 x 120. */
const block =
  (ground: Paint): Paint =>
  (x, y) =>
    x < 40 || x >= 100 || y < 30 || y >= 90
      ? ground(x, y)
      : x < 70
        ? [200, 30, 40]
        : y < 60
          ? [30, 60, 160]
          : [20, 20, 20];
const onWhite = trimToSquare(
  raster(
    160,
    120,
    block(() => WHITE),
  ),
  WHITE,
  64,
);
const cut = (ground: Paint, paint = block(ground)) => trimToSquare(raster(160, 120, paint), WHITE, 64);

describe('things of the demo catalog', () => {
  let files: Buffer[] = [];
  beforeAll(async () => {
    const all = (await collect(demoCatalog())).flatMap((entry) => ('row' in entry ? entry.row.images : []));
    files = await Promise.all(Array.from({ length: 24 }, (_, i) => readFile(all[i * 35]!)));
  });
  const shapes = async (name: GroundName) =>
    Promise.all(files.map(async (file) => hog(await decode(await onGround(file, name)))));

  test('are found again on another ground by their shapes: nine of ten, from and to white', async () => {
    const white = await shapes('white');
    for (const name of ['grey studio', 'gradient, soft shadow', 'stray pixel', 'wood', 'dark'] as const) {
      const other = await shapes(name);
      expect(foundFirst(other, white), `${name} among white`).toBeGreaterThanOrEqual(0.9);
      expect(foundFirst(white, other), `white among ${name}`).toBeGreaterThanOrEqual(0.9);
    }
  });

  test('on plain white are cut as if white were known to be the ground, byte for byte', async () => {
    for (const file of files) {
      const flat = sharp(file).flatten({ background: '#ffffff' }).resize(192, 192);
      const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true });
      const plain = { pixels: data, width: info.width, height: info.height };
      expect(trimToSquare(plain, WHITE, 64)).toEqual(trimToInk(plain, WHITE, 64));
    }
  });

  test('of a transparent picture stand on the colour that is asked for, which is no ground to be found', async () => {
    const [file] = files;
    const grey = await decode(file!, '#808080');
    expect(at(grey, 0, 0)).toEqual([128, 128, 128]);
    // A picture with a channel for opacity of which nothing is transparent has a ground of its own.
    const opaque = await sharp(file!).flatten({ background: '#2a3038' }).ensureAlpha().png().toBuffer();
    expect(at(await decode(opaque), 0, 0)).toEqual([255, 255, 255]);
  });
});

test.each<[string, Paint]>([
  ['grey', () => [200, 201, 203]],
  ['black', () => [0, 0, 0]],
  ['light that falls off to the right and bottom', (x, y) => [250 - x / 3, 250 - x / 3 - y / 6, 240 - y / 6]],
  ['a vignette', (x, y) => [230 - (x - 80) ** 2 / 120, 228 - (y - 60) ** 2 / 120, 220 - (x - 80) ** 2 / 200]],
])('a thing on another ground is the thing on white: %s', (_name, ground) => {
  expect(estimateGround(raster(160, 120, block(ground)))).toMatchObject({ isFound: true });
  expect(mostDifferent(cut(ground), onWhite)).toBeLessThan(12);
});

test('single pixels and a line along an edge do not widen what is cut out', () => {
  const stray: Paint = (x, y) => ((x === 3 && y === 5) || (x === 150 && y === 110) ? [0, 0, 0] : WHITE);
  expect(cut(stray)).toEqual(onWhite);
});

test('a thing that is cut off by the lower edge is cut out all the same', () => {
  const ground = [190, 180, 170];
  const paint: Paint = (x, y) => (x > 30 && x < 130 && y > 40 ? [30, 60 + x, 160] : ground);
  const square = cut(() => ground, paint);
  expect(at(square, 32, 4)).toEqual([...WHITE]);
  for (const x of [4, 32, 60]) expect(at(square, x, 20)).toEqual([30, expect.any(Number), 160]);
});

test('ground is seen through a hole, and a part of the thing in the colour of the ground is none', () => {
  const ring = (hole: readonly number[]): Paint => {
    return (x, y) => {
      const r = Math.hypot(x - 80, y - 60);
      return r < 20 ? hole : r < 50 ? [200, 40, 40] : [60, 62, 66];
    };
  };
  const middle = (hole: readonly number[]) => at(trimToSquare(raster(160, 120, ring(hole)), WHITE, 64), 32, 32);
  expect(middle([60, 62, 66])).toEqual([...WHITE]);
  expect(middle([66, 68, 60])).toEqual([66, 68, 60]);
});

test('a soft shadow goes with the ground', () => {
  const shadow: Paint = (x, y) => {
    const light = 1 - 0.4 * Math.exp(-(((x - 70) / 50) ** 2) - ((y - 92) / 8) ** 2);
    return [205 * light, 203 * light, 200 * light];
  };
  expect(mostDifferent(cut(shadow), onWhite)).toBeLessThan(12);
});

test('a grey thing whose shading runs into the grey ground at one side is no shadow', () => {
  const ground = [205, 205, 205];
  const square = cut(
    () => [],
    (x, y) => (x < 40 || x >= 100 || y < 30 || y >= 90 ? ground : [0, 0, 0].map(() => 110 + (90 * (y - 30)) / 60)),
  );
  for (const [y, value] of [
    [10, 120],
    [32, 155],
    [50, 182],
  ] as const)
    for (const channel of at(square, 32, y)) expect(Math.abs(channel - value)).toBeLessThan(12);
});

test('on the background itself a shadow stays: much that is white is softly shaded', () => {
  const shaded: Paint = (x, y) =>
    [0, 0, 0].map(() => 255 - 60 * Math.exp(-(((x - 70) / 50) ** 2) - ((y - 92) / 8) ** 2));
  const plain = raster(160, 120, block(shaded));
  expect(trimToSquare(plain, WHITE, 64)).toEqual(trimToInk(plain, WHITE, 64));
});

test('a white thing keeps the ground on which alone it can be seen', () => {
  const square = cut(
    () => [],
    (x, y) => (x < 40 || x >= 100 || y < 30 || y >= 90 ? [205, 205, 210] : x % 20 === 0 ? [225, 225, 225] : WHITE),
  );
  expect(at(square, 0, 0)).toEqual([205, 205, 210]);
  expect(at(square, 32, 33)).toEqual([...WHITE]);
});

test('nothing is cut off a photograph of a place: its border is no ground', () => {
  const street: Paint = (x, y) => [
    (x * 37 + 60 * Math.sin(y / 5)) % 256,
    (y * 11 + x) % 256,
    Math.abs(((x ^ y) * 5) % 256),
  ];
  const picture = raster(160, 120, (x, y) => street(x, y).map((value) => Math.max(0, Math.round(value))));
  const ground = estimateGround(picture);
  expect(ground.isFound).toBe(false);
  const side = 160 * 1.06;
  const whole = { left: (160 - side) / 2, top: (120 - side) / 2, right: (160 + side) / 2, bottom: (120 + side) / 2 };
  expect(trimToSquare(picture, WHITE, 64)).toEqual(areaAverage(picture, ground.edge, whole, 64));
});

test('a border is a ground up to a noise of 16 levels, and when it explains six tenths of the border', () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647 - 0.5;
  };
  const noisy = (levels: number) =>
    estimateGround(raster(160, 120, () => Array<number>(3).fill(Math.round(128 + 2 * levels * random()))));
  // Of the largest of three channels, evenly spread: its median is .79 of the range.
  expect(noisy(10)).toMatchObject({ isFound: true });
  expect(noisy(40)).toMatchObject({ isFound: false });
  const covered = (share: number) =>
    estimateGround(raster(160, 120, (x, y) => (y > 60 && x < 160 * share ? [x % 200, (y * 7) % 256, 0] : WHITE)));
  expect(covered(0.5)).toMatchObject({ isFound: true });
});
