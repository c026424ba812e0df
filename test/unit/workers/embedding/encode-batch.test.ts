import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { embedMissing } from '../../../../workers/embedding/embedding.ts';
import { encodeMissing, encodePictures } from '../../../../workers/embedding/encoding.ts';

const ENCODER = {
  facts: { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: 2 },
  description: { input: { side: 8 } },
  path: '/eye.onnx',
} as never;
const never = new AbortController().signal;
const hashOf = (i: number): string => String(i).padStart(64, '0');
const pictures = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ source: `/${i}`, contentHash: hashOf(i) }));
const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source: 'the encoder eye-1', why });

/** `fails`: what the encoder says of a picture. */
function shop(fails: (hash: string) => Error | null) {
  const kept = new Map<string, Uint16Array>();
  const unseen = new Set<string>();
  const asked: number[] = [];
  const told: { contentHash: string; reason: string }[] = [];
  const written: string[] = [];
  const context = {
    repositories: {
      features: {
        of: async (_key: string, hashes: string[]) => new Map([...kept].filter(([hash]) => hashes.includes(hash))),
        unseen: async (_key: string, hashes: string[]) => new Set(hashes.filter((hash) => unseen.has(hash))),
        addUnseen: async (_key: string, hashes: string[]) => {
          for (const hash of hashes) unseen.add(hash);
        },
        anySeen: async () => {
          const [contentHash] = kept.keys();
          return contentHash === undefined ? null : { source: '/seen', contentHash };
        },
        known: async (_key: string, hashes: string[]) => new Set(hashes.filter((hash) => kept.has(hash))),
        add: async (_key: string, rows: Map<string, Uint16Array>) => {
          for (const [hash, row] of rows) kept.set(hash, row);
        },
      },
      embeddings: {
        missing: async (_model: number, _limit: number, after: string | null) =>
          pictures(6)
            .map((picture) => ({ ...picture, productId: picture.source, pictures: [picture] }))
            .filter(({ productId }) => productId > (after ?? '') && !written.includes(productId)),
        upsert: async (_model: number, rows: { productId: string }[]) =>
          void written.push(...rows.map(({ productId }) => productId)),
      },
    },
    pictures: {
      look: () => 'v1',
      folders: () => ({ 8: '/pixels', 64: '/pixels' }),
      ensure: async () => {},
      forget: async () => {},
    },
    embedder: {
      encode: async ({ pictures }: { pictures: string[] }) => {
        asked.push(pictures.length);
        const error = pictures.map(fails).find((each) => each !== null);
        if (error) throw error;
        return { vectors: Uint16Array.from(pictures.flatMap((hash) => [Number(hash), 1])) };
      },
      embed: async ({ pictures }: { pictures: string[] }) => ({
        dimensions: 1,
        vectors: new Float32Array(pictures.length),
      }),
    },
    artefacts: { pathOf: async () => ({ path: '/artefact', checksum: 'c' }) },
    encoder: ENCODER,
    log: { warn: (facts: { contentHash: string; reason: string }) => void told.push(facts) },
  };
  return { context: context as never, kept, unseen, asked, told, written };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('a picture for which the encoder gives no numbers costs the others nothing, is told once, and not shown again', async () => {
  const { context, kept, asked, told } = shop((hash) => (hash === hashOf(21) ? refuse('no numbers') : null));
  const found = await encodePictures(context, ENCODER, pictures(40), never);
  expect(found.size).toBe(39);
  expect([...kept.keys()]).not.toContain(hashOf(21));
  expect([...found.get(hashOf(39))!]).toEqual([39, 1]);
  expect(told).toMatchObject([{ contentHash: hashOf(21), reason: expect.stringContaining('no numbers') }]);
  asked.length = 0;
  await encodeMissing(context, ENCODER, pictures(40), never);
  expect([asked, told.length]).toEqual([[], 1]);
});

test('an encoder that fails on everything is told after a few pictures, rests for a minute, and is tried again', async () => {
  let broken = true;
  const { context, kept, asked } = shop(() => (broken ? refuse('broken') : null));
  const encode = () => encodeMissing(context, ENCODER, pictures(100), never);
  await expect(encode()).rejects.toThrow('broken');
  expect(asked.length).toBeLessThan(20);
  const before = asked.length;
  await expect(encode()).rejects.toThrow('broken');
  expect(asked.length).toBe(before);
  broken = false;
  vi.advanceTimersByTime(60_000);
  await encode();
  expect(kept.size).toBe(100);
});

test('pictures that come alone are known to be the ones at fault by another one, which the encoder saw before', async () => {
  let broken = false;
  const bad = [hashOf(50), hashOf(51)];
  const { context, unseen } = shop((hash) => (broken || bad.includes(hash) ? refuse('no numbers') : null));
  const encode = (hashes: string[]) =>
    encodeMissing(
      context,
      ENCODER,
      hashes.map((contentHash) => ({ source: '/alone', contentHash })),
      never,
    );
  await expect(encode(bad)).rejects.toThrow('no numbers'); // it has seen nothing yet: is it the encoder?
  expect([...unseen]).toEqual([]);
  vi.advanceTimersByTime(60_000);
  await encode([hashOf(1)]);
  await encode(bad);
  expect([...unseen]).toEqual(bad);
  broken = true;
  await expect(encode([hashOf(2)])).rejects.toThrow('no numbers');
  expect([...unseen]).toEqual(bad);
});

test('an encoder whose process ends is not asked picture by picture', async () => {
  const { context, asked } = shop(() => new SimiliError('ENGINE_CRASHED', { why: 'killed' }));
  await expect(encodeMissing(context, ENCODER, pictures(32), never)).rejects.toMatchObject({ code: 'ENGINE_CRASHED' });
  expect(asked).toEqual([32]);
});

test('products that the encoder cannot see stay without vectors, and the embedding of the others ends', async () => {
  const { context, written } = shop((hash) => (hash === hashOf(2) ? refuse('no numbers') : null));
  const training = { sides: [64], encoder: { id: 'eye-1', choice: 'eye' } };
  const count = await embedMissing(context, { id: 'mdl', number: 1, metrics: { training } }, never);
  expect([count, written]).toEqual([5, ['/0', '/1', '/3', '/4', '/5']]);
});
