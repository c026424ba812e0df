import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openPictureCopies } from '../../../../src/catalog/picture-copies.ts';

const dir = mkdtempSync(join(tmpdir(), 'simili-copies-'));
afterAll(() => rm(dir, { recursive: true }));
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const HOUR = 3_600_000;

test('a copy comes back by its hash, is for its owner only, and nothing else is a name', async () => {
  const copies = openPictureCopies(join(dir, 'a'));
  const hash = sha256('one');
  expect(await copies.read(hash)).toBeNull();
  await Promise.all([copies.put(hash, Buffer.from('one')), copies.put(hash, Buffer.from('one'))]);
  expect(String(await copies.read(hash))).toBe('one');
  const path = join(dir, 'a', hash.slice(0, 2), hash);
  expect([(await stat(path)).mode & 0o777, (await stat(join(path, '..'))).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(() => copies.read('../../etc/passwd')).toThrow('not a sha-256');
});

test('copies that no picture names are removed after a while, the others stay', async () => {
  const clock = { now: Date.now() };
  const copies = openPictureCopies(join(dir, 'b'), () => clock.now);
  const [kept, left] = [sha256('kept'), sha256('left')];
  for (const [hash, text] of [
    [kept, 'kept'],
    [left, 'left'],
  ] as const)
    await copies.put(hash, Buffer.from(text));
  const named = async (hashes: readonly string[]) => new Set(hashes.filter((hash) => hash === kept));
  expect(await copies.prune(named)).toBe(0); // too young
  clock.now += 2 * HOUR;
  expect(await copies.prune(named)).toBe(0); // looked a short while ago
  clock.now += 6 * HOUR;
  expect(await copies.prune(named)).toBe(1);
  expect([String(await copies.read(kept)), await copies.read(left)]).toEqual(['kept', null]);
});
