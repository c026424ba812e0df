import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/learning/safetensors.ts';

const tensor = fc
  .tuple(fc.nat(3), fc.nat(4))
  .chain(([rows, columns]) =>
    fc
      .array(fc.float(), { minLength: rows * columns, maxLength: rows * columns })
      .map((values) => ({ shape: [rows, columns], data: Float32Array.from(values) })),
  );
const name = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__' && text !== '__metadata__');

test('what was written is read again, bit for bit', () => {
  fc.assert(
    fc.property(fc.dictionary(name, tensor), fc.dictionary(name, fc.string()), (tensors, metadata) => {
      const read = decodeSafetensors(encodeSafetensors(tensors, metadata));
      expect({ ...read.tensors }).toEqual({ ...tensors });
      expect({ ...read.metadata }).toEqual({ ...metadata });
    }),
  );
});

test('damage ends in an Error, never in another kind of failure', () => {
  const bytes = encodeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } }, { m: 'x' });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
      const damaged = bytes.slice(0, length);
      if (at < length) damaged[at] = value;
      try {
        decodeSafetensors(damaged);
      } catch (error) {
        expect((error as Error).constructor).toBe(Error);
      }
    }),
    { numRuns: 2000 },
  );
});
