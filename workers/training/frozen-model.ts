import type { Block, ServedModel } from '@simili/learning/models/served-model';
import type { Fitted } from './blocks.ts';
import type { Golden } from './golden.ts';
import { type Evidence, fitShares } from './mixture.ts';

/**
 * Share of the encoder before any triplet has spoken: twice that of the golden features (docs/quality.md); of its parts each has
 * as much.
 */
const ENCODER_PRIOR = 2 / 3;

export const evenly = (count: number, total: number): number[] => new Array<number>(count).fill(total / count);

/** All that is there without training: the golden features and, where there is one, the parts of the encoder. */
export function frozenBlocks(golden: Golden, encoder: readonly Fitted[]): { fitted: Fitted[]; prior: number[] } {
  if (encoder.length === 0) return { fitted: [...golden.fitted], prior: golden.prior };
  const prior = [...golden.prior.map((share) => share * (1 - ENCODER_PRIOR)), ...evenly(encoder.length, ENCODER_PRIOR)];
  return { fitted: [...golden.fitted, ...encoder], prior };
}

/** The first version of a catalog. */
export function frozenModel(golden: Golden, encoder: readonly Fitted[], evidence: Evidence): ServedModel {
  const { fitted, prior } = frozenBlocks(golden, encoder);
  return { blocks: mixed(fitted, fitShares(distancesOf(fitted), evidence, prior)), network: null };
}

export const distancesOf = (fitted: readonly Fitted[]) => fitted.map(({ distance }) => distance);

export const mixed = (fitted: readonly Fitted[], shares: readonly number[]): Block[] =>
  fitted.map(({ block }, b) => ({ ...block, weight: shares[b]! }));
