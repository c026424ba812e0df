import { isAbsolute } from 'node:path';
import type { UploadedPicture } from '../db/uploaded-pictures.ts';

/** A file of a request, in whichever class its server has it: Node's `File`, graphql-yoga's. */
export type SentFile = { readonly size: number; arrayBuffer(): Promise<ArrayBuffer> };

export function isSentFile(value: unknown): value is SentFile {
  const { size, arrayBuffer } = (value ?? {}) as Partial<SentFile>;
  return typeof size === 'number' && typeof arrayBuffer === 'function';
}

/** Hashed beside the thread that answers shoppers. */
export async function readUpload(file: SentFile): Promise<UploadedPicture> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return { contentHash: Buffer.from(digest).toString('hex'), bytes };
}

/** Source of a picture that was sent as a file. No sender can write one: `imageUrls` are addresses, those of an import paths too. */
export const uploadedSource = (contentHash: string): string => `upload:${contentHash}`;

/** Hash in such a source; null: it is an address or a path. */
export const uploadedHash = (source: string): string | null => /^upload:([0-9a-f]{64})$/.exec(source)?.[1] ?? null;

/** Whether a picture has no address of its own, so that the API shows it, from a copy by its content. */
export const isShownHere = (source: string): boolean => isAbsolute(source) || uploadedHash(source) !== null;
