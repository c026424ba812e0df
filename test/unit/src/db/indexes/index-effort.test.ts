import { expect, test } from 'vitest';
import { indexEfforts } from '../../../../../src/db/indexes/index-effort.ts';

const MB = 2 ** 20;
const SERVER = { own: 64 * MB, sharedBuffers: 4096 * MB, available: null, isAsked: false };

test('an index is built with what its graph needs, up to a quarter of the shared buffers', () => {
  const rows = 100_000;
  expect(indexEfforts(SERVER, { rows, bytes: 700 * rows })[0]).toEqual({ memory: 1500 * rows, alone: false });
  expect(indexEfforts(SERVER, { rows: 2_000_000, bytes: 2 ** 31 })).toEqual([
    { memory: 1024 * MB, alone: false },
    { memory: 1024 * MB, alone: true },
    { memory: 64 * MB, alone: true },
  ]);
});

test('never with less than the server gives by itself', () => {
  expect(indexEfforts(SERVER, { rows: 10, bytes: 8192 })[0]!.memory).toBe(64 * MB);
  expect(indexEfforts({ ...SERVER, sharedBuffers: 128 * MB }, { rows: 1e6, bytes: 1e9 })[0]!.memory).toBe(64 * MB);
});

test('by one process where others are at work', () => {
  const efforts = indexEfforts({ ...SERVER, isAsked: true }, { rows: 1e6, bytes: 1e9 });
  expect(efforts.map(({ alone }) => alone)).toEqual([true, true, true]);
});

test('up to an eighth of the memory that the machine has available, where that is known and more', () => {
  const small = { ...SERVER, sharedBuffers: 128 * MB };
  const large = { rows: 2_000_000, bytes: 2 ** 31 };
  expect(indexEfforts({ ...small, available: 8000 * MB }, large)[0]!.memory).toBe(1000 * MB);
  expect(indexEfforts({ ...small, available: 8000 * MB }, { rows: 100_000, bytes: 7e7 })[0]!.memory).toBe(1.5e8);
  expect(indexEfforts({ ...small, available: 100 * MB }, large)[0]!.memory).toBe(64 * MB);
  expect(indexEfforts({ ...SERVER, available: 100 * MB }, large)[0]!.memory).toBe(1024 * MB);
});
