import { handMadeFeatures } from '@simili/learning/features/index';
import { squaredDistance } from '@simili/learning/numbers/distance';
import type { Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';
import type { Baseline, Comparison } from './baseline.ts';
import { drawWithout } from './descriptor-sample.ts';
import { fitKernelPca } from './kernel-pca.ts';
import { agreement, makeMinHasher } from './min-hash.ts';

const HASHES = 512;
const LANDMARKS = 256;
const DIRECTIONS = 128;

/** At most 128 values; squared Euclidean distance. */
export const l1HashKpca: Baseline = {
  source:
    'Paper, section 6.1: golden features that are compared by L1, weighted min-hash (Ioffe 2010) and kernel PCA; here HOG, colours and ink, 512 hashes, 256 landmarks, 128 directions, where the paper has 1000',
  fit,
};

function fit(pictures: readonly Picture[], random: Random): Comparison {
  const hasher = makeMinHasher(histogramLength, HASHES, random.int(2 ** 31));
  const hash = (picture: Picture): Int32Array => hasher.hash(histogram(picture));
  const landmarks = drawWithout(pictures.length, LANDMARKS, random).map((i) => hash(pictures[i]!));
  const m = landmarks.length;
  const kernel = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) kernel[i * m + j] = agreement(landmarks[i]!, landmarks[j]!);
  const { embed } = fitKernelPca(kernel, m, DIRECTIONS);
  return {
    represent: (picture) => {
      const own = hash(picture);
      return embed(landmarks.map((landmark) => agreement(own, landmark)));
    },
    distance: squaredDistance,
  };
}

const parts = ['hog', 'colour', 'pixels'] as const;
const histogramLength = parts.reduce((sum, part) => sum + handMadeFeatures[part].length, 0);

/**
 * Histograms with sum 1 each, joined, >= 0: HOG and colours keep the square roots of theirs, whose squares are the counts
 * again; ink has unit length, and is divided by its sum.
 */
function histogram(picture: Picture): Float32Array {
  const joined = new Float32Array(histogramLength);
  let offset = 0;
  for (const part of parts) {
    const values = handMadeFeatures[part].extract(picture);
    const counts = part === 'pixels' ? values : values.map((value) => value * value);
    const sum = counts.reduce((total, value) => total + value, 0);
    for (let i = 0; i < counts.length; i++) joined[offset + i] = sum > 0 ? counts[i]! / sum : 0;
    offset += counts.length;
  }
  return joined;
}
