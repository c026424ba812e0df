import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config.ts';
import { vectorOfPicture } from '../../../../workers/embedding/vector-of-picture.ts';
import { openEngineHost } from '../../../../workers/training/engine-client.ts';

test('who leaves before his picture was seen does not end the process that sees the pictures of the catalog', async () => {
  const url = new URL('../hosts/slow-encoder-host.ts', import.meta.url);
  const embedder = openEngineHost('the embedder', loadConfig({}), url);
  const context = {
    embedder,
    encoder: null,
    repositories: { models: { byId: async () => ({ metrics: { training: { shares: { hog: 1 } } } }) } },
    artefacts: { pathOf: async () => ({ path: '/artefact', checksum: 'c' }) },
    askedPictures: {
      decode: (_picture: object, _sides: number[], _signal: AbortSignal, use: (found: object) => Promise<unknown>) =>
        use({ contentHash: 'asked', folders: {} }),
    },
  };
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
