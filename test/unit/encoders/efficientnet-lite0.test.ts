import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encoderOffenders } from '../../../scripts/check-licences.mjs';
import { cpuDevice, loadRuntime } from '../../../workers/engines/onnx/runtime.ts';

const folder = new URL('../../../encoders/efficientnet-lite0/', import.meta.url);
const emoji = new URL('../../../node_modules/@lobehub/fluent-emoji-3d/assets/', import.meta.url);
const readJson = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

const encoder = readJson('encoder.json');
const { side, mean, deviation } = encoder.input;
const model = readFileSync(new URL(encoder.model, folder));
const runtime = await loadRuntime();
const session = await (await cpuDevice(runtime, 1)).open(model, true);

/** Colour of channel c (R, G, B) at column x of row y, 0 to 255: the formulas of convert.py. */
const DRAWN: Record<string, (x: number, y: number, c: number) => number> = {
  white: () => 255,
  gradient: (x, y, c) => [x, y, (x + y) >> 1][c]!,
  checks: (x, y, c) => (((x >> 4) + (y >> 4) + c) % 2) * 255,
  rings: (x, y, c) => ((x * x + y * y * (c + 1)) >> 6) & 255,
  noise: (x, y, c) => (((x * 73856093) ^ (y * 19349663) ^ (c * 83492791)) >> 8) & 255,
  disc: (x, y, c) => ((x - 112) ** 2 + (y - 112) ** 2 < 80 ** 2 ? [220, 30, 40][c]! : 255),
};

/** uint8 [side, side, RGB] by formula. */
const draw = (colour: (x: number, y: number, c: number) => number) =>
  Uint8Array.from({ length: side * side * 3 }, (_, i) =>
    colour(Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3),
  );

/** uint8 [side, side, RGB] of a file, on white. */
const decode = async (file: URL): Promise<Uint8Array> =>
  sharp(readFileSync(file)).flatten({ background: 'white' }).resize(side, side).removeAlpha().raw().toBuffer();

