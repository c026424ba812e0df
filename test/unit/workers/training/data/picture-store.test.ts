import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makePictureStore } from '../../../../../workers/training/data/picture-store.ts';

const dir = await mkdtemp(join(tmpdir(), 'simili-store-'));
afterAll(() => rm(dir, { recursive: true }));

const SIDES = [4, 6];
const BYTES = 4 * 4 * 3;
const hashes = new Uint8Array(32 * 5);
const pathOf = (picture: number, side: number): string => {
  const hash = Buffer.from(hashes.subarray(32 * picture, 32 * picture + 32)).toString('hex');
  return join(dir, String(side), hash.slice(0, 2), `${hash}.rgb`);
};
for (let i = 0; i < 5; i++) {
  hashes.set(createHash('sha256').update(String(i)).digest(), 32 * i);
  for (const side of SIDES) {
    await mkdir(join(pathOf(i, side), '..'), { recursive: true });
    await writeFile(pathOf(i, side), new Uint8Array(side * side * 3).fill(10 * side + i));
  }
}
const set = { hashes, pixels: Object.fromEntries(SIDES.map((side) => [side, join(dir, String(side))])) };

test('a picture is found by its index and side, also in columns that are part of a larger buffer', () => {
  const whole = new Uint8Array(7 + hashes.length);
  whole.set(hashes, 7);
  const load = makePictureStore({ ...set, hashes: whole.subarray(7) });
  for (const side of SIDES) {
    for (let i = 0; i < 5; i++) expect(load(i, side)).toEqual(Buffer.alloc(side * side * 3, 10 * side + i));
  }
});

test('no more bytes are kept than it may hold, and those not used for longest go first', () => {
  const load = makePictureStore(set, 2 * BYTES);
  const [zero, one] = [load(0, 4), load(1, 4)];
  expect(load(0, 4)).toBe(zero); // now 1 is the oldest
  load(2, 4);
  expect(load(0, 4)).toBe(zero);
  expect(load(1, 4)).not.toBe(one);
  expect(load(0, 4)).toBe(zero);
});

test('a picture larger than the whole store is still given', () => {
  const load = makePictureStore(set, 1);
  expect(load(3, 6)).toHaveLength(108);
  expect(load(3, 6)).toBe(load(3, 6));
});

test('a side that nobody made, a missing file and a file of another size are named', async () => {
  const load = makePictureStore(set);
  expect(() => load(0, 5)).toThrow('no pictures of 5 px');
  await writeFile(pathOf(4, 6), new Uint8Array(107));
  expect(() => load(4, 6)).toThrow('holds 107 bytes');
  await rm(pathOf(4, 6));
  expect(() => load(4, 6)).toThrow('ENOENT');
});
