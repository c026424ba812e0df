import type { FeedbackOp } from './feedback.ts';
import type { PointerOp } from './pointer.ts';

/** A history while it is made: calls and answers count in one order. */
export type Recorder = {
  readonly pointer: PointerOp[];
  readonly feedback: FeedbackOp[];
  /** Answers that are wrong by themselves. */
  readonly faults: string[];
  /** Ms that each erasure took. */
  readonly erasing: number[];
  tick(): number;
};
