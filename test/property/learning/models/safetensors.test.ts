import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../../learning/models/safetensors.ts';

const tensor = fc
  .tuple(fc.nat(3), fc.nat(4))
  .chain(([rows, columns]) =>
    fc
      .array(fc.float(), { minLength: rows * columns, maxLength: rows * columns })
      .map((values) => ({ shape: [rows, columns], data: Float32Array.from(values) })),
  );
const name = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__' && text !== '__metadata__');

test('what was written is read again, bit for bit', () => {
  const files = fc.dictionary(
    name.map((text) => `file ${text}`),
    fc.uint8Array({ maxLength: 9 }),
  );
  const texts = fc.dictionary(name, fc.string());
  const tensors = fc.dictionary(
    name.filter((text) => !text.startsWith('file ')),
    tensor,
  );
  fc.assert(
    fc.property(tensors, texts, files, (written, metadata, bytes) => {
      const read = decodeSafetensors(encodeSafetensors(written, metadata, bytes));
      expect({ ...read.tensors }).toEqual({ ...written });
      expect({ ...read.bytes }).toEqual({ ...bytes });
      expect({ ...read.metadata }).toEqual({ ...metadata });
    }),
  );
});

test('damage ends in an Error, never in another kind of failure', () => {
  const bytes = encodeSafetensors(
    { a: { shape: [2], data: Float32Array.of(1, 2) } },
    { m: 'x' },
    { b: Uint8Array.of(3) },
  );
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
