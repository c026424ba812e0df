import type { Split } from '@simili/learning/metrics/split';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { publishedTriplets } from '@simili/worker/training/network/triplet-source';
import { SimiliError } from 'simili/internal/errors';
import { goldenOf } from './golden.ts';
import type { MethodContext } from './method.ts';

/**
 * Triplets of pictures by golden relevance (paper, section 5.1), as networks are trained on them: for methods that learn
 * from triplets of vectors.
 * @returns null where no category of the split has two pictures
 */
export async function relevanceTriplets(
  context: MethodContext,
  split: Split,
  seed: number,
): Promise<(() => Triplet) | null> {
  const { relevanceOfPictures } = await goldenOf(context);
  return publishedTriplets(context.data.set, relevanceOfPictures, split, seed);
}

/** Those that a method learns from. @throws SimiliError CATALOG_UNLABELLED where there are none. */
export async function learnedTriplets(context: MethodContext, method: string): Promise<() => Triplet> {
  const draw = await relevanceTriplets(context, 'train', context.seed);
  if (!draw) throw new SimiliError('CATALOG_UNLABELLED', { recipe: method });
  return draw;
}
