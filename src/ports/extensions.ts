import type { Encoder } from './encoder.ts';

/** What a shop plugs in, of each what it likes; docs/extending.md. */
export type Extensions = {
  /** Each ranks beside the pictures, in a space of its own. Workers need them; API processes do not. */
  readonly encoders?: readonly Encoder[];
};
