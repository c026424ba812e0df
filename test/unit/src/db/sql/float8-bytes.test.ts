import { expect, test } from 'vitest';
import { float8Array } from '../../../../../src/db/sql/float8-bytes.ts';

test('floats are one array of one dimension, each with its length before it, as Postgres sends it', () => {
  const floats = Buffer.alloc(16);
  floats.writeDoubleBE(0.1, 0);
  floats.writeDoubleBE(Number.POSITIVE_INFINITY, 8);
  const words = (...all: number[]) => all.map((word) => word.toString(16).padStart(8, '0')).join('');
  expect(float8Array(floats).toString('hex')).toBe(
    `${words(1, 0, 701, 2, 1, 8)}3fb999999999999a${words(8)}7ff0000000000000`,
  );
});
