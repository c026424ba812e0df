import type { ClickSums } from './db/click-through.ts';

/** Choices / impressions, and a 95 % interval: all 0 to 1. */
export type Rate = { rate: number; low: number; high: number };

/** Quantile of the normal distribution of which 2.5 % lie above. */
const Z = 1.959964;

/**
 * Click-through p = Σc / Σn with Wilson's 95 % score interval (1927), visitors being independent and what one of them does not.
 * Wilson's number of trials is the effective one, p(1 - p) / v, where v is the linearised variance of a ratio over V clusters (Cochran 1977,
 * section 6.3): V / (V - 1) · Σ(c - p·n)² / (Σn)². It is held between that of visitors who always do the same, (Σn)² / Σn², which also
 * serves where nobody or everybody chose and v is 0, and that of impressions which have nothing to do with each other, Σn.
 * @param sums of two visitors or more, each of whom saw something and chose no more than that
 */
export function rateOf({ visitors, impressions, choices, impressionsSq, products, choicesSq }: ClickSums): Rate {
  const rate = choices / impressions;
  const squares = Math.max(0, choicesSq - 2 * rate * products + rate * rate * impressionsSq);
  const variance = ((visitors / (visitors - 1)) * squares) / impressions ** 2;
  const fewest = impressions ** 2 / impressionsSq;
  const trials = variance > 0 ? Math.min(impressions, Math.max(fewest, (rate * (1 - rate)) / variance)) : fewest;
  const scale = 1 + Z ** 2 / trials;
  const middle = (rate + Z ** 2 / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt((rate * (1 - rate)) / trials + Z ** 2 / (4 * trials ** 2));
  return { rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
