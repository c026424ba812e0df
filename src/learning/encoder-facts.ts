/** What is known of an encoder wherever its vectors are used. */
export type EncoderFacts = {
  /** Its name and the beginning of a sha-256 over its weights and all it does to a picture: one id, one function. */
  readonly id: string;
  /** For people. */
  readonly title: string;
  /** SPDX, of its weights. */
  readonly licence: string;
  /** Length of its vectors. */
  readonly dimensions: number;
};
