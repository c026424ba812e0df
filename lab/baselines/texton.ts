import type { Random } from '@simili/learning/numbers/random';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import type { Baseline, Comparison } from './baseline.ts';
import { drawWithout } from './descriptor-sample.ts';
import { kMeans } from './k-means.ts';

const TEXTONS = 128;
/** Side of a patch, and pixels between two. */
const PATCH = 5;
const STEP = 2;
const patchLength = PATCH * PATCH * 3;
const PATCHES = 20_000;
const PICTURES = 400;
const ITERATIONS = 10;
/** Standard deviation of a patch, in ink (0..1), below which it shows nothing. */
const LEAST_CONTRAST = 0.02;
/** Cells along a side of each level, and the level's weight (Lazebnik et al. 2006, L = 2). */
const LEVELS = [
  { side: 1, weight: 1 / 4 },
  { side: 2, weight: 1 / 4 },
  { side: 4, weight: 1 / 2 },
] as const;
const cells = LEVELS.reduce((sum, { side }) => sum + side * side, 0);

/** 21 x 128 values >= 0; distance in [0, 1]. */
export const spatialPyramidTexton: Baseline = {
  source:
    'Spatial pyramid match kernel (Lazebnik, Schmid, Ponce 2006) of textons, max-pooled (Boureau et al. 2010): 128 of 5 x 5 colour patches, where the paper has 1024',
  fit,
};

function fit(pictures: readonly Picture[], random: Random): Comparison {
  const textons = kMeans(samplePatches(pictures, random), patchLength, TEXTONS, random, { iterations: ITERATIONS });
  return { represent: (picture) => pyramid(picture, textons), distance: pyramidDistance };
}

/**
 * How strongly each texton occurs in each cell: the largest of max(0, mean distance - distance), over the patches of the
 * cell (the soft assignment of Coates, Lee and Ng 2011), times the weight of its level.
 * @param textons [k, 75]
 * @returns [21, k], coarse levels first
 */
export function pyramid(picture: Picture, textons: Float32Array): Float32Array {
  const k = textons.length / patchLength;
  const pooled = new Float32Array(cells * k);
  for (const { patch, x, y } of patchesOf(picture)) {
    const strengths = assign(patch, textons);
    let first = 0;
    for (const { side, weight } of LEVELS) {
      const cell = first + Math.floor((y * side) / PICTURE_SIZE) * side + Math.floor((x * side) / PICTURE_SIZE);
      for (let texton = 0, at = cell * k; texton < k; texton++, at++) {
        pooled[at] = Math.max(pooled[at]!, weight * strengths[texton]!);
      }
      first += side * side;
    }
  }
  return pooled;
}

/**
 * 1 - K(a, b) / sqrt(K(a, a) K(b, b)), K = sum min(a, b): 0 of equals and 1 of two that share nothing. Two that are empty
 * are equal.
 */
export function pyramidDistance(a: Float32Array, b: Float32Array): number {
  let [shared, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    shared += Math.min(a[i]!, b[i]!);
    ofA += a[i]!;
    ofB += b[i]!;
  }
  if (ofA === 0 && ofB === 0) return 0;
  return ofA === 0 || ofB === 0 ? 1 : Math.max(0, 1 - shared / Math.sqrt(ofA * ofB));
}

function assign(patch: Float32Array, textons: Float32Array): Float64Array {
  const distances = new Float64Array(textons.length / patchLength);
  let mean = 0;
  for (let texton = 0, at = 0; texton < distances.length; texton++) {
    let sum = 0;
    for (let i = 0; i < patchLength; i++, at++) sum += (patch[i]! - textons[at]!) ** 2;
    distances[texton] = Math.sqrt(sum);
    mean += distances[texton]! / distances.length;
  }
  return distances.map((distance) => Math.max(0, mean - distance));
}

type PlacedPatch = {
  patch: Float32Array;
  /** Centre, pixels. */
  x: number;
  y: number;
};

/** Ink of 5 x 5 pixels, its mean removed and of unit length; those that show nothing are left out. */
function* patchesOf(picture: Picture): Generator<PlacedPatch> {
  const half = (PATCH - 1) / 2;
  for (let top = 0; top + PATCH <= PICTURE_SIZE; top += STEP) {
    for (let left = 0; left + PATCH <= PICTURE_SIZE; left += STEP) {
      const patch = new Float32Array(patchLength);
      for (let row = 0; row < PATCH; row++) {
        const from = ((top + row) * PICTURE_SIZE + left) * 3;
        for (let i = 0; i < PATCH * 3; i++) patch[row * PATCH * 3 + i] = 1 - picture[from + i]! / 255;
      }
      if (normalise(patch)) yield { patch, x: left + half, y: top + half };
    }
  }
}

/** In place. @returns whether there was contrast. */
function normalise(patch: Float32Array): boolean {
  const mean = patch.reduce((sum, value) => sum + value, 0) / patchLength;
  const length = Math.sqrt(patch.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  if (length < LEAST_CONTRAST * Math.sqrt(patchLength)) return false;
  for (let i = 0; i < patchLength; i++) patch[i] = (patch[i]! - mean) / length;
  return true;
}

function samplePatches(pictures: readonly Picture[], random: Random): Float32Array {
  const chosen = drawWithout(pictures.length, PICTURES, random);
  const share = Math.ceil(PATCHES / Math.max(1, chosen.length));
  const rows: Float32Array[] = [];
  for (const index of chosen) {
    const patches = [...patchesOf(pictures[index]!)];
    for (const i of drawWithout(patches.length, share, random)) rows.push(patches[i]!.patch);
  }
  if (rows.length === 0) throw new Error('No picture shows anything to learn textons from');
  const sample = new Float32Array(rows.length * patchLength);
  rows.forEach((patch, row) => {
    sample.set(patch, row * patchLength);
  });
  return sample;
}
