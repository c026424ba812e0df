import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { openEngineHost } from '../../../../workers/training/engine-client.ts';

test('After an engine that was not to be had, the next call looks for one in a new process', async () => {
  const host = openEngineHost('the embedder', loadConfig({}), new URL('../hosts/no-engine-host.ts', import.meta.url));
  const whoLooked = async () => {
    const request = { path: 'model', checksum: '00', pixels: new Uint8Array(), pictures: 0 } as never;
    const error: unknown = await host.embed(request, new AbortController().signal).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SimiliError);
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    return (error as SimiliError<'ENGINE_UNAVAILABLE'>).facts.why;
  };
  try {
    expect(await whoLooked()).not.toBe(await whoLooked());
  } finally {
    await host.close();
  }
});

test('an encoder that never ends is ended after the work that its pictures may take, and the next call has a new process', async () => {
  const url = new URL('../hosts/endless-encoder-host.ts', import.meta.url);
  const host = openEngineHost('the embedder', loadConfig({}), url, 200);
  const encode = (pictures: string[]) =>
    host.encode({ encoder: { facts: { id: 'eye-1' } }, pictures, folder: '' } as never, new AbortController().signal);
  try {
    await expect(encode(['a', 'b'])).rejects.toMatchObject({
      code: 'MODEL_TOO_COSTLY',
      message: 'the encoder eye-1 asks for too much: 2 pictures took more than 0.2 s',
    });
    expect((await encode([])).vectors).toHaveLength(0);
  } finally {
    await host.close();
  }
});
