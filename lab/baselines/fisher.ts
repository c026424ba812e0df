import { scaleToUnit } from '@simili/learning/features/unit';
import { squaredDistance } from '@simili/learning/numbers/distance';
import type { Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';
import type { Baseline, Comparison } from './baseline.ts';
import { sampleDescriptors } from './descriptor-sample.ts';
import { fitMixture, gather, type Mixture, makePosterior } from './gaussian-mixture.ts';
import { fitPrincipalComponents, projectRows } from './principal-components.ts';
import { denseDescriptors, descriptorLength } from './sift.ts';

const DESCRIPTORS = 20_000;
const DIRECTIONS = 64;
const COMPONENTS = 16;

/** 2 x 16 x 64 values of unit length; squared Euclidean distance, 0..4. Zeros for a picture without descriptors. */
export const fisherVector: Baseline = {
  source:
    'Improved Fisher vector (Perronnin, Sanchez, Mensink 2010) of dense RootSIFT: 64 principal components and 16 Gaussians, where they have 256, and no spatial pyramid',
  fit,
};

function fit(pictures: readonly Picture[], random: Random): Comparison {
  const sample = sampleDescriptors(pictures, random, DESCRIPTORS);
  const components = fitPrincipalComponents(sample, descriptorLength, DIRECTIONS);
  const mixture = fitMixture(projectRows(components, sample), DIRECTIONS, COMPONENTS, random);
  return {
    represent: (picture) => {
      const gradients = fisherGradients(mixture, projectRows(components, denseDescriptors(picture)));
      // The square root spreads what a few repeated descriptors would otherwise fill.
      return scaleToUnit(Float32Array.from(gradients, (value) => Math.sign(value) * Math.sqrt(Math.abs(value))));
    },
    distance: squaredDistance,
  };
}

/**
 * Gradient of the mean log-likelihood of the rows by the means, then by the standard deviations, each times the inverse
 * square root of its Fisher information, weights / variance and 2 weights / variance.
 * @param rows [n, d] row-major; without any the gradient is 0
 * @returns [2, k, d]
 */
export function fisherGradients(mixture: Mixture, rows: Float32Array): Float64Array {
  const { d, weights, means, variances } = mixture;
  const n = rows.length / d;
  const gradients = new Float64Array(2 * means.length);
  if (n === 0) return gradients;
  const { counts, firsts, seconds } = gather(mixture, rows, makePosterior(mixture));
  for (let at = 0; at < means.length; at++) {
    const component = Math.trunc(at / d);
    const weight = weights[component]!;
    // Nothing is ever drawn from it.
    if (weight === 0) continue;
    const scale = 1 / (n * Math.sqrt(weight));
    gradients[at] = (scale * firsts[at]!) / Math.sqrt(variances[at]!);
    gradients[means.length + at] = scale * Math.SQRT1_2 * (seconds[at]! / variances[at]! - counts[component]!);
  }
  return gradients;
}
