import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPixelCache } from '../../../../workers/pictures/pixel-cache.ts';

const SIZE = 4;
const facts = { width: 80, height: 60, mime: 'image/png' };
const pixelsOf = (value: number) => new Uint8Array(SIZE * SIZE * 3).fill(value);
/** Bytes of a cached file: pixels and facts. */
const fileOf = (size: number) => size * size * 3 + JSON.stringify(facts).length;
const FILE = fileOf(SIZE);
const hashOf = (digit: string) => digit.repeat(64);
let dir = '';
let seconds = 1_000_000;
/** Every look at the clock is a second later than the one before. */
const clock = () => new Date(1000 * seconds++);
const open = (changes = {}) =>
  openPixelCache({
    dir,
    size: SIZE,
    decodeVersion: 1,
    background: '#FFFFFF',
    clock,
    ...changes,
  });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-cache-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('gives back what was put in: plain pixels at the start of a file, and the facts', async () => {
  const cache = open();
  expect(await cache.get(hashOf('a'))).toBeNull();
  expect(await cache.has(hashOf('a'))).toBe(false);
  const path = await cache.put(hashOf('a'), pixelsOf(7), facts);
  expect(path).toBe(cache.pathOf(hashOf('a')));
  expect(new Uint8Array((await readFile(path)).subarray(0, 48))).toEqual(pixelsOf(7));
  expect(await cache.get(hashOf('a'))).toEqual(facts);
  expect(await cache.has(hashOf('a'))).toBe(true);
});

test('another size, decode version or background is another picture; another case of the colour is not', async () => {
  await open().put(hashOf('a'), pixelsOf(7), facts);
  expect(await open({ background: '#ffffff' }).has(hashOf('a'))).toBe(true);
  for (const changes of [{ size: 5 }, { decodeVersion: 2 }, { background: '#000000' }]) {
    expect(await open(changes).has(hashOf('a'))).toBe(false);
  }
});

test('a damaged file counts as missing and can be written again', async () => {
  const cache = open();
  const path = await cache.put(hashOf('a'), pixelsOf(7), facts);
  await truncate(path, 10);
  expect(await cache.get(hashOf('a'))).toBeNull();
  await cache.put(hashOf('a'), pixelsOf(7), facts);
  await writeFile(path, new Uint8Array(60));
  expect(await cache.has(hashOf('a'))).toBe(false);
});

test('the same picture may be put in many times at once; no partial file is left', async () => {
  const cache = open();
  await Promise.all(Array.from({ length: 20 }, () => cache.put(hashOf('a'), pixelsOf(7), facts)));
  expect(await cache.get(hashOf('a'))).toEqual(facts);
  const names = await readdir(dir, { recursive: true });
  expect(names.filter((name) => name.includes('aaaa'))).toHaveLength(1);
});

test('refuses what is no sha-256, hence any path, and pixels of another size', async () => {
  const cache = open();
  for (const bad of ['', '../../etc/passwd', hashOf('A'), 'a'.repeat(63)])
    expect(() => cache.pathOf(bad)).toThrow('not a sha-256');
  await expect(cache.put(hashOf('a'), new Uint8Array(3), facts)).rejects.toThrow('3 bytes of pixels, 48 belong here');
});

test('prune removes what was used longest ago, down to the limit', async () => {
  const cache = open();
  for (const digit of ['a', 'b', 'c', 'd']) await cache.put(hashOf(digit), pixelsOf(1), facts);
  await cache.get(hashOf('a')); // now used last
  expect(await cache.prune(2 * FILE)).toBe(2 * FILE);
  const left = await Promise.all(['a', 'b', 'c', 'd'].map((digit) => cache.has(hashOf(digit))));
  expect(left).toEqual([true, false, false, true]);
  expect(await cache.prune(2 * FILE)).toBe(0);
  expect((await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.rgb'))).toHaveLength(2);
});

test('prune counts all sides together, and stops when enough is gone', async () => {
  const [small, large] = [open(), open({ size: 8 })];
  for (const digit of ['a', 'b']) {
    await small.put(hashOf(digit), pixelsOf(1), facts);
    await large.put(hashOf(digit), new Uint8Array(8 * 8 * 3), facts);
  }
  expect(await small.prune(FILE + fileOf(8))).toBe(FILE + fileOf(8));
  expect(await Promise.all([small, large].map(({ has }) => has(hashOf('a'))))).toEqual([false, false]);
  expect(await large.prune(fileOf(8))).toBe(FILE);
  expect(await Promise.all([small, large].map(({ has }) => has(hashOf('b'))))).toEqual([false, true]);
});

test('of pictures used at the same moment no more go than have to', async () => {
  const still = open({ clock: () => new Date(5000) });
  for (const digit of ['a', 'b', 'c', 'd']) await still.put(hashOf(digit), pixelsOf(1), facts);
  expect(await still.prune(2 * FILE + 1)).toBe(2 * FILE);
});

test('prune reaches other versions, and the partial files of processes that died', async () => {
  await open({ decodeVersion: 0 }).put(hashOf('a'), pixelsOf(1), facts);
  const cache = open();
  const path = await cache.put(hashOf('b'), pixelsOf(1), facts);
  const [dead, busy] = [`${path}.dead.part`, `${path}.busy.part`];
  await Promise.all([dead, busy].map((partial) => writeFile(partial, 'x')));
  await utimes(dead, 0, 0);
  await utimes(busy, seconds, seconds);
  expect(await cache.prune(FILE)).toBe(FILE);
  const names = (await readdir(dir, { recursive: true })).filter((name) => /\.(rgb|part)$/.test(name));
  expect(names.map((name) => name.split('/').at(-1))).toEqual(
    expect.arrayContaining([`${hashOf('b')}.rgb`, `${hashOf('b')}.rgb.busy.part`]),
  );
  expect(names).toHaveLength(2);
});

test('prune of a folder that was never made does nothing', async () => {
  expect(await open({ dir: join(dir, 'absent') }).prune(0)).toBe(0);
});