/** Features of pictures in one batch, by the names, mean and deviation of encoder.json. */
async function encode(...pictures: Uint8Array[]): Promise<Float32Array[]> {
  const area = side * side;
  const values = new Float32Array(pictures.length * 3 * area).map((_, i) => {
    const c = Math.floor(i / area) % 3;
    const pixels = pictures[Math.floor(i / area / 3)]!;
    return (pixels[(i % area) * 3 + c]! - mean[c]) / deviation[c];
  });
  const input = new runtime.Tensor(values, [pictures.length, 3, side, side]);
  const { [encoder.output.name]: features } = await session.run({ [encoder.input.name]: input });
  expect(features!.dims).toEqual([pictures.length, encoder.output.dimensions]);
  const d = encoder.output.dimensions;
  return pictures.map((_, i) => (features!.data as Float32Array).slice(i * d, (i + 1) * d));
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const norm = (a: Float32Array) => Math.sqrt(dot(a, a));
const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / norm(a) / norm(b);
/** Length of the difference, as a share of what was expected. */
const error = (expected: Float32Array, found: Float32Array) =>
  norm(expected.map((value, i) => value - found[i]!)) / norm(expected);

test('encoder.json says which file it means, whose it is and how pictures reach it', () => {
  expect(encoder).toEqual({
    name: 'efficientnet-lite0',
    title: 'EfficientNet-Lite0 (ImageNet-1k)',
    licence: 'Apache-2.0',
    model: 'model.onnx',
    sha256: createHash('sha256').update(model).digest('hex'),
    input: {
      name: 'input',
      side: 224,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [127, 127, 127],
      deviation: [128, 128, 128],
    },
    output: {
      name: 'features',
      dimensions: 1952,
      pooling: 'none',
      parts: [
        { name: 'last', length: 1280 },
        { name: 'middle', length: 672 },
      ],
    },
  });
  expect(model.length).toBeLessThan(7 * 2 ** 20);
  expect(readJson('package.json')).toMatchObject({ name: '@simili/efficientnet-lite0', license: 'Apache-2.0' });
  expect(readFileSync(new URL('LICENSE', folder), 'utf8')).toContain('Version 2.0, January 2004');
  expect(readFileSync(new URL('NOTICE', folder), 'utf8')).toContain('Copyright (c) 2020, ML Illustrated');
});

test('weights under a licence that forbids shops, or none, are named', () => {
  expect(encoderOffenders([encoder])).toEqual([]);
  expect(encoderOffenders([{ name: 'theirs', licence: 'research-only' }, { name: 'nobodys' }])).toEqual([
    'encoder theirs: research-only',
    'encoder nobodys: no licence',
  ]);
});

const references: { picture: string; norm: number; sum: number; features: string }[] = readJson('reference.json');

test('the reference covers every formula and two pictures', () => {
  expect(references.map(({ picture }) => picture)).toEqual([
    ...Object.keys(DRAWN),
    'reference/shoe.png',
    'reference/teapot.png',
  ]);
});

// PyTorch's own float32 vectors. The weights here have 11 bits: measured .999997 and .0024 on the worst of the eight.
test.each(references)('$picture: ONNX Runtime finds the vector that PyTorch computed', async (reference) => {
  const bytes = new Uint8Array(Buffer.from(reference.features, 'base64'));
  const expected = new Float32Array(bytes.buffer);
  const colour = DRAWN[reference.picture];
  const [found] = await encode(colour ? draw(colour) : await decode(new URL(reference.picture, folder)));

  expect(norm(expected)).toBeCloseTo(reference.norm, 3);
  expect(expected.reduce((sum, value) => sum + value)).toBeCloseTo(reference.sum, 1);
  expect(cosine(expected, found!)).toBeGreaterThan(0.99998);
  expect(error(expected, found!)).toBeLessThan(0.006);
});

test('a batch gives what its pictures give alone', async () => {
  const pictures = [draw(DRAWN.noise!), draw(DRAWN.disc!), draw(DRAWN.white!)];
  const together = await encode(...pictures);
  for (const [at, picture] of pictures.entries()) {
    const [alone] = await encode(picture);
    expect(error(alone!, together[at]!)).toBeLessThan(1e-5);
  }
});

/** Demo pictures that colour and outline do not sort: raw pixels get 22 of 30 right, the network with Swish 19. */
const KINDS = {
  ball: ['26bd', '1f3c0', '1f3d0', '1f3be', '26be'],
  fruit: ['1f34a', '1f34b', '1f34e', '1f34f', '1f351'],
  vehicle: ['1f697', '1f695', '1f699', '1f68c', '1f691'],
  face: ['1f42f', '1f981', '1f43b', '1f43c', '1f428'],
  instrument: ['1f3b8', '1f3bb', '1fa95', '1f3ba', '1f3b7'],
  garment: ['1f455', '1f457', '1f458', '1f454', '1f9e5'],
};

test('what is nearest to a thing is of its kind, for 29 of 30', async () => {
  const kinds = Object.entries(KINDS).flatMap(([kind, names]) => names.map(() => kind));
  const pictures = Object.values(KINDS)
    .flat()
    .map((name) => decode(new URL(`${name}.webp`, emoji)));
  const raw = await encode(...(await Promise.all(pictures)));
  const centre = raw[0]!.map((_, i) => raw.reduce((sum, row) => sum + row[i]!, 0) / raw.length);
  const rows = raw.map((row) => row.map((value, i) => value - centre[i]!));

  const nearest = rows.map((row, at) => {
    const cosines = rows.map((other, i) => (i === at ? -1 : cosine(row, other)));
    return kinds[cosines.indexOf(Math.max(...cosines))];
  });
  // One may change sides with the resizing of another version of libvips.
  expect(nearest.filter((kind, at) => kind === kinds[at]).length).toBeGreaterThanOrEqual(28);
});
