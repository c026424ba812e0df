import { handMadeFeatures } from '../../src/learning/features/index.ts';
import type { Block, ServedModel } from '../../src/learning/served-model.ts';
import type { Split } from '../../src/learning/split.ts';
import { identityBlock } from '../../workers/evaluation/methods/networks.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import { type Distances, distancesOf, type Measured, mapOf, measure, mixOf } from './measure.ts';
import type { Product } from './product.ts';
import type { EmojiSet } from './set.ts';
import { type Thing, VENDORS } from './things.ts';

/** Distances of a system where choices are made, and where it is judged. */
export type Judged = Record<'val' | 'test', Distances>;

export const thingsIn = (things: readonly Thing[], split: Split): Thing[] =>
  things.filter((thing) => thing.split === split);

/** By vectors of all pictures. */
export function judge(things: readonly Thing[], vectors: readonly Float32Array[]): Judged {
  const distancesIn = (split: Split): Distances =>
    distancesOf(
      things.flatMap((thing, i) =>
        thing.split === split ? VENDORS.map((_, vendor) => vectors[i * VENDORS.length + vendor]!) : [],
      ),
    );
  return { val: distancesIn('val'), test: distancesIn('test') };
}

export const measureTest = (things: readonly Thing[], { test }: Judged): Measured =>
  measure(test, thingsIn(things, 'test'));
export const validationMap = (things: readonly Thing[], { val }: Judged): number =>
  mapOf(val, thingsIn(things, 'val').length);

/** A model of one feature as it is. */
export const plainModel = (feature: keyof typeof handMadeFeatures): ServedModel => ({
  blocks: [identityBlock(feature, handMadeFeatures[feature].length)],
  network: null,
});

/** A model of some blocks of another, by their shares of the squared distance. */
export function modelOf({ network }: ServedModel, blocks: readonly Block[], shares: readonly number[]): ServedModel {
  const sum = shares.reduce((total, share) => total + share, 0);
  const kept = blocks.flatMap((block, b) => (shares[b]! > 0 ? [{ ...block, weight: shares[b]! / sum }] : []));
  return { blocks: kept, network: kept.some(({ feature }) => feature === 'network') ? network : null };
}

/** Of the first block; tried for all others. */
const SHARES = [0, 0.1, 0.2, 0.3, 0.5, 0.75, 1];

/** The shares of the blocks that give the best mAP on validation queries. The first block has share 1. */
export async function bestShares(
  product: Product,
  { things, set }: EmojiSet,
  model: ServedModel,
  blocks: readonly Block[],
): Promise<number[]> {
  const parts: Distances[] = [];
  for (const block of blocks) parts.push((await judgeModel(product, things, set, modelOf(model, [block], [1]))).val);
  let best = { shares: blocks.map(() => 0), map: -1 };
  for (const shares of combinations(blocks.length)) {
    const map = mapOf(mixOf(parts, shares), thingsIn(things, 'val').length);
    if (map > best.map) best = { shares, map };
  }
  return best.shares;
}

/** Of the network; 0: it says nothing. */
const NETWORK_SHARES = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6];

/** A model with another share of its network; those of the others stay in proportion. */
export function withNetworkShare(model: ServedModel, share: number): ServedModel {
  const isNetwork = ({ feature }: Block) => feature === 'network';
  const others = model.blocks.filter((block) => !isNetwork(block)).reduce((sum, { weight }) => sum + weight, 0);
  const shares = model.blocks.map((block) => (isNetwork(block) ? share : ((1 - share) * block.weight) / others));
  return modelOf(model, model.blocks, shares);
}

/** The share of the network that gives the best mAP on validation queries. */
export async function bestNetworkShare(
  product: Product,
  { things, set }: EmojiSet,
  model: ServedModel,
): Promise<number> {
  const underShare = async (share: number) =>
    (await judgeModel(product, things, set, withNetworkShare(model, share))).val;
  const parts = [await underShare(1), await underShare(0)];
  const mapAt = (share: number) => mapOf(mixOf(parts, [share, 1 - share]), thingsIn(things, 'val').length);
  return NETWORK_SHARES.reduce((best, share) => (mapAt(share) > mapAt(best) ? share : best));
}

const combinations = (length: number): number[][] =>
  length === 1 ? [[1]] : combinations(length - 1).flatMap((head) => SHARES.map((share) => [...head, share]));

export const judgeModel = async (
  product: Product,
  things: readonly Thing[],
  set: TrainingSet,
  model: ServedModel,
): Promise<Judged> => judge(things, await product.vectors(set, model));
