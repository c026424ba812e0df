import type { Authenticator } from './authenticator.ts';
import type { Clock } from './clock.ts';
import type { Encoder } from './encoder.ts';
import type { FilterExtension } from './filter-extension.ts';
import type { Reranker } from './reranker.ts';
import type { RetrainPolicy } from './retrain-policy.ts';
import type { Telemetry } from './telemetry.ts';

/** A shop's own implementations of seams, any of them (docs/extending.md). */
export type Extensions = {
  /** Each ranks beside the pictures, in a space of its own. Workers need them; API processes do not. */
  readonly encoders?: readonly Encoder[];
  /** Each holds inside every search. */
  readonly filters?: readonly FilterExtension[];
  /** Puts what a search found in another order. */
  readonly reranker?: Reranker;
  /** When trainings come by themselves. Workers decide by it, API processes show it. */
  readonly retrainPolicy?: RetrainPolicy;
  /** Says who a request is from, in place of the admin key and the keys of `simili key`. For the server of `simili`. */
  readonly authenticator?: Authenticator;
  /** Is told how the work goes. */
  readonly telemetry?: Telemetry;
  /** The time of all that is compared. For tests of a shop's own, which cannot wait: a shop keeps the database's. */
  readonly clock?: Clock;
};
