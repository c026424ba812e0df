import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import type { SetRow } from './labelled-set.ts';

/** Triplets that people answered, by their use: to learn from, or to measure with. */
export type Rated = {
  readonly learn: Triplet[];
  readonly measure: Triplet[];
  /** Triplets of pictures of both kinds. */
  readonly mixed: number;
};

export function divideRated(triplets: readonly Triplet[], rows: readonly SetRow[]): Rated {
  const isTest = (picture: number): boolean => rows[picture]!.decided === 'test';
  const tests = ({ q, p, n }: Triplet): number => [q, p, n].filter(isTest).length;
  const learn = triplets.filter((triplet) => tests(triplet) === 0);
  const measure = triplets.filter((triplet) => tests(triplet) === 3);
  return { learn, measure, mixed: triplets.length - learn.length - measure.length };
}
