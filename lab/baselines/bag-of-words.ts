import type { Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';
import type { Baseline, Comparison } from './baseline.ts';
import { drawWithout, sampleDescriptors } from './descriptor-sample.ts';
import { kMeans, nearestCentre } from './k-means.ts';
import { denseDescriptors, descriptorLength } from './sift.ts';

const DESCRIPTORS = 20_000;
const WORDS = 256;
const ITERATIONS = 10;
/** Most pictures that the frequencies of words are counted in. */
const PICTURES = 500;

/** 256 values >= 0 with sum 1, zeros for a picture without descriptors; L1 distance, 0..2. */
export const siftWords: Baseline = {
  source:
    'Video Google (Sivic and Zisserman 2003) on dense RootSIFT: 256 words, tf-idf, L1; the paper does not say how it compares SIFT features',
  fit,
};

function fit(pictures: readonly Picture[], random: Random): Comparison {
  const sample = sampleDescriptors(pictures, random, DESCRIPTORS);
  const words = kMeans(sample, descriptorLength, WORDS, random, { iterations: ITERATIONS });
  const counted = drawWithout(pictures.length, PICTURES, random).map((i) => countWords(pictures[i]!, words));
  const rarity = inverseFrequencies(counted);
  return { represent: (picture) => weighWords(countWords(picture, words), rarity), distance: sumOfDifferences };
}

/** How often each word [k, 128] is the nearest one to a descriptor of the picture; [k]. */
function countWords(picture: Picture, words: Float32Array): Float32Array {
  const counts = new Float32Array(words.length / descriptorLength);
  const rows = denseDescriptors(picture);
  for (let from = 0; from < rows.length; from += descriptorLength) {
    const word = nearestCentre(rows.subarray(from, from + descriptorLength), words, descriptorLength);
    counts[word] = counts[word]! + 1;
  }
  return counts;
}

/**
 * ln((1 + N) / n) of a word that n of N pictures have; a word that none has counts as if one had it. The 1 keeps all of
 * them > 0, or few pictures that share all their words would be equal.
 * @param counts of each picture, N x [k], N >= 1
 */
export function inverseFrequencies(counts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(counts[0]!, (_, word) => {
    const having = counts.filter((count) => count[word]! > 0).length;
    return Math.log((1 + counts.length) / Math.max(1, having));
  });
}

/** Counts times rarity, divided by their sum; zeros stay zeros. */
export function weighWords(counts: Float32Array, rarity: Float32Array): Float32Array {
  const weighted = counts.map((count, word) => count * rarity[word]!);
  const sum = weighted.reduce((total, value) => total + value, 0);
  return sum === 0 ? weighted : weighted.map((value) => value / sum);
}

function sumOfDifferences(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum;
}
