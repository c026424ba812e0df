import type { Colour } from './raster.ts';

/** Colours at places of a picture: places [2 n], -1..1 from the top left; colours [3 n], levels. */
export type Samples = { readonly places: Float64Array; readonly colours: Float64Array };

/** Terms of a surface: 1, x, y, x², y², xy. */
export const TERMS = 6;
/** Greatest difference from the surface at which a sample still shapes it: levels, and in robust standard deviations. */
const [LEAST_INLIER, INLIER_DEVIATIONS] = [6, 2.5];
/** From the median over a plane to curved light: each fit starts from what the one before explains. */
const FITS = [3, 3, TERMS, TERMS];

export function medianColour({ colours }: Samples): Colour {
  const channel = (c: number) =>
    median(Float64Array.from({ length: colours.length / 3 }, (_, i) => colours[3 * i + c]!));
  return [channel(0), channel(1), channel(2)];
}

/** Least squares over the samples that are not outliers, each channel, beginning with an even colour; @returns [3 x TERMS]. */
export function fitSurface(samples: Samples, start: Colour): Float64Array {
  const terms = new Float64Array(3 * TERMS);
  for (let c = 0; c < 3; c++) terms[c * TERMS] = start[c]!;
  for (const used of FITS) {
    const { all, limit } = residuals(samples, terms);
    if (!leastSquares(samples, all, limit, terms, used)) break;
  }
  return terms;
}

/** Each sample's largest difference of a channel; their robust standard deviation; above which one is an outlier. */
export function residuals({ places, colours }: Samples, terms: Float64Array) {
  const all = new Float64Array(places.length / 2);
  for (let i = 0; i < all.length; i++) {
    const [x, y] = [places[2 * i]!, places[2 * i + 1]!];
    let most = 0;
    for (let c = 0, t = 0; c < 3; c++, t += TERMS) {
      const plane = terms[t]! + terms[t + 1]! * x + terms[t + 2]! * y;
      const value = plane + terms[t + 3]! * x * x + terms[t + 4]! * y * y + terms[t + 5]! * x * y;
      const off = Math.abs(colours[3 * i + c]! - value);
      if (off > most) most = off;
    }
    all[i] = most;
  }
  const noise = 1.48 * median(all);
  return { all, noise, limit: Math.max(LEAST_INLIER, INLIER_DEVIATIONS * noise) };
}

/** Writes the first `used` terms of each channel; false, and nothing, when the samples do not determine them. */
function leastSquares(
  { places, colours }: Samples,
  residuals: Float64Array,
  limit: number,
  terms: Float64Array,
  used: number,
): boolean {
  const width = used + 3;
  const rows = new Float64Array(used * width);
  const row = new Float64Array(width);
  for (let i = 0; 2 * i < places.length; i++) {
    if (residuals[i]! > limit) continue;
    const [x, y] = [places[2 * i]!, places[2 * i + 1]!];
    row[0] = 1;
    row[1] = x;
    row[2] = y;
    if (used === TERMS) {
      row[3] = x * x;
      row[4] = y * y;
      row[5] = x * y;
    }
    for (let c = 0; c < 3; c++) row[used + c] = colours[3 * i + c]!;
    for (let j = 0, at = 0; j < used; j++) for (let k = 0; k < width; k++, at++) rows[at]! += row[j]! * row[k]!;
  }
  // Gauss-Jordan: the matrix is symmetric and positive, so that its diagonal will do as pivots.
  for (let i = 0; i < used; i++) {
    const pivot = rows[i * width + i]!;
    if (pivot < 1e-3) return false;
    for (let k = i; k < width; k++) rows[i * width + k]! /= pivot;
    for (let j = 0; j < used; j++) {
      const factor = rows[j * width + i]!;
      if (j !== i) for (let k = i; k < width; k++) rows[j * width + k]! -= factor * rows[i * width + k]!;
    }
  }
  for (let c = 0; c < 3; c++) for (let i = 0; i < used; i++) terms[c * TERMS + i] = rows[i * width + used + c]!;
  return true;
}

const median = (values: Float64Array): number => values.slice().sort()[values.length >> 1]!;
