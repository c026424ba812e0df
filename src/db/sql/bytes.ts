import { Prisma } from '../../generated/prisma/client.ts';

/**
 * Bytes as a value in a statement. They travel as base64 text: as a parameter of type Bytes twelve megabytes cost Prisma
 * and PGlite six seconds of the thread that answers shoppers, as text a quarter of a second.
 */
export const bytesSql = (bytes: Uint8Array): Prisma.Sql =>
  Prisma.sql`decode(${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}, 'base64')`;

/** The bytes behind `encode(column, 'base64')`. */
export const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** Time limit of a transaction of the work in the background: it writes weights, and a busy machine may take its time. */
export const TRANSACTION_OF_BYTES = { timeout: 120_000 };
