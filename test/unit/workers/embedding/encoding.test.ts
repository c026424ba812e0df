import { expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { encodeMissing, encodePictures, encoderNamed } from '../../../../workers/embedding/encoding.ts';
import { goldenEye } from '../../../../workers/encoders/eyes.ts';
import type { InstalledEncoder } from '../../../../workers/engines/onnx/encoder-description.ts';

const eye: InstalledEncoder = {
  facts: { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: 2 },
  description: {
    name: 'eye',
    title: 'An eye',
    licence: 'MIT',
    model: 'eye.onnx',
    sha256: 'a'.repeat(64),
    input: {
      name: 'in',
      side: 96,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
    },
    output: { name: 'out', dimensions: 2, pooling: 'none' },
  },
  path: '/eye.onnx',
};
const never = new AbortController().signal;
const pictures = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ source: `/${i}`, contentHash: `h${i}` }));

/** A worker's parts that only remember. `unreadable`: sources that are gone. */
function worker(unreadable: readonly string[] = []) {
  const stored = new Map<string, Uint16Array>();
  const log = {
    encoded: [] as string[][],
    forgotten: [] as string[],
    reopened: [] as string[],
    sides: new Set<number>(),
  };
  const context = {
    repositories: {
      features: {
        unseen: async () => new Set(),
        addUnseen: async () => {},
        of: async (encoder: string, hashes: readonly string[]) =>
          new Map(hashes.flatMap((hash) => (stored.has(encoder + hash) ? [[hash, stored.get(encoder + hash)!]] : []))),
        known: async (encoder: string, hashes: readonly string[]) =>
          new Set(hashes.filter((hash) => stored.has(encoder + hash))),
        add: async (encoder: string, rows: ReadonlyMap<string, Uint16Array>) => {
          for (const [hash, bits] of rows) stored.set(encoder + hash, bits);
        },
      },
      images: { reopen: async (source: string) => void log.reopened.push(source) },
    },
    pictures: {
      look: (side: number) => `v9-${side}-ffffff`,
      folders: (sides: readonly number[]) => Object.fromEntries(sides.map((side) => [side, `/pixels/${side}`])),
      ensure: async (_hash: string, source: string, _signal: unknown, sides: readonly number[]) => {
        for (const side of sides) log.sides.add(side);
        if (unreadable.includes(source)) throw new SimiliError('IMAGE_UNREACHABLE', { source, why: 'gone' });
      },
      forget: async (hashes: readonly string[]) => void log.forgotten.push(...hashes),
    },
    embedder: {
      encode: async ({ pictures: hashes }: { pictures: string[] }) => {
        log.encoded.push(hashes);
        return { vectors: Uint16Array.from(hashes.flatMap((hash) => [Number(hash.slice(1)), 7])) };
      },
    },
  };
  return { context: context as never, log, stored };
}

test('an encoder looks once at a picture, whatever asks and however often', async () => {
  const { context, log } = worker();
  const twice = [...pictures(70), ...pictures(5)];
  const first = await encodePictures(context, eye, twice, never);
  expect(first.size).toBe(70);
  expect(first.get('h42')).toEqual(Uint16Array.of(42, 7));
  expect(log.encoded.flat()).toEqual(pictures(70).map(({ contentHash }) => contentHash));
  expect(Math.max(...log.encoded.map((batch) => batch.length))).toBe(32);
  expect(log.forgotten).toHaveLength(70);
  expect(log.sides).toEqual(new Set([96]));
  const again = await encodePictures(context, eye, pictures(70), never);
  expect([...again].sort()).toEqual([...first].sort());
  await encodeMissing(context, eye, pictures(71), never);
  expect(log.encoded.slice(3)).toEqual([['h70']]);
});

test('an encoder that looks at the common pictures leaves them to the others', async () => {
  const { context, log } = worker();
  const small = { ...eye, description: { ...eye.description, input: { ...eye.description.input, side: 64 } } };
  await encodeMissing(context, small, pictures(3), never);
  expect(log.encoded).toEqual([['h0', 'h1', 'h2']]);
  expect(log.forgotten).toEqual([]);
});

test('what was seen in pictures that were decoded otherwise is another thing', async () => {
  const { context, stored } = worker();
  await encodeMissing(context, eye, pictures(1), never);
  expect([...stored.keys()]).toEqual(['eye-1/v9-96-ffffffh0']);
});

