import { view } from '@simili/learning/batches/augment';
import { pictureSizeFor } from '@simili/learning/network/shapes';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { Picture } from '@simili/learning/picture';
import type { Engine } from '../../engines/engine.ts';
import type { Extract } from '../features/blocks.ts';

const BATCH = 64;

/** The network's embedding as one more feature: [D], unit length. Of pictures of the side `pictureSizeFor` says. */
export const extractByNetwork =
  (engine: Engine, { inputSize, embedding }: NetworkSpec): Extract =>
  async (pictures) => {
    const rows: Float32Array[] = [];
    for (let at = 0; at < pictures.length; at += BATCH) {
      const batch = pictures.slice(at, at + BATCH);
      const values = await engine.embed(toInput(batch, inputSize), batch.length);
      for (let i = 0; i < batch.length; i++) rows.push(values.slice(i * embedding, (i + 1) * embedding));
    }
    return rows;
  };

/** float32 NHWC [n, size, size, 3] */
function toInput(pictures: readonly Picture[], size: number): Float32Array {
  const side = pictureSizeFor(size);
  const length = size * size * 3;
  const input = new Float32Array(pictures.length * length);
  for (const [i, picture] of pictures.entries()) view(picture, input, i * length, size, side);
  return input;
}
