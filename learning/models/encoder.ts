import type { Picture } from '../picture.ts';
import type { EncoderFacts } from './encoder-facts.ts';

/**
 * A frozen function from what a product shows to a vector. It looks once: vectors are kept by encoder and content, and every
 * model version is a projection of them.
 */
export interface Encoder extends EncoderFacts {
  /** Input of `encode`: square pictures, uint8 RGB [side, side, 3], trimmed like those of the other features. */
  readonly input: { readonly side: number };
  /** Two products with the same key have the same vector. Null: there is nothing to look at. */
  contentKey(product: { readonly contentHash: string | null }): string | null;
  /** @returns float32 [n, dimensions], all finite; the same for a picture whatever else is in the batch. */
  encode(batch: readonly Picture[]): Promise<Float32Array>;
  close(): Promise<void>;
}
