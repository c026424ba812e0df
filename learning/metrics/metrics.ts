/** 1 when the positive is nearer than the negative, 0 when it is farther, 0.5 when tied (the paper does not say). */
export function tripletOutcome(positive: number, negative: number): number {
  if (positive === negative) return 0.5;
  return positive < negative ? 1 : 0;
}

/**
 * Share of triplets in the right order ("similarity precision", paper, section 6.2); a tie counts half.
 * @param positives [T] D(q, p)
 * @param negatives [T] D(q, n)
 * @returns precision in [0, 1], NaN without triplets, and the number of ties
 */
export function similarityPrecision(positives: ArrayLike<number>, negatives: ArrayLike<number>) {
  if (positives.length !== negatives.length) throw new Error('Every triplet needs two distances');
  let sum = 0;
  let ties = 0;
  for (let t = 0; t < positives.length; t++) {
    sum += tripletOutcome(positives[t]!, negatives[t]!);
    if (positives[t] === negatives[t]) ties++;
  }
  return { precision: sum / positives.length, ties };
}

/** Share of the relevant items among the first k of a ranking, in [0, 1]; NaN when nothing is relevant. */
export function recallAt<T>(ranking: readonly T[], relevant: ReadonlySet<T>, k: number): number {
  return ranking.slice(0, k).filter((item) => relevant.has(item)).length / relevant.size;
}

/** 1 when the first item of a ranking is relevant, else 0. */
export function precisionAtOne<T>(ranking: readonly T[], relevant: ReadonlySet<T>): number {
  return ranking.length > 0 && relevant.has(ranking[0]!) ? 1 : 0;
}

/**
 * Mean over the relevant items of the precision at their rank, in [0, 1]; those that are not ranked count 0. NaN when
 * nothing is relevant. Its mean over queries is mAP.
 */
export function averagePrecision<T>(ranking: readonly T[], relevant: ReadonlySet<T>): number {
  let found = 0;
  let sum = 0;
  ranking.forEach((item, i) => {
    if (!relevant.has(item)) return;
    found++;
    sum += found / (i + 1);
  });
  return sum / relevant.size;
}

/**
 * Normalised discounted cumulative gain of the first k (Jarvelin and Kekalainen 2002): gain / log2(rank + 1), divided by
 * the same of the best order, in [0, 1]; NaN when no gain is positive.
 * @param gains graded relevance >= 0 of the ranked items, in the order of the ranking
 * @param available gains of all items that could have been ranked; default: those that were
 */
export function ndcgAt(gains: readonly number[], k: number, available: readonly number[] = gains): number {
  return (
    discounted(gains, k) /
    discounted(
      [...available].sort((a, b) => b - a),
      k,
    )
  );
}

const discounted = (gains: readonly number[], k: number): number =>
  gains.slice(0, k).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
