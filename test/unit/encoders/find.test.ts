import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isEncoderName } from '../../../src/encoder-name.ts';
import { encoderNames, findEncoder } from '../../../workers/encoders/find.ts';
import { factsOf, parseDescription } from '../../../workers/engines/onnx/encoder-description.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-test-'));
});
afterAll(() => rm(dir, { recursive: true }));

const description = {
  name: 'eye',
  title: 'An eye',
  licence: 'MIT',
  model: 'eye.onnx',
  sha256: 'a'.repeat(64),
  input: {
    name: 'pixels',
    side: 96,
    layout: 'NHWC',
    channels: 'BGR',
    mean: [104, 117, 123],
    deviation: [1, 1, 1],
  },
  output: { name: 'out', dimensions: 7, pooling: 'mean' },
} as const;

test('finds what ships by its name, a folder, and an ONNX file with a description beside it; none is none', async () => {
  await mkdir(join(dir, 'folder'));
  await writeFile(join(dir, 'folder', 'encoder.json'), JSON.stringify(description));
  await writeFile(join(dir, 'eye.json'), JSON.stringify(description));
  expect(await findEncoder('none')).toBeNull();
  expect((await findEncoder('efficientnet-lite0'))?.facts).toMatchObject({ licence: 'Apache-2.0', dimensions: 1952 });
  expect((await findEncoder(join(dir, 'folder')))?.path).toBe(join(dir, 'folder', 'eye.onnx'));
  expect((await findEncoder(join(dir, 'eye.onnx')))?.facts.id).toMatch(/^eye-[0-9a-f]{12}$/);
});

test('a name is that of what ships, or of a folder or file in the data directory, and never of another place', async () => {
  const own = join(dir, 'data', 'encoders');
  await mkdir(join(own, 'Owner--eye'), { recursive: true });
  await mkdir(join(own, 'efficientnet-lite0'));
  await writeFile(join(own, 'Owner--eye', 'encoder.json'), JSON.stringify(description));
  await writeFile(join(own, 'flat.json'), JSON.stringify(description));
  await writeFile(join(own, 'flat.onnx'), '');
  const pathOf = async (name: string) => (await findEncoder(name, join(dir, 'data')))?.path;
  expect(await pathOf('Owner--eye')).toBe(join(own, 'Owner--eye', 'eye.onnx'));
  expect(await pathOf('flat')).toBe(join(own, 'eye.onnx'));
  expect(await pathOf('efficientnet-lite0')).not.toContain(own); // nothing takes the place of what ships
  expect(await encoderNames(join(dir, 'data'))).toEqual(['efficientnet-lite0', 'Owner--eye', 'flat']);
  await expect(findEncoder('Owner--eye')).rejects.toThrow(/none of that name ships/);
  const paths = [
    '..',
    '.',
    '../eye',
    '/eye',
    'a/b',
    'a\\b',
    '~/eye',
    'eye.onnx',
    '.hidden',
    '',
    'a\0b',
    'x'.repeat(129),
  ];
  expect(paths.filter(isEncoderName)).toEqual([]);
});

test('what is not there or not well said is refused in a sentence', async () => {
  await writeFile(join(dir, 'encoder.json'), JSON.stringify({ ...description, input: { side: 4 } }));
  await expect(findEncoder('no-such-eye')).rejects.toMatchObject({ code: 'IMPORT_UNREADABLE' });
  await expect(findEncoder(dir)).rejects.toThrow(/input/);
});

test('the id changes with what is computed, and not with what it is called', () => {
  const idOf = (more: object) => factsOf(parseDescription({ ...description, ...more })).id;
  const own = idOf({});
  expect(idOf({ title: 'Another title', licence: 'BSD-3-Clause' })).toBe(own);
  expect(idOf({ sha256: 'b'.repeat(64) })).not.toBe(own);
  expect(idOf({ input: { ...description.input, channels: 'RGB' } })).not.toBe(own);
  expect(idOf({ output: { ...description.output, pooling: 'first' } })).not.toBe(own);
});

test('parts must make up the vector, each with a name of its own, and are a part of the id', () => {
  const parted = (parts: object) => parseDescription({ ...description, output: { ...description.output, parts } });
  const two = [
    { name: 'last', length: 4 },
    { name: 'middle', length: 3 },
  ];
  expect(factsOf(parted(two))).toMatchObject({ dimensions: 7, parts: two });
  expect(factsOf(parted(two)).id).not.toBe(factsOf(parseDescription(description)).id);
  expect(factsOf(parseDescription(description))).not.toHaveProperty('parts');
  expect(() => parted(two.slice(1))).toThrow('output.parts have 3 numbers, output.dimensions says 7');
  expect(() => parted(two.map((part) => ({ ...part, name: 'same' })))).toThrow('the same name');
  expect(() => parted([{ name: 'With#Sign', length: 7 }])).toThrow(/parts/);
});
