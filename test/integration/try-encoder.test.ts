import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tryEncoderSafely } from '../../workers/encoders/try-model.ts';
import { endlessBackbone, hungryBackbone, makeBackbone, nanBackbone } from '../support/backbone.ts';
import { claiming, cyclic, fromTheFuture, writeEncoder } from '../support/encoder.ts';
import { peerEncoders } from '../support/services.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-try-encoder-'));
});
afterAll(() => rm(dir, { recursive: true }));

type Limits = { timeoutMs?: number; maxMemoryMb?: number };
const tried = (choice: string, limits: Limits = {}) =>
  tryEncoderSafely(choice, { timeoutMs: 60_000, ...limits }, async ({ tried }) => tried);

/** An honest one: its vectors do not move, its process stays within what such a file may take. */
async function expectHonest(choice: string, dimensions: number): Promise<void> {
  const found = await tried(choice);
  expect(found.installed.facts).toMatchObject({ dimensions });
  expect(found.alone).toBeGreaterThan(0);
  expect(found.batched).toBeGreaterThan(0);
  expect(found.repeated).toBe(0);
  expect(found.amongOthers).toBeLessThan(1e-4);
  expect(found.peakMb).toBeGreaterThan(found.idleMb);
  expect(found.peakMb).toBeLessThan(1024 + (4 * found.bytes) / 2 ** 20);
}

test('the encoder that ships is told with its speed, its memory and how steady it is', async () => {
  await expectHonest('efficientnet-lite0', 1952);
});

describe('the peers of scripts/pretrained.sh', { tags: ['encoders'] }, () => {
  test.each([
    ['efficientnet-lite2', 2000],
    ['thin-resnet50', 1024],
  ])('%s', (name, dimensions) => expectHonest(join(peerEncoders(), name), dimensions));
});

test('what is made of a file stays at work for more pictures', async () => {
  const folder = await writeEncoder(join(dir, 'honest'), makeBackbone({ batch: 1 }).bytes);
  const vectors = await tryEncoderSafely(folder, { timeoutMs: 60_000 }, async ({ encode }) => {
    const picture = new Uint8Array(8 * 8 * 3);
    return [...(await encode([picture, picture]))];
  });
  expect(vectors).toHaveLength(10);
  expect(vectors.slice(0, 5)).toEqual(vectors.slice(5));
});

describe('an encoder is refused, and its process ended, that', () => {
  test.each<[string, () => Uint8Array, Limits, { code: string; message: RegExp }]>([
    [
      'never ends',
      endlessBackbone,
      { timeoutMs: 2000 },
      { code: 'MODEL_TOO_COSTLY', message: /trying it took more than 2 s$/ },
    ],
    ['makes 3.2 GB from nothing', hungryBackbone, {}, { code: 'MODEL_TOO_COSTLY', message: /memory$/ }],
    ['says that its weights are 3.6 GB', claiming, {}, { code: 'IMPORT_UNREADABLE', message: /byte limit/ }],
    ['reads what it gives', cyclic, {}, { code: 'IMPORT_UNREADABLE', message: /the graph is not acyclic/ }],
    [
      'asks for operators of the future',
      fromTheFuture,
      {},
      { code: 'IMPORT_UNREADABLE', message: /: ONNX Runtime .*Opset 999/ },
    ],
    [
      'gives no numbers',
      nanBackbone,
      {},
      { code: 'IMPORT_UNREADABLE', message: /it gives values that are no numbers$/ },
    ],
  ])('%s', async (name, make, limits, { code, message }) => {
    const isColour = [endlessBackbone, hungryBackbone, nanBackbone].includes(make as never);
    const folder = await writeEncoder(join(dir, name), make(), isColour ? { output: { dimensions: 3 } } : {});
    await expect(tried(folder, limits)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test('an encoder that sees nothing in pictures is none', async () => {
  const blind = makeBackbone();
  const folder = await writeEncoder(join(dir, 'blind'), blind.bytes, {
    input: { mean: [0, 0, 0], deviation: [1e30, 1e30, 1e30] },
  });
  await expect(tried(folder)).rejects.toThrow(/the same vector for different pictures$/);
});
