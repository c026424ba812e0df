import { isIn } from '../metrics/split.ts';
import type { Random } from '../numbers/random.ts';
import { makeAliasTable } from '../sampling/alias.ts';
import type { BatchCatalog } from './catalog.ts';

/** Items that shoppers chose beside an item, or that the golden features find close to it. */
export type RelatedOptions = {
  /** By catalog items; held-out ones are passed over. Weights > 0. A short list: it is read whenever it is asked for. */
  readonly of: (item: number) => readonly { readonly item: number; readonly weight: number }[];
  /** Chance that an identity brings a related item along, as the identity of the next rows. */
  readonly share: number;
  /** InfoNCE: the part of a row's target, in [0, 1), that goes to the related item's rows. Default 0.5 w / (1 + w). */
  readonly target?: (weight: number) => number;
};

type Related = { readonly item: number; readonly weight: number };

/** Draws what an identity brings along and is not taken, in proportion to weight; null mostly. */
export function relatedDrawer(catalog: BatchCatalog, related?: RelatedOptions) {
  return (item: number, taken: ReadonlySet<number>, random: Random): Related | null => {
    if (!related || random.next() >= related.share) return null;
    const free = related
      .of(item)
      .filter((other) => other.weight > 0 && !taken.has(other.item) && isIn(catalog, other.item, 'train'));
    const table = makeAliasTable(free.map(({ weight }) => weight));
    return table ? free[table.draw(random)]! : null;
  };
}

/** Part of a row's target that goes to what came along with it: the more shoppers preferred it, up to a half. */
export const relatedTarget = (weight: number): number => (0.5 * weight) / (1 + weight);
