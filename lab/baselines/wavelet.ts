import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import type { Baseline } from './baseline.ts';
import { haar2d } from './haar.ts';

/** Coefficients kept of each channel. */
const KEPT = 40;
/** A coefficient below this is what rounding leaves of 0; the smallest step of a channel leaves about 1e-4. */
const ROUNDING = 1e-9;
const signatureLength = 3 + 3 * KEPT;

/** NTSC: rows Y (0..1), I (about -0.6..0.6), Q (about -0.5..0.5) of red, green, blue in 0..1. */
const toYiq = [
  [0.299, 0.587, 0.114],
  [0.595716, -0.274453, -0.321263],
  [0.211456, -0.522591, 0.311135],
] as const;

/** Fitted by the authors to scanned photographs as queries: rows are bins 0 (the mean) to 5 (fine), columns Y, I, Q. */
const weights = [
  [5.0, 19.21, 34.37],
  [0.83, 1.26, 0.36],
  [1.01, 0.44, 0.45],
  [0.52, 0.53, 0.14],
  [0.47, 0.28, 0.18],
  [0.3, 0.14, 0.27],
] as const;

/** The level of each index of a transformed line: 0 for its sum, 1 for the difference of its halves, up to 6. */
const levels = Array.from({ length: PICTURE_SIZE }, (_, i) => (i === 0 ? 0 : 1 + Math.floor(Math.log2(i))));

/**
 * Signatures of the largest Haar coefficients. The picture stays at 64 px: at 128 px, the published size, every doubled
 * pixel would only add coefficients of 0.
 */
export const wavelet: Baseline = {
  source:
    'Fast multiresolution image querying (Jacobs, Finkelstein, Salesin 1995), with 40 coefficients per channel; as a distance, coefficients that only one picture has cost half their weight',
  fit: () => ({ represent, distance }),
};

/**
 * Means of Y, I and Q, then for each of these channels its 40 largest coefficients: row * 64 + column, with the sign of
 * the coefficient, rising; zeros at the end where fewer differ from 0.
 */
function represent(picture: Picture): Float32Array {
  const signature = new Float32Array(signatureLength);
  toYiq.forEach((row, channel) => {
    const plane = new Float64Array(PICTURE_SIZE * PICTURE_SIZE);
    for (let i = 0; i < plane.length; i++) {
      plane[i] = (row[0] * picture[3 * i]! + row[1] * picture[3 * i + 1]! + row[2] * picture[3 * i + 2]!) / 255;
    }
    haar2d(plane, PICTURE_SIZE);
    signature[channel] = plane[0]! / PICTURE_SIZE;
    signature.set(largest(plane), 3 + channel * KEPT);
  });
  return signature;
}

/** Signed places of the largest coefficients but the first, rising; of equals those of the lower place. */
function largest(plane: Float64Array): number[] {
  const places: number[] = [];
  for (let i = 1; i < plane.length; i++) if (Math.abs(plane[i]!) > ROUNDING) places.push(i);
  places.sort((i, j) => Math.abs(plane[j]!) - Math.abs(plane[i]!) || i - j);
  return places
    .slice(0, KEPT)
    .map((i) => Math.sign(plane[i]!) * i)
    .sort((i, j) => i - j);
}

/**
 * The published score, weighted differences of the means less the weights of the coefficients in common, plus half the
 * score of each picture with itself: weighted differences of the means plus half the weights of the coefficients that only
 * one of them has. So it is >= 0, and 0 for equal signatures; and a picture gains nothing from having more to match.
 */
function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let channel = 0; channel < 3; channel++) {
    sum += weights[0][channel]! * Math.abs(a[channel]! - b[channel]!);
    const [from, to] = [3 + channel * KEPT, 3 + (channel + 1) * KEPT];
    sum += unshared(a.subarray(from, to), b.subarray(from, to), channel) / 2;
  }
  return sum;
}

/** Sum of the weights of the places that one of two rising lists has. */
function unshared(a: Float32Array, b: Float32Array, channel: number): number {
  const [lengthA, lengthB] = [countPlaces(a), countPlaces(b)];
  let sum = 0;
  for (let i = 0, j = 0; i < lengthA || j < lengthB; ) {
    const placeA = i < lengthA ? a[i]! : Number.POSITIVE_INFINITY;
    const placeB = j < lengthB ? b[j]! : Number.POSITIVE_INFINITY;
    if (placeA !== placeB) sum += weightOf(Math.min(placeA, placeB), channel);
    if (placeA <= placeB) i++;
    if (placeB <= placeA) j++;
  }
  return sum;
}

/** No place is 0, so that the zeros at the end are none. */
function countPlaces(list: Float32Array): number {
  const end = list.indexOf(0);
  return end < 0 ? list.length : end;
}

/** Bins are the finer of the two levels of a place, 5 for all that are finer. */
function weightOf(signedPlace: number, channel: number): number {
  const place = Math.abs(signedPlace);
  const level = Math.max(levels[Math.trunc(place / PICTURE_SIZE)]!, levels[place % PICTURE_SIZE]!);
  return weights[Math.min(5, level)]![channel]!;
}
