import type { Random } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';

/** Two pictures compared in one way: what is kept of each, and how far apart two of these are. */
export type Comparison = {
  /** A vector of one length for all pictures. */
  readonly represent: (picture: Picture) => Float32Array;
  /** Smaller is more alike; the same for (a, b) and (b, a), and smallest for a picture and itself. */
  readonly distance: (a: Float32Array, b: Float32Array) => number;
};

/** A method of the paper's tables that knows nothing but pixels; what it learns it learns from pictures without labels. */
export type Baseline = {
  /** Who published it, and where this one differs. */
  readonly source: string;
  /** @param pictures of training items, [PICTURE_SIZE, PICTURE_SIZE, 3] uint8 on white */
  readonly fit: (pictures: readonly Picture[], random: Random) => Comparison;
};
