import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { vectorOfPicture } from '../../../../workers/embedding/vector-of-picture.ts';
import { type EngineHost, openEngineHost } from '../../../../workers/training/engine-client.ts';

const contextOf = (embedder: Pick<EngineHost, 'encode'>) => ({
  embedder,
  encoder: null,
  repositories: { models: { byId: async () => ({ metrics: { training: { shares: { hog: 1 } } } }) } },
  artefacts: { pathOf: async () => ({ path: '/artefact', checksum: 'c' }) },
  askedPictures: {
    decode: (_picture: object, _sides: number[], _signal: AbortSignal, use: (found: object) => Promise<unknown>) =>
      use({ contentHash: 'asked', folders: {} }),
  },
});

test('who leaves before his picture was seen does not end the process that sees the pictures of the catalog', async () => {
  const url = new URL('../hosts/slow-encoder-host.ts', import.meta.url);
  const embedder = openEngineHost('the embedder', loadConfig({}), url);
  const context = contextOf(embedder);
  try {
    const ofCatalog = embedder.encode({ pictures: ['a', 'b'] } as never, new AbortController().signal);
    const leaving = AbortSignal.timeout(100);
    const asked = vectorOfPicture(context as never, 'mdl', { url: 'https://a.test/1' }, leaving);
    await expect(asked).rejects.toThrow('timeout');
    expect((await ofCatalog).vectors).toEqual(Uint16Array.of(0, 1));
  } finally {
    await embedder.close();
  }
});

test('pictures that come faster than they are seen: those whose time is over are not shown to the encoders', async () => {
  let [begun, inHand, most] = [0, 0, 0];
  const ends: (() => void)[] = [];
  const embedder = {
    async encode() {
      begun++;
      most = Math.max(most, ++inHand);
      await new Promise<void>((resolve) => ends.push(resolve));
      inHand--;
      return { vectors: new Uint16Array() };
    },
    embed: async () => ({ dimensions: 2, vectors: Float32Array.of(1, 0) }),
  };
  const ask = (signal: AbortSignal) =>
    vectorOfPicture(contextOf(embedder as never) as never, 'mdl', { url: 'https://a.test/1' }, signal);
  const leaving = new AbortController();
  const late = Promise.allSettled(Array.from({ length: 40 }, () => ask(leaving.signal)));
  await expect.poll(() => begun).toBeGreaterThan(0);
  leaving.abort(new Error('late'));
  expect(new Set((await late).map(({ status }) => status))).toEqual(new Set(['rejected']));
  expect(begun).toBeLessThanOrEqual(4);
  const stale = begun;

  const inTime = ask(new AbortController().signal);
  for (let i = 0; i <= stale; i++) {
    await expect.poll(() => ends.length).toBeGreaterThan(0);
    ends.shift()!();
  }
  expect(await inTime).toEqual(Float32Array.of(1, 0));
  expect([begun - stale, most]).toEqual([1, stale]);
});

test('what an encoder makes no numbers of is the fault of the picture where it sees others, else of the encoder', async () => {
  const source = 'the encoder x';
  const refuses = (isRefused: (hash: string) => boolean, seen: string | null) => {
    const encode = async ({ pictures }: { pictures: readonly string[] }) => {
      if (pictures.some(isRefused)) throw new SimiliError('IMPORT_UNREADABLE', { source, why: 'no numbers' });
      return { vectors: new Uint16Array() };
    };
    const context = contextOf({ encode } as never);
    const features = { anySeen: async () => seen && { source: 'https://a.test/2', contentHash: seen } };
    const pictures = { look: () => 'as it is', folders: () => ({}), ensure: async () => {} };
    const repositories = { ...context.repositories, features, catalog: 'default' };
    const asked = { url: 'https://a.test/1' };
    return vectorOfPicture({ ...context, repositories, pictures } as never, 'mdl', asked, new AbortController().signal);
  };
  const ofEncoder = { code: 'IMPORT_UNREADABLE' };
  await expect(refuses((hash) => hash === 'asked', 'seen')).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    facts: { source: 'https://a.test/1' },
  });
  await expect(refuses(() => true, 'seen')).rejects.toMatchObject(ofEncoder);
  await expect(refuses(() => true, null)).rejects.toMatchObject(ofEncoder);
});
