import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { SimiliError } from '../../../src/errors.ts';
import { openEngineHost } from '../../../workers/hosts/engine-client.ts';

test('After an engine that was not to be had, the next call looks for one in a new process', async () => {
  const host = openEngineHost('the embedder', loadConfig({}), new URL('./hosts/no-engine-host.ts', import.meta.url));
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
