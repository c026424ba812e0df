import { makeRandom } from '../../../src/learning/random.ts';
import { makeTripletSampler } from '../../../src/learning/sampler.ts';
import { itemsIn, type Split } from '../../../src/learning/split.ts';
import type { Triplet } from '../../../src/learning/triplet-rules.ts';
import { goldenOf } from './golden.ts';
import type { MethodContext } from './method.ts';

/** As the trainer has them (workers/training/batches.ts). */
const RULES = { positiveCap: 0.25, minimumGap: 0.01, outOfClassShare: 0.2, maxFailures: 50, selfShare: 0.3 };

/**
 * Triplets of pictures by golden relevance (paper, section 5.1), as networks are trained on them: for methods that learn
 * from triplets of vectors.
 */
export async function relevanceTriplets(context: MethodContext, split: Split, seed: number): Promise<() => Triplet> {
  const { set } = context.data;
  const { relevance } = await goldenOf(context);
  const items = itemsIn(set, split);
  const random = makeRandom(seed);
  const sampler = makeTripletSampler(
    {
      ...{ ...RULES, categories: items.map((item) => set.categories[item]!) },
      relevance: (i, j) => relevance(items[i]!, items[j]!),
    },
    makeRandom(seed + 1),
  );
  const first = (item: number): number => set.starts[items[item]!]!;
  /** An item that is its own positive shows another of its pictures, where it has one. */
  const other = (item: number): number => {
    const pictures = set.starts[items[item]! + 1]! - first(item);
    return first(item) + (pictures > 1 ? 1 + random.int(pictures - 1) : 0);
  };
  return () => {
    const { q, p, n } = sampler.next();
    return { q: first(q), p: p === q ? other(q) : first(p), n: first(n) };
  };
}
