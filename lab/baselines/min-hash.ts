import { makeRandom } from '@simili/learning/numbers/random';

/** Weighted min-hashing of vectors of one length. */
export type MinHasher = {
  /** [hashes] Values >= 0 with something above 0 to samples; -1 everywhere of zeros. Equal samples come as often as vectors are alike. */
  readonly hash: (weights: Float32Array) => Int32Array;
};

/**
 * Improved consistent weighted sampling (Ioffe 2010): for every hash and index r, c ~ Gamma(2, 1) and b ~ U(0, 1); then
 * t = floor(ln S / r + b), ln y = r (t - b), ln a = ln c - ln y - r, and the sample is the index with the least a, with its
 * t. Two vectors give the same sample with the chance sum min(a, b) / sum max(a, b).
 * @param length of the vectors
 */
export function makeMinHasher(length: number, hashes: number, seed: number): MinHasher {
  const random = makeRandom(seed);
  const gamma = (): number => -Math.log((1 - random.next()) * (1 - random.next()));
  const size = length * hashes;
  const [r, logC, b] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let at = 0; at < size; at++) {
    r[at] = gamma();
    logC[at] = Math.log(gamma());
    b[at] = random.next();
  }
  return {
    hash(weights) {
      const samples = new Int32Array(hashes).fill(-1);
      const present = [...weights.keys()].filter((i) => weights[i]! > 0);
      const logs = weights.map((weight) => Math.log(weight));
      for (let hash = 0; hash < hashes; hash++) {
        let least = Number.POSITIVE_INFINITY;
        for (const i of present) {
          const at = hash * length + i;
          const t = Math.floor(logs[i]! / r[at]! + b[at]!);
          const logA = logC[at]! - r[at]! * (t - b[at]!) - r[at]!;
          if (logA >= least) continue;
          least = logA;
          samples[hash] = sampleOf(i, t);
        }
      }
      return samples;
    },
  };
}

/** Index and t in one number; t of weights between 1e-30 and 1e30 stays well inside 2^11 where r is not tiny. */
const sampleOf = (index: number, t: number): number => ((index << 11) ^ (t & 2047)) & 0x7fffffff;

/** Share of hashes that agree, in [0, 1]; two without any sample agree. */
export function agreement(a: Int32Array, b: Int32Array): number {
  let same = 0;
  for (let hash = 0; hash < a.length; hash++) if (a[hash] === b[hash]) same++;
  return same / a.length;
}

/** sum min(a, b) / sum max(a, b) of values >= 0, in [0, 1]; 1 of two zeros. */
export function weightedJaccard(a: Float32Array, b: Float32Array): number {
  let [least, most] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    least += Math.min(a[i]!, b[i]!);
    most += Math.max(a[i]!, b[i]!);
  }
  return most === 0 ? 1 : least / most;
}
