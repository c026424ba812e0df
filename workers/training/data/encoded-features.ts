import { closeSync, openSync, readSync } from 'node:fs';
import { fromHalf } from '@simili/learning/numbers/half';
import type { EncodedPictures } from '../protocol.ts';

/** Where numbers are in a row. */
type Place = { readonly start: number; readonly length: number };

/** The encoder's vector of a picture of the set: [dimensions], or the part of it at a place. */
export type EncodedFeatures = (picture: number, place?: Place) => Float32Array;

/** Reads from the file what is asked for. Nothing stays open: an engine process outlives its trainings. */
export function openEncodedFeatures(encoded: EncodedPictures): EncodedFeatures {
  const bitsOf = openEncodedBits(encoded);
  return (picture, place) => fromHalf(bitsOf(picture, place));
}

/** The same as float16 bits. */
export const openEncodedBits = ({ encoder, path }: EncodedPictures) => openStoredBits(path, encoder.dimensions);

/** Rows of a file of float16 [pictures, dimensions], or a part of them. */
export function openStoredBits(path: string, dimensions: number): (picture: number, place?: Place) => Uint16Array {
  return (picture, { start, length } = { start: 0, length: dimensions }) => {
    const bits = new Uint16Array(length);
    const file = openSync(path, 'r');
    let read = 0;
    try {
      read = readSync(file, bits, 0, 2 * length, 2 * (picture * dimensions + start));
    } finally {
      closeSync(file);
    }
    if (read !== 2 * length) throw new Error(`${path} has no features of picture ${picture}`);
    return bits;
  };
}

/** `EmbedRequest.encoded` for some pictures of a set. */
export function encodedOf(
  { encoder: { id, dimensions } }: EncodedPictures,
  bitsOf: (picture: number) => Uint16Array,
  pictures: readonly number[],
): Record<string, Uint16Array> {
  const bits = new Uint16Array(pictures.length * dimensions);
  for (const [i, picture] of pictures.entries()) bits.set(bitsOf(picture), i * dimensions);
  return { [id]: bits };
}
