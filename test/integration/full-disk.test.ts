import { expect, test } from 'vitest';
import { writeProducts } from '../../src/catalog/products.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import type { PGlitePool } from '../../src/db/session/pglite-pool.ts';
import { dump } from '../support/embedded.ts';
import { fakeQueue } from '../support/fixtures.ts';

const MIB = 2 ** 20;

test('a disk that is nearly full refuses writes with a code, answers reads, is told once, and takes writes when there is room', async () => {
  const state = { clock: 0, free: 1000 * MIB };
  const told: string[] = [];
  const disk = { free: () => state.free, tell: (sentence: string) => void told.push(sentence) };
  const storage = await openEmbedded(null, () => state.clock, await dump(), disk);
  const { products, settings, features } = makeRepositories(storage, 'default');
  const deps = { catalog: 'default', products, queue: fakeQueue() };
  const write = (id: string) => writeProducts([{ id, title: 'x', imageUrls: [] }], deps);
  await write('before');

  state.free = 100 * MIB;
  state.clock += 1000;
  const FULL = { code: 'STORAGE_FULL', retry: true, extensions: { retryAfter: 2 } };
  await expect(write('during')).rejects.toMatchObject(FULL);
  await expect(settings.set('key', 'value')).rejects.toMatchObject(FULL);
  await expect(features.add('eye', new Map([['picture', Uint16Array.of(1)]]))).rejects.toMatchObject(FULL);
  await expect((storage.queue as PGlitePool).query('CREATE TABLE t (x int)')).rejects.toThrow('read-only');
  expect((await products.byIds(['before', 'during'])).map(({ id }) => id)).toEqual(['before']);
  expect(told).toEqual([expect.stringContaining('100 MiB left')]);

  state.free = 1000 * MIB;
  state.clock += 1000;
  expect(await write('after')).toMatchObject({ created: 1 });
  await settings.set('key', 'value');
  expect(told).toHaveLength(2);
  await storage.close();
});
