import { goldenOf } from '@simili/learning/features/golden';
import type { Encoder } from '@simili/learning/models/encoder';
import { toHalf } from '@simili/learning/numbers/half';
import type { Picture } from '@simili/learning/picture';
import { openOnnxEncoder } from '../../engines/onnx/encoder.ts';
import type { InstalledEncoder } from '../../engines/onnx/encoder-description.ts';
import { keepOpen } from '../../tools/keep-open.ts';
import { makePictureStore } from '../data/picture-store.ts';
import { sideBySide } from '../features/blocks.ts';
import type { EncodeRequest, EncodeResult } from '../protocol.ts';

/** The configured one, and that of another version or of a training. Each holds its network in memory. */
const encoders = keepOpen<Encoder>(2, async (encoder) => encoder.close());

/** Vectors of an eye for pictures of the pixel cache. @throws SimiliError IMPORT_UNREADABLE, ENGINE_UNAVAILABLE. */
export async function encode({ encoder: eye, pictures, folder, threads }: EncodeRequest): Promise<EncodeResult> {
  const { side } = eye.description.input;
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels: { [side]: folder } }, 0);
  const batch = pictures.map((_hash, i) => load(i, side));
  const rows = eye.path === null ? sideBySide(batch.map(goldenOf)) : await seenBy(eye, threads, batch);
  return { vectors: toHalf(rows) };
}

const seenBy = (eye: InstalledEncoder, threads: number, batch: readonly Picture[]): Promise<Float32Array> =>
  encoders.use(
    eye.facts.id,
    () => openOnnxEncoder(eye, { threads }),
    (encoder) => encoder.encode(batch),
  );
