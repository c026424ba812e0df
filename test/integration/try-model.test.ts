import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { presetNamed } from '../../learning/network/presets.ts';
import { tryBackboneSafely } from '../../workers/encoders/try-model.ts';
import * as backbones from '../support/backbone.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-try-'));
});
afterAll(() => rm(dir, { recursive: true }));

const tried = async (bytes: Uint8Array, limits: { timeoutMs?: number; maxMemoryMb?: number } = {}) => {
  const path = join(dir, 'a.onnx');
  await writeFile(path, bytes);
  return tryBackboneSafely(path, presetNamed('tiny'), { timeoutMs: 60_000, ...limits });
};

test('an honest network is told with what it becomes and how fast it is', async () => {
  const { file, spec, milliseconds } = await tried(backbones.makeBackbone({ side: 32 }).bytes);
  expect([file.inputSize, spec.inputSize]).toEqual([32, 32]);
  expect(milliseconds).toBeGreaterThan(0);
});

test.each<[string, Uint8Array, { timeoutMs?: number; maxMemoryMb?: number }, { code: string; message: RegExp }]>([
  [
    'never ends',
    backbones.endlessBackbone(),
    { timeoutMs: 2000 },
    { code: 'MODEL_TOO_COSTLY', message: /took more than 2 s$/ },
  ],
  ['makes a constant of 3.2 GB', backbones.hungryBackbone(), {}, { code: 'MODEL_TOO_COSTLY', message: /memory/ }],
  [
    'gives no numbers',
    backbones.nanBackbone(),
    {},
    { code: 'IMPORT_UNREADABLE', message: /values that are no numbers$/ },
  ],
])('a network that %s', async (_name, bytes, limits, { code, message }) => {
  await expect(tried(bytes, limits)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a folder, and what is not there, are no networks', async () => {
  const attempt = (path: string) => tryBackboneSafely(path, presetNamed('tiny'), { timeoutMs: 1000 });
  await expect(attempt(dir)).rejects.toMatchObject({ code: 'IMPORT_UNREADABLE', message: /is not a file/ });
  await expect(attempt(join(dir, 'none'))).rejects.toMatchObject({ code: 'IMPORT_UNREADABLE', message: /ENOENT/ });
});
