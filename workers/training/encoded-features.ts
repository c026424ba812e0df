import { closeSync, openSync, readSync } from 'node:fs';
import { fromHalf } from '../../src/learning/half.ts';
import type { EncodedPictures } from './protocol.ts';

/** What the encoder saw in a picture of the set: [dimensions]. */
export type EncodedFeatures = (picture: number) => Float32Array;

/** Reads from the file what is asked for. Nothing stays open: an engine process outlives its trainings. */
export function openEncodedFeatures(encoded: EncodedPictures): EncodedFeatures {
  const bitsOf = openEncodedBits(encoded);
  return (picture) => fromHalf(bitsOf(picture));
}

/** The same as float16 bits. */
export function openEncodedBits({ encoder: { dimensions }, path }: EncodedPictures): (picture: number) => Uint16Array {
  const bytes = 2 * dimensions;
  return (picture) => {
    const bits = new Uint16Array(dimensions);
    const file = openSync(path, 'r');
    let read = 0;
    try {
      read = readSync(file, bits, 0, bytes, picture * bytes);
    } finally {
      closeSync(file);
    }
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
