import type { Encoder } from '../../src/learning/encoder.ts';
import { goldenOf } from '../../src/learning/features/golden.ts';
import { toHalf } from '../../src/learning/half.ts';
import { openOnnxEncoder } from '../engines/onnx/encoder.ts';
import { sideBySide } from '../training/blocks.ts';
import { makePictureStore } from '../training/picture-store.ts';
import type { EncodeRequest, EncodeResult } from '../training/protocol.ts';
import type { InstalledEncoder } from './find.ts';

/** The one in use: a shop has one, and each holds its network in memory. */
let open: { id: string; encoder: Promise<Encoder> } | null = null;

/** What an eye sees in pictures of the pixel cache. @throws SimiliError IMPORT_UNREADABLE, ENGINE_UNAVAILABLE. */
export async function encode({ encoder: eye, pictures, folder, threads }: EncodeRequest): Promise<EncodeResult> {
  const { side } = eye.description.input;
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels: { [side]: folder } }, 0);
  const batch = pictures.map((_hash, i) => load(i, side));
  const rows = eye.path === null ? sideBySide(batch.map(goldenOf)) : await (await opened(eye, threads)).encode(batch);
  return { vectors: toHalf(rows) };
}

async function opened(installed: InstalledEncoder, threads: number): Promise<Encoder> {
  const { id } = installed.facts;
  if (open?.id !== id) {
    const before = open;
    open = { id, encoder: openOnnxEncoder(installed, { threads }) };
    await (await before?.encoder.catch(() => null))?.close();
  }
  return open.encoder.catch((error: unknown) => {
    open = null; // looked for again with the next call
    throw error;
  });
}
