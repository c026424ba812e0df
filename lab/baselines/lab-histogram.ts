import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import type { Baseline } from './baseline.ts';

/** Bins of L, a and b; a and b have odd numbers of them, so that greys are at the centre of a bin. */
const bins = [8, 9, 9] as const;
/** Range of the bins of each channel; no colour of sRGB is outside. */
const ranges = [
  [0, 100],
  [-110, 110],
  [-110, 110],
] as const;
const length = bins[0] * bins[1] * bins[2];

/** A pixel whose channels are all this light is background. */
const NEAR_WHITE = 248;

/** sRGB (IEC 61966-2-1) to linear light, 0..1. */
const linear = Float64Array.from({ length: 256 }, (_, level) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** Linear sRGB to XYZ under D65, rows divided by their sums: white is exactly [1, 1, 1]. */
const toRelativeXyz = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
].map(([r, g, b]) => [r!, g!, b!].map((value) => value / (r! + g! + b!)));

/**
 * Which colours, regardless of where, by how different they look: the share of each bin of CIELAB among pixels that are
 * not near white, as the background would decide otherwise. Compared by the Hellinger distance: 0..1; a picture without
 * ink is at sqrt(1/2) from all others.
 */
export const labHistogram: Baseline = {
  source:
    'Joint colour histogram in CIELAB; the paper does not say which: 8 x 9 x 9 soft-assigned bins, near white left out, Hellinger distance',
  fit: () => ({ represent, distance }),
};

/** CIE 1976 L*a*b* of 8-bit sRGB under D65: L 0..100, a and b about -110..110. */
export function labOf(red: number, green: number, blue: number): [l: number, a: number, b: number] {
  const [r, g, b] = [linear[red]!, linear[green]!, linear[blue]!];
  const [x, y, z] = toRelativeXyz.map((row) => curve(row[0]! * r + row[1]! * g + row[2]! * b)) as [
    number,
    number,
    number,
  ];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** A cube root that goes on as a line near black. */
function curve(value: number): number {
  const edge = 6 / 29;
  return value > edge ** 3 ? Math.cbrt(value) : value / (3 * edge * edge) + 4 / 29;
}

/** Square roots of the shares, L slowest: unit length, or zeros without ink. */
function represent(picture: Picture): Float32Array {
  const histogram = new Float64Array(length);
  let inked = 0;
  for (let at = 0; at < PICTURE_SIZE * PICTURE_SIZE * 3; at += 3) {
    const [red, green, blue] = [picture[at]!, picture[at + 1]!, picture[at + 2]!];
    if (Math.min(red, green, blue) >= NEAR_WHITE) continue;
    addSoftly(histogram, labOf(red, green, blue));
    inked++;
  }
  return Float32Array.from(histogram, (count) => Math.sqrt(count / Math.max(1, inked)));
}

/** One vote, shared between the eight bins whose centres are around the colour (trilinear). */
function addSoftly(histogram: Float64Array, lab: readonly number[]): void {
  const [l, a, b] = lab.map((value, axis) => placeOf(value, axis)) as [Place, Place, Place];
  for (const [i, byL] of l) {
    for (const [j, byA] of a) {
      for (const [k, byB] of b) {
        const at = (i * bins[1] + j) * bins[2] + k;
        histogram[at] = histogram[at]! + byL * byA * byB;
      }
    }
  }
}

/** Two bins of one axis and their shares of a vote. */
type Place = [bin: number, share: number][];

function placeOf(value: number, axis: number): Place {
  const [low, high] = ranges[axis]!;
  const last = bins[axis]! - 1;
  const position = ((value - low) / (high - low)) * (last + 1) - 0.5;
  // Beyond the outermost centres there is nobody to share with.
  const clamped = Math.min(last, Math.max(0, position));
  const first = Math.min(last - 1, Math.floor(clamped));
  const share = clamped - first;
  return [
    [first, 1 - share],
    [first + 1, share],
  ];
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / 2);
}
