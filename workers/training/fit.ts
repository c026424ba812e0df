import type { ServedModel } from '@simili/learning/models/served-model';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { Picture } from '@simili/learning/picture';
import type { Recipe } from '@simili/learning/recipes/recipe';
import type { EncodedFeatures } from './data/encoded-features.ts';
import type { HandMadeFeatures } from './data/hand-made.ts';
import type { Views } from './data/views.ts';
import type { Golden } from './features/golden.ts';
import type { TaughtOrWhy } from './features/taught.ts';
import type { Evidence } from './fusion/evidence.ts';
import type { Mixture } from './fusion/mixture.ts';
import type { Computing, TrainingEvent, TrainingRequest } from './protocol.ts';
import type { LearnedFromClicks } from './triplets/clicks.ts';

/** All that a head or a network is trained from: train.ts gathers it, the same for the same request. */
export type Fit = Readonly<Pick<TrainingRequest, 'set' | 'seed' | 'seconds' | 'steps' | 'sampling' | 'backbone'>> & {
  readonly computing: Computing;
  readonly signal: AbortSignal;
  readonly emit: (event: TrainingEvent) => void;
  readonly load: (picture: number, side: number) => Picture;
  /** Views of training products, by side. */
  readonly views: (side: number) => Views;
  readonly handMade: HandMadeFeatures;
  readonly golden: Golden;
  /** Null: no encoder looked at these pictures. */
  readonly encoded: EncodedFeatures | null;
  /** The golden features and the parts of the encoder. */
  readonly frozen: Mixture;
  readonly clicks: LearnedFromClicks;
  readonly evidence: Evidence;
  readonly recipe: Recipe;
  /** The network to be trained. */
  readonly spec: NetworkSpec;
  /** Categories that teach a network (a head has its own validation). */
  readonly categories: TaughtOrWhy;
  /** The version that serves, from which training goes on where it fits; null: from fresh weights. */
  readonly serving: ServedModel | null;
};

/** Progress after the hand-made features, and after the network's steps. */
export const GOLDEN_DONE = 0.1;
export const NETWORK_DONE = 0.95;
