import { expect, test } from 'vitest';
import type { Ask } from '../../../../../src/db/sql/ask.ts';
import { arrayBytes, vectorsParameter } from '../../../../../src/db/sql/vector-bytes.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const words = (...groups: string[]) => groups.join('');

test('rows of float16 are an array as Postgres sends one: a header, then each with its length', () => {
  const header = words('00000001', '00000000', '000186a1', '00000002', '00000001');
  expect(hex(arrayBytes(100_001, 'halfvec', [Uint16Array.of(0x3c00, 0x8001), Uint16Array.of(0x7bff)]))).toBe(
    words(header, '00000008', '00020000', '3c008001', '00000006', '00010000', '7bff'),
  );
});

test('rows of float32 likewise, and parts of a longer vector are taken alone', () => {
  const part = Float32Array.of(9, 1, -2, 9).subarray(1, 3);
  expect(hex(arrayBytes(7, 'vector', [part]))).toBe(
    words('00000001', '00000000', '00000007', '00000001', '00000001', '0000000c', '00020000', '3f800000', 'c0000000'),
  );
});

test('the number of the type is asked for each time, and may be any of 32 bits', async () => {
  let oid = 4_000_000_000;
  const ask = (async (_statement, values) => [{ oid: `${oid++}`, values }]) as Ask;
  const first = await vectorsParameter(ask, 'vector', [Float32Array.of(1)]);
  const second = await vectorsParameter(ask, 'vector', [Float32Array.of(1)]);
  expect([hex(first.subarray(8, 12)), hex(second.subarray(8, 12))]).toEqual(['ee6b2800', 'ee6b2801']);
});
