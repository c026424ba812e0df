import { picturesOf } from '../../../src/learning/batches/triplet-batches.ts';
import { makeRandom } from '../../../src/learning/random.ts';
import { makeTripletSampler } from '../../../src/learning/sampler.ts';
import { itemsIn, type Split } from '../../../src/learning/split.ts';
import type { Triplet } from '../../../src/learning/triplet-rules.ts';
import { TRIPLET_RULES } from '../../training/batches.ts';
import { goldenOf } from './golden.ts';
import type { MethodContext } from './method.ts';

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
      ...{ ...TRIPLET_RULES, categories: items.map((item) => set.categories[item]!) },
      relevance: (i, j) => relevance(items[i]!, items[j]!),
    },
    makeRandom(seed + 1),
  );
  return () => picturesOf(set, items, sampler.next(), random);
}
