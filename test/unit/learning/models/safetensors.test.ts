import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../../learning/models/safetensors.ts';

/** A file of the format, put together by hand. */
function file(header: unknown, body: number[] = []): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, Buffer.from(new Float32Array(body).buffer)]);
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test('writes what the format says: length, padded JSON header, values without gaps', () => {
  const bytes = encodeSafetensors({ a: { shape: [1, 2], data: Float32Array.of(1.5, -2) } }, { made: 'here' });
  const length = Buffer.from(bytes).readUInt32LE(0);
  expect(length % 8).toBe(0);
  expect(JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString())).toEqual({
    __metadata__: { made: 'here' },
    a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
  });
  expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
});

test('bytes follow the tensors as U8 of one axis, whatever their number', () => {
  const tensors = { a: { shape: [1], data: Float32Array.of(1) } };
  const bytes = encodeSafetensors(tensors, {}, { inside: Uint8Array.of(7, 0, 255) });
  const length = Buffer.from(bytes).readUInt32LE(0);
  expect(JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString())).toMatchObject({
    a: { dtype: 'F32', data_offsets: [0, 4] },
    inside: { dtype: 'U8', shape: [3], data_offsets: [4, 7] },
  });
  expect([...bytes.subarray(-3)]).toEqual([7, 0, 255]);
  const read = decodeSafetensors(bytes);
  bytes.fill(1); // read means copied
  expect(read).toEqual({ tensors, bytes: { inside: Uint8Array.of(7, 0, 255) }, metadata: {} });
});

test('reads tensors in any order of the header, from any alignment', () => {
  const bytes = file({ b: entry(4, 12, [2, 1]), __metadata__: { x: 'y' }, a: entry(0, 4, []) }, [1, 2, 3]);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodeSafetensors(shifted.subarray(3))).toEqual({
    tensors: { b: { shape: [2, 1], data: Float32Array.of(2, 3) }, a: { shape: [], data: Float32Array.of(1) } },
    bytes: {},
    metadata: { x: 'y' },
  });
});

test.each<[string, Uint8Array, string]>([
  ['too short', new Uint8Array(7), 'shorter'],
  ['a header beyond the end', file({ a: entry(0, 4) }, [1]).subarray(0, 20), 'claims'],
  ['a huge header', new Uint8Array(16).fill(255), 'claims'],
  ['no JSON', Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{x')]), 'not JSON'],
  ['no object', file([]), 'not a JSON object'],
  ['a truncated body', file({ a: entry(0, 8) }, [1]), 'after the end'],
  ['an overlap', file({ a: entry(0, 8), b: entry(4, 12) }, [1, 2, 3]), 'overlaps'],
  ['a gap', file({ a: entry(0, 4), b: entry(8, 12) }, [1, 2, 3]), 'gap'],
  ['bytes of no tensor', file({ a: entry(0, 4) }, [1, 2]), 'belong to none'],
  ['another dtype', file({ a: entry(0, 4, [1], 'I32') }, [1]), 'dtype I32'],
  ['a wrong shape', file({ a: entry(0, 8, [3]) }, [1, 2]), 'do not fill'],
  ['bytes of two axes', file({ a: entry(0, 4, [2, 2], 'U8') }, [1]), 'has not one axis'],
  ['a wrong number of bytes', file({ a: entry(0, 4, [1], 'U8') }, [1]), 'do not fill'],
  ['a dtype from afar', file({ a: entry(0, 4, [1], 'toString') }, [1]), 'dtype toString'],
  ['negative offsets', file({ a: entry(-4, 4, [2]) }, [1, 2]), 'no data_offsets'],
  ['metadata of numbers', file({ __metadata__: { a: 1 } }), 'metadata'],
])('refuses %s with a sentence', (_name, bytes, sentence) => {
  expect(() => decodeSafetensors(bytes)).toThrow(sentence);
});

test('refuses to write a tensor that does not fill its shape', () => {
  expect(() => encodeSafetensors({ a: { shape: [2], data: new Float32Array(3) } }, {})).toThrow('do not fill');
});

test('refuses to write two tensors of one name', () => {
  const one = { a: { shape: [1], data: Float32Array.of(1) } };
  expect(() => encodeSafetensors(one, {}, { a: Uint8Array.of(1) })).toThrow('Two tensors are called a');
});
