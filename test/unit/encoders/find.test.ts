import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { factsOf, parseDescription } from '../../../workers/encoders/description.ts';
import { findEncoder } from '../../../workers/encoders/find.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-test-'));
});
afterAll(() => rm(dir, { recursive: true }));

const description = {
  ...{ name: 'eye', title: 'An eye', licence: 'MIT', model: 'eye.onnx', sha256: 'a'.repeat(64) },
  input: {
    ...{ name: 'pixels', side: 96, layout: 'NHWC', channels: 'BGR' },
    ...{ mean: [104, 117, 123], deviation: [1, 1, 1] },
  },
  output: { name: 'out', dimensions: 7, pooling: 'mean' },
} as const;

test('finds what ships by its name, a folder, and an ONNX file with a description beside it; none is none', async () => {
  await mkdir(join(dir, 'folder'));
  await writeFile(join(dir, 'folder', 'encoder.json'), JSON.stringify(description));
  await writeFile(join(dir, 'eye.json'), JSON.stringify(description));
  expect(await findEncoder('none')).toBeNull();
  expect((await findEncoder('efficientnet-lite0'))?.facts).toMatchObject({ licence: 'Apache-2.0', dimensions: 1280 });
  expect((await findEncoder(join(dir, 'folder')))?.path).toBe(join(dir, 'folder', 'eye.onnx'));
  expect((await findEncoder(join(dir, 'eye.onnx')))?.facts.id).toMatch(/^eye-[0-9a-f]{12}$/);
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
