import type { Ask } from './ask.ts';
import { text } from './row.ts';

/** Numbers of pgvector's types: the bits of float16, and float32. */
type Rows = { halfvec: Uint16Array; vector: Float32Array };

/** Bytes of one number. */
const BYTES = { halfvec: 2, vector: 4 };
/** Bytes of `headerOf`, four a word. */
export const ARRAY_HEADER = 20;
const ROW_HEADER = 8;

/**
 * Vectors as one parameter of a statement, `$n::halfvec[]` or `$n::vector[]`, in Postgres' binary format: their bits are taken as
 * they are. As text, every number would be written in decimals and read again, which takes most of the time of a write.
 */
export async function vectorsParameter<Type extends keyof Rows>(
  ask: Ask,
  type: Type,
  rows: readonly Rows[Type][],
): Promise<Uint8Array> {
  // Each database numbers the types of an extension anew, also when it is restored under a running process.
  const [found] = await ask({ text: 'SELECT to_regtype($1)::oid::text AS oid', row: { oid: text } }, [type]);
  return arrayBytes(Number(found!.oid), type, rows);
}

/** Words before the elements of an array: one dimension, no nulls, the type's number, how many, counted from 1. */
export const headerOf = (oid: number, count: number): number[] => [1, 0, oid, count, 1];

/** A one-dimensional array of pgvector's type with this number, as `array_send` gives it. */
export function arrayBytes<Type extends keyof Rows>(oid: number, type: Type, rows: readonly Rows[Type][]): Uint8Array {
  const size = BYTES[type];
  const length = rows.reduce((sum, row) => sum + ROW_HEADER + size * row.length, ARRAY_HEADER);
  const view = new DataView(new ArrayBuffer(length));
  for (const [i, word] of headerOf(oid, rows.length).entries()) view.setUint32(4 * i, word);
  let at = ARRAY_HEADER;
  for (const row of rows) {
    view.setUint32(at, 4 + size * row.length);
    view.setUint16(at + 4, row.length); // and 16 bits that pgvector does not use
    at += ROW_HEADER;
    if (row instanceof Uint16Array) for (let i = 0; i < row.length; i++, at += size) view.setUint16(at, row[i]!);
    else for (let i = 0; i < row.length; i++, at += size) view.setFloat32(at, row[i]!);
  }
  return new Uint8Array(view.buffer);
}

/** Numbers of float32 as text, to the bit. */
export const base64Of = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** The numbers of `base64Of`. */
export const vectorOf = (base64: string): Float32Array =>
  new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
