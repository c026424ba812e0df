import { createHmac, timingSafeEqual } from 'node:crypto';

/** Bytes of the signature that travel: 128 bits cannot be guessed, and every list carries them. */
const SIGNATURE_BYTES = 16;

/**
 * A signed, URL-safe text that only we can have made: base64url(JSON) followed by the start of its HMAC-SHA256.
 * Readable by anybody; nobody can change it. `purpose` keeps one kind of token from passing as another.
 */
export function seal(key: string, purpose: string, payload: unknown): string {
  const body = Buffer.from(JSON.stringify(payload), 'utf8');
  return Buffer.concat([signature(key, purpose, body), body]).toString('base64url');
}

/** @returns null when we did not make it. The comparison takes the same time wherever the two differ. */
export function unseal(key: string, purpose: string, token: string): unknown {
  const bytes = Buffer.from(token, 'base64url');
  // Only the one spelling that we made: base64url decoders overlook stray characters.
  if (bytes.length <= SIGNATURE_BYTES || bytes.toString('base64url') !== token) return null;
  const body = bytes.subarray(SIGNATURE_BYTES);
  if (!timingSafeEqual(bytes.subarray(0, SIGNATURE_BYTES), signature(key, purpose, body))) return null;
  return JSON.parse(body.toString('utf8'));
}

const signature = (key: string, purpose: string, body: Uint8Array): Buffer =>
  createHmac('sha256', key).update(`${purpose}\n`).update(body).digest().subarray(0, SIGNATURE_BYTES);
