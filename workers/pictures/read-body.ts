import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { tooLarge, unreadable } from './fetch-errors.ts';

const DECODERS: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The bytes of an answer, at most `maxBytes`: of what came and of what it unpacks to, for hosts that compress although they
 * were asked not to. Nothing beyond the bound is unpacked.
 * @throws SimiliError IMAGE_TOO_LARGE; IMAGE_UNREADABLE for an encoding that is not known, or is damaged.
 */
export async function readBody(
  body: Readable,
  headers: Record<string, string | string[] | undefined>,
  source: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const encoding = String(headers['content-encoding'] ?? '')
    .trim()
    .toLowerCase();
  const plain = encoding === '' || encoding === 'identity';
  const decoder = DECODERS[encoding];
  if (!plain && !decoder) throw discarded(body, unreadable(source, `its host packed it as ${encoding}`));
  if (Number(headers['content-length']) > maxBytes) throw discarded(body, tooLarge(source, maxBytes));
  if (!decoder) return collect(body, source, maxBytes);
  let lost: Error | null = null;
  body.once('error', (error) => (lost = error));
  const unpacked = pipeline(body, decoder(), () => {});
  try {
    return await collect(unpacked, source, maxBytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (lost ?? !/^(Z_|ERR__ERROR|ERR_PADDING|ERR_BROTLI)/.test(code ?? '')) throw lost ?? error;
    throw unreadable(source, `its ${encoding} packing is damaged`);
  }
}

/** Leaving the loop by throwing destroys the stream, and with it the connection. */
async function collect(stream: AsyncIterable<Uint8Array>, source: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > maxBytes) throw tooLarge(source, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, total);
}

function discarded<E>(body: Readable, error: E): E {
  body.on('error', () => {}).destroy();
  return error;
}
