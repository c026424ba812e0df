import type { Loss } from '../losses/loss.ts';

/** One training batch of N rows, before any pixel is read: who is in it, and what the loss wants of them. */
export type BatchPlan = {
  /** [N] the picture of each row, by its index in the training set. */
  readonly pictures: Int32Array;
  /**
   * [N] rows of one group are turned, mirrored and recoloured alike by the identity transforms, which make new identities
   * (all views of a product, a product and what shoppers chose beside it); -1: never.
   */
  readonly groups: Int32Array;
  readonly loss: Loss;
  /** uint32: augmentation and dropout of this batch follow from it. */
  readonly seed: number;
};

/** An endless sequence of batches. All its state can be taken out as JSON and put back: the same batches follow. */
export type BatchSource = {
  next(): BatchPlan;
  state(): unknown;
  /** @throws Error when it is not a state of such a source. */
  restore(state: unknown): void;
  /** Since the start, for the record: e.g. triplets dropped, forced. */
  counts(): Readonly<Record<string, number>>;
};
