import type { Encoder } from '../../src/learning/encoder.ts';
import { toHalf } from '../../src/learning/half.ts';
import { openOnnxEncoder } from '../engines/onnx/encoder.ts';
import { makePictureStore } from '../training/picture-store.ts';
import type { EncodeRequest, EncodeResult } from '../training/protocol.ts';

/** The one in use: a shop has one, and each holds its network in memory. */
let open: { id: string; encoder: Promise<Encoder> } | null = null;

/** What an encoder sees in pictures of the pixel cache. @throws SimiliError IMPORT_UNREADABLE, ENGINE_UNAVAILABLE. */
export async function encode({ encoder: installed, pictures, folder, threads }: EncodeRequest): Promise<EncodeResult> {
  const { id } = installed.facts;
  if (open?.id !== id) {
    const before = open;
    open = { id, encoder: openOnnxEncoder(installed, { threads }) };
    await (await before?.encoder.catch(() => null))?.close();
  }
  const encoder = await open.encoder.catch((error: unknown) => {
    open = null; // looked for again with the next call
    throw error;
  });
  const { side } = encoder.input;
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels: { [side]: folder } }, 0);
  return { vectors: toHalf(await encoder.encode(pictures.map((_hash, i) => load(i, side)))) };
}
