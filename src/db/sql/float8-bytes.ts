import { ARRAY_HEADER, headerOf } from './vector-bytes.ts';

/** Bytes of a float8, as Postgres sends it: the most significant one first. */
export const BYTES_OF_FLOAT8 = 8;
const OID_OF_FLOAT8 = 701;
const LENGTH = 4;

/** Floats as one parameter of a statement, `$n::float8[]`, in Postgres' binary format: their bits are taken as they are. @param floats of each eight bytes, as Postgres sends them */
export function float8Array(floats: Buffer): Buffer {
  const count = floats.length / BYTES_OF_FLOAT8;
  const bytes = Buffer.allocUnsafe(ARRAY_HEADER + count * (LENGTH + BYTES_OF_FLOAT8));
  let at = 0;
  for (const word of headerOf(OID_OF_FLOAT8, count)) at = bytes.writeInt32BE(word, at);
  for (let from = 0; from < floats.length; from += BYTES_OF_FLOAT8) {
    at = bytes.writeInt32BE(BYTES_OF_FLOAT8, at);
    at += floats.copy(bytes, at, from, from + BYTES_OF_FLOAT8);
  }
  return bytes;
}
