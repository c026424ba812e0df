import { makeRandom } from '../learning/numbers/random.ts';

/**
 * Kinds of generated vectors (docs/adr/0036-category-indexes.md, "What pictures are like"):
 * - `clusters`: fifty in each, and all clusters as far from each other as there is room. Beyond its own cluster a product has all others at nearly one
 *   distance, so no graph leads to the next nearest: the hardest case.
 * - `smooth`: a smooth function of 24 numbers that nobody sees. Each product has near, less near and far ones, as pictures have.
 */
export type Looks = 'clusters' | 'smooth';

type Generated = { looks: Looks; dimensions: number; products: number; seed: number };

/** @returns the next vector, of unit length, at each call; the same for the same options */
export function generatedVectors({ looks, ...options }: Generated): () => Float32Array {
  const next = looks === 'clusters' ? clustered(options) : smooth(options);
  return () => {
    const vector = next();
    const length = Math.hypot(...vector);
    return vector.map((x) => x / length);
  };
}

const PRODUCTS_A_CLUSTER = 50;
const SPREAD = 0.7;

function clustered({ dimensions, products, seed }: Omit<Generated, 'looks'>): () => Float32Array {
  const random = makeRandom(seed);
  const row = () => Float32Array.from({ length: dimensions }, () => random.gaussian());
  const centres = Array.from({ length: Math.ceil(products / PRODUCTS_A_CLUSTER) }, row);
  return () => centres[random.int(centres.length)]!.map((x) => x + SPREAD * random.gaussian());
}

/** More than pictures of clothes seem to have, of which 16 come as near: what is found here is found there. */
const HIDDEN = 24;
const FREQUENCY = 0.3;

/** Random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), of points of a normal distribution. */
function smooth({ dimensions, seed }: Omit<Generated, 'looks'>): () => Float32Array {
  const random = makeRandom(seed);
  const frequencies = Float64Array.from({ length: dimensions * HIDDEN }, () => FREQUENCY * random.gaussian());
  const phases = Float64Array.from({ length: dimensions }, () => 2 * Math.PI * random.next());
  return () => {
    const hidden = Float64Array.from({ length: HIDDEN }, () => random.gaussian());
    return Float32Array.from(phases, (phase, i) => {
      let angle = phase;
      for (let k = 0; k < HIDDEN; k++) angle += frequencies[i * HIDDEN + k]! * hidden[k]!;
      return Math.cos(angle);
    });
  };
}
