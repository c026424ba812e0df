import { splits } from '../../learning/metrics/split.ts';
import type { Block, ServedModel } from '../../learning/models/served-model.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import type { Product } from '../product.ts';
import { distancesUnder, mapOf, mixOf, type Where } from './arena.ts';

/** A model of some blocks of another, by their shares of the squared distance. */
export function modelOf({ network }: ServedModel, blocks: readonly Block[], shares: readonly number[]): ServedModel {
  const sum = shares.reduce((total, share) => total + share, 0);
  const kept = blocks.flatMap((block, b) => (shares[b]! > 0 ? [{ ...block, weight: shares[b]! / sum }] : []));
  return { blocks: kept, network: kept.some(isNetwork) ? network : null };
}

/** Only the blocks for which `keep` holds, their shares in proportion. */
export const partOf = (model: ServedModel, keep: (block: Block) => boolean): ServedModel =>
  modelOf(
    model,
    model.blocks,
    model.blocks.map((block) => (keep(block) ? block.weight : 0)),
  );

/** The blocks of the encoder, each with the same share. */
export const encoderAlone = (model: ServedModel): ServedModel =>
  modelOf(
    model,
    model.blocks,
    model.blocks.map(({ encoder }) => (encoder ? 1 : 0)),
  );

export const isNetwork = ({ feature }: Pick<Block, 'feature'>): boolean => feature === 'network';
export const isHandMade = (block: Block): boolean => !block.encoder && !isNetwork(block);

/** The blocks of one model with the shares that those in the same places of another one have. */
export function withSharesOf(model: ServedModel, chosen: ServedModel): ServedModel {
  if (model.blocks.length !== chosen.blocks.length) throw new Error('These two models have not the same blocks');
  return modelOf(
    model,
    model.blocks,
    chosen.blocks.map(({ weight }) => weight),
  );
}

/** Validation items may teach, too: nothing is chosen any more. */
export const withValidation = (set: TrainingSet): TrainingSet => ({
  ...set,
  splits: set.splits.map((split) => (splits[split] === 'val' ? splits.indexOf('train') : split)),
});

/**
 * The model that is there without any training. `chosen` was fitted without the validation items, which decided its shares; `final`
 * has these shares and was fitted with them.
 */
export type FirstModel = { readonly chosen: ServedModel; readonly final: ServedModel };

export async function fitFirst(product: Product, set: TrainingSet): Promise<FirstModel> {
  const chosen = await product.golden(set);
  return { chosen, final: withSharesOf(await product.golden(withValidation(set)), chosen) };
}

/** Shares of the network; 0: it says nothing. */
const NETWORK_SHARES = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8];

/** A model with another share of its network; those of the others stay in proportion. */
export function withNetworkShare(model: ServedModel, share: number): ServedModel {
  const others = model.blocks.filter((block) => !isNetwork(block)).reduce((sum, { weight }) => sum + weight, 0);
  const shares = model.blocks.map((block) => (isNetwork(block) ? share : ((1 - share) * block.weight) / others));
  return modelOf(model, model.blocks, shares);
}

/** The share of the network that gives the best mAP on validation queries. */
export async function bestNetworkShare(where: Where, set: TrainingSet, model: ServedModel): Promise<number> {
  const underShare = (share: number) => distancesUnder(where, set, withNetworkShare(model, share), 'val');
  const parts = [await underShare(1), await underShare(0)];
  const mapAt = (share: number) => mapOf(where.arena.measure(mixOf(parts, [share, 1 - share]), 'val'));
  const maps = NETWORK_SHARES.map(mapAt);
  return NETWORK_SHARES[maps.indexOf(Math.max(...maps))]!;
}
