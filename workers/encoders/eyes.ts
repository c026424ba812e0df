import { GOLDEN } from '@simili/learning/features/golden';
import type { EncoderFacts } from '@simili/learning/models/encoder-facts';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';

/** An encoder, or the hand-made features: it looks once at every picture, and its vectors are kept. */
export type Eye = {
  readonly facts: Pick<EncoderFacts, 'id' | 'dimensions'>;
  readonly description: { readonly input: { readonly side: number } };
};

/** The hand-made features: no file. */
export type GoldenEye = Eye & { readonly path: null };
export const goldenEye: GoldenEye = { facts: GOLDEN, description: { input: { side: PICTURE_SIZE } }, path: null };

export type AnyEye = GoldenEye | InstalledEncoder;

/** Those that look at the pictures of a catalog. @param encoder null: there is none */
export const eyesOf = (encoder: InstalledEncoder | null): AnyEye[] => [goldenEye, ...(encoder ? [encoder] : [])];
