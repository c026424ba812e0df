import type { BatchPlan } from '@simili/learning/batches/batch';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import type { LossGradients } from '../../../engines/engine.ts';
import type { EngineChoice, TrainingSet } from '../../protocol.ts';

/** One engine process of a training: it makes the pictures of a batch and computes the gradients of the loss. */
export type Member = {
  /** Begins to make a batch, beside whatever is being computed. Batches are computed in the order of their preparation. */
  prepare(plan: BatchPlan): void;
  /** Gradients of the batch that was prepared first and is not computed yet. */
  gradients(weights: Weights): Promise<LossGradients>;
  close(): Promise<void>;
};

/** Everything a member is opened from; it crosses to other processes. */
export type MemberOptions = EngineChoice & {
  spec: NetworkSpec;
  weights: Weights;
  /** N */
  rows: number;
  set: Pick<TrainingSet, 'hashes' | 'pixels'>;
  /** Name of an `Augmentation`. */
  augmentation: string;
  backbone: Uint8Array | null;
};
