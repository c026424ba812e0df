import { openSync, readSync } from 'node:fs';
import { fromHalf } from '../../src/learning/half.ts';
import type { EncodedPictures } from './protocol.ts';

/** What the encoder saw in a picture of the set: [dimensions]. */
export type EncodedFeatures = (picture: number) => Float32Array;

/** Reads from the file what is asked for; its descriptor goes with the process, as a training's pictures do. */
export function openEncodedFeatures(encoded: EncodedPictures): EncodedFeatures {
  const bitsOf = openEncodedBits(encoded);
  return (picture) => fromHalf(bitsOf(picture));
}

/** The same as float16 bits. */
export function openEncodedBits({ encoder: { dimensions }, path }: EncodedPictures): (picture: number) => Uint16Array {
  const file = openSync(path, 'r');
  const bytes = 2 * dimensions;
  return (picture) => {
    const bits = new Uint16Array(dimensions);
    const read = readSync(file, bits, 0, bytes, picture * bytes);
    if (read !== bytes) throw new Error(`${path} has no features of picture ${picture}`);
    return bits;
  };
}

/** What `EmbedRequest.encoded` is for some pictures of a set. */
export function encodedOf(
  { encoder: { id, dimensions } }: EncodedPictures,
  bitsOf: (picture: number) => Uint16Array,
  pictures: readonly number[],
): Record<string, Uint16Array> {
  const bits = new Uint16Array(pictures.length * dimensions);
  for (const [i, picture] of pictures.entries()) bits.set(bitsOf(picture), i * dimensions);
  return { [id]: bits };
}