test('the hand-made features are stored by their version, and the pixels that others read too stay', async () => {
  const { context, log, stored } = worker();
  await encodeMissing(context, goldenEye, pictures(2), never);
  expect([...stored.keys()]).toEqual(['golden@1/v9-64-ffffffh0', 'golden@1/v9-64-ffffffh1']);
  expect([log.sides, log.forgotten]).toEqual([new Set([64]), []]);
});

test('a picture that cannot be read now is left out and fetched anew; the others are kept', async () => {
  const { context, log } = worker(['/1']);
  const seen = await encodePictures(context, eye, pictures(3), never);
  expect([...seen.keys()]).toEqual(['h0', 'h2']);
  expect(log.reopened).toEqual(['/1']);
});

test('pixels that two encoders look at stay until both are done', async () => {
  const { context, log } = worker();
  const embedder = (
    context as { embedder: { encode: (request: { encoder: { facts: { id: string } } }) => Promise<unknown> } }
  ).embedder;
  const encode = embedder.encode;
  let go = () => {};
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  embedder.encode = async (request) => {
    if (request.encoder.facts.id === 'eye-2') await slow;
    return encode(request);
  };
  const other = { ...eye, facts: { ...eye.facts, id: 'eye-2' } };
  const slower = encodeMissing(context, other, pictures(3), never);
  await encodeMissing(context, eye, pictures(3), never);
  expect([log.encoded.length, log.forgotten]).toEqual([1, []]);
  go();
  await slower;
  expect(log.forgotten).toEqual(['h0', 'h1', 'h2']);
});

test('while an encoder looks, the next pixels are made sure of and what it saw before is written', async () => {
  const { context } = worker();
  const {
    pictures: service,
    embedder,
    repositories,
  } = context as {
    pictures: { ensure: (...args: unknown[]) => Promise<void> };
    embedder: { encode: (request: { pictures: string[] }) => Promise<unknown> };
    repositories: { features: { add: (key: string, rows: Map<string, Uint16Array>) => Promise<void> } };
  };
  const log: string[] = [];
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise(setImmediate);
  };
  const { ensure } = service;
  const { encode } = embedder;
  const { add } = repositories.features;
  service.ensure = async (...args) => {
    if (Number(String(args[0]).slice(1)) % 32 === 0) log.push(`pixels ${args[0]}`);
    return ensure(...args);
  };
  embedder.encode = async (request) => {
    log.push(`looks ${request.pictures[0]}`);
    await turns(5);
    log.push(`saw ${request.pictures[0]}`);
    return encode(request);
  };
  repositories.features.add = async (key, rows) => {
    await turns(2);
    await add(key, rows);
    log.push(`written ${[...rows.keys()][0]}`);
  };
  await encodeMissing(context as never, eye, pictures(96), never);
  const at = (line: string) => log.indexOf(line);
  expect(at('pixels h32')).toBeLessThan(at('saw h0'));
  expect(at('looks h32')).toBeLessThan(at('written h0'));
  expect(at('written h0')).toBeLessThan(at('saw h32'));
  expect(log.filter((line) => line.startsWith('looks'))).toEqual(['looks h0', 'looks h32', 'looks h64']);
  expect(at('looks h32')).toBeGreaterThan(at('saw h0')); // one call at a time: the threads are bounded
});

test('an encoder that stops halfway has kept what it saw before', async () => {
  const { context, log, stored } = worker();
  const stop = new AbortController();
  const embedder = (context as { embedder: { encode: (request: never) => Promise<unknown> } }).embedder;
  const encode = embedder.encode;
  embedder.encode = async (request) => {
    if (log.encoded.length === 1) stop.abort(new Error('stopped'));
    return encode(request);
  };
  await expect(encodePictures(context, eye, pictures(100), stop.signal)).rejects.toThrow('stopped');
  expect(stored.size).toBe(64);
});

test('the encoder of a version is the configured one, or is found where it was; another one is refused', async () => {
  const wanted = { id: 'eye-1', choice: '/models/eye' };
  const other = { ...eye, facts: { ...eye.facts, id: 'eye-2' } };
  expect(await encoderNamed({ encoder: eye }, wanted, async () => null)).toBe(eye);
  expect(await encoderNamed({ encoder: other }, wanted, async () => eye)).toBe(eye);
  for (const find of [async () => other, async () => null, () => Promise.reject(new Error('no such folder'))])
    await expect(encoderNamed({ encoder: null }, wanted, find)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
});
