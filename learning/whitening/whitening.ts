import { scaleToUnit } from '../features/unit.ts';
import type { Block, HiddenLayer, ServedModel } from '../models/served-model.ts';
import {
  completed,
  congruent,
  leadingDirections,
  leadingEigenvectors,
  mainDirections,
  mainEigenpairs,
  solveLowerTransposed,
} from '../numbers/linear-algebra.ts';
import { cholesky, solveLower, timesVector } from '../numbers/matrix-loops.ts';
import { identityScatter, shrunkCovariance } from './identity-scatter.ts';
import { joined } from './join.ts';

/** The affine map of a block: y = projection (x - mean). `mean` [d], `projection` [k, d] row-major. */
export type Whitening = { readonly mean: Float32Array; readonly projection: Float32Array };

/**
 * Learns from several views of the same things which directions of a feature are noise (within-class covariance
 * normalisation, Hatch et al. 2006): with W = L L^T the covariance within identities, x -> L^-1 (x - mean) makes that noise
 * white. Of the result the `keep` directions with the most total variance stay.
 *
 * Without any identity seen twice (or with views that do not differ) nothing is known about noise: W is the unit
 * matrix, which leaves a plain principal component analysis.
 * @param samples [n, d] row-major, n >= 1; d is `d`
 * @param identities [n]: equal numbers are views of one thing
 * @param options.shrinkage in [0, 1]: share of the mean variance times the unit matrix in W
 * @param options.keep directions to keep, >= 1: k = min(keep, d), and no more than the samples have
 * @returns rows of the projection by falling variance
 * @throws Error when the sizes do not agree
 */
export function fitWhitening(
  samples: Float32Array,
  identities: Int32Array,
  d: number,
  options: { readonly shrinkage: number; readonly keep: number },
): Whitening {
  const n = identities.length;
  if (n === 0 || samples.length !== n * d) throw new Error(`${samples.length} values are not ${n} samples of ${d}`);
  const { shrinkage, keep } = options;
  if (!(shrinkage >= 0 && shrinkage <= 1)) throw new Error(`shrinkage ${shrinkage} is not in [0, 1]`);
  if (!(Number.isInteger(keep) && keep >= 1)) throw new Error(`keep ${keep} is no positive integer`);

  const { mean, within, between, degrees } = identityScatter(samples, identities, d);
  const lower = cholesky(shrunkCovariance(within, degrees, d, shrinkage), d);
  const most = Math.min(keep, d);
  const total = within.map((value, at) => value + between[at]!);
  const directions =
    n < d
      ? directionsOfFew(solveLower(lower, centredOn(mean, samples), d), d, most)
      : directionsOf(congruent(lower, total, d), d, most);
  const projection = new Float32Array(directions.length * d);
  // Row u^T L^-1 of the projection is p of L^T p = u.
  for (const [row, u] of directions.entries()) projection.set(solveLowerTransposed(lower, u), row * d);
  return { mean: Float32Array.from(mean), projection };
}

/**
 * The main directions of a feature of which nothing is known but that it varies, those with much variance held back: with
 * eigenvalues v of the covariance, x -> v^power u . (x - mean). A power of -1/2 would be whitening, which takes what varies
 * least, mostly noise, for as telling as the rest; 0 a plain principal component analysis.
 *
 * Few samples span few directions, and a map onto those is blind to whatever tells the next products apart: random
 * directions fill up what is missing, each as much stretched as it stands for others that are left out.
 * @param samples [n, d] row-major; n < FEWEST_SAMPLES says nothing, and the whole map is random (Johnson and Lindenstrauss)
 * @returns min(keep, d) rows; the first known one a unit vector
 */
export function fitPower(
  samples: Float32Array,
  d: number,
  { power, keep }: { readonly power: number; readonly keep: number },
): Whitening {
  const n = samples.length / d;
  if (!Number.isInteger(n)) throw new Error(`${samples.length} values are not samples of ${d}`);
  const k = Math.min(keep, d);
  const mean = new Float64Array(d);
  const isKnown = n >= FEWEST_SAMPLES;
  for (let i = 0; isKnown && i < samples.length; i++) mean[i % d] = mean[i % d]! + samples[i]! / n;
  const centred = Float64Array.from(samples, (value, at) => value - mean[at % d]!);
  const main = isKnown ? mainDirections(centred, d, k) : [];
  const scales = main.map(({ value }) => (value / main[0]!.value) ** power);
  const known = main.map(({ vector }) => vector);
  const rows = known.length < k ? completed(known, d, k) : known;
  const rest = (scales.at(-1) ?? 1) * Math.sqrt((d - known.length) / Math.max(1, k - known.length));
  const projection = new Float32Array(k * d);
  for (const [row, vector] of rows.entries()) {
    const scale = scales[row] ?? rest;
    projection.set(
      vector.map((x) => x * scale),
      row * d,
    );
  }
  return { mean: Float32Array.from(mean), projection };
}

const FEWEST_SAMPLES = 10;

/** Longer features take seconds to minutes for all their directions, of which a part is kept. */
const MOST_EXACT = 700;

/** @returns [k] unit length, or zeros where the feature is zero (it saw nothing) or equals the mean. */
export function applyBlock(
  { mean, projection }: Pick<Block, 'mean' | 'projection'>,
  feature: Float32Array,
): Float32Array {
  const d = mean.length;
  if (feature.length !== d) throw new Error(`A feature of ${feature.length} values does not fit a block of ${d}`);
  if (feature.every((value) => value === 0)) return new Float32Array(projection.length / d);
  const centred = new Float64Array(feature);
  for (let i = 0; i < d; i++) centred[i] = centred[i]! - mean[i]!;
  return scaleToUnit(timesVector(projection, centred));
}

/**
 * The served vector of one picture: the parts of all blocks, `joined`.
 * @param features one per block, in the order of the blocks
 */
export function fuse(
  blocks: ServedModel['blocks'],
  features: readonly Float32Array[],
  hidden?: HiddenLayer,
): Float32Array {
  const parts = blocks.map((block, i) => {
    const feature = features[i];
    if (!feature) throw new Error(`Block ${i} has no feature`);
    return applyBlock(block, feature);
  });
  const weights = blocks.map(({ weight }) => weight);
  return joined(parts, weights, hidden);
}

function centredOn(mean: Float64Array, samples: Float32Array): Float64Array {
  return Float64Array.from(samples, (value, at) => value - mean[at % mean.length]!);
}

/** Main directions of a whitened scatter. */
const directionsOf = (white: Float64Array, d: number, k: number): Float64Array[] =>
  d > MOST_EXACT ? mainEigenpairs(white, d, k).map(({ vector }) => vector) : leadingEigenvectors(white, d, k);

/** Main directions of whitened samples, fewer than d: no more directions than they have. */
const directionsOfFew = (white: Float64Array, d: number, k: number): Float64Array[] =>
  d > MOST_EXACT ? mainDirections(white, d, k).map(({ vector }) => vector) : leadingDirections(white, d, k);
