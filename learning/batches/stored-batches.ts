import { z } from 'zod';
import { itemsIn } from '../metrics/split.ts';
import { makeRandom, type Random } from '../numbers/random.ts';
import { byCategory } from '../relevance/by-category.ts';
import { makePasses, type Passes, passesState } from '../sampling/passes.ts';
import { counter, parseState, randomState, uint32 } from '../sampling/source-state.ts';
import type { BatchPlan, BatchSource } from './batch.ts';
import { type BatchCatalog, drawPictures, pictureCount } from './catalog.ts';
import { drawKin } from './kin.ts';
import { type RelatedOptions, relatedDrawer, relatedTarget } from './related.ts';
import { type StoredRow, storedTargets } from './stored-targets.ts';

export type StoredBatchOptions = {
  readonly catalog: BatchCatalog;
  /** N: at most as many as training items have pictures. */
  readonly rows: number;
  /** Most pictures of one item in a batch. */
  readonly views: number;
  readonly temperature: number;
  /** Items of one category that come together; 1: whoever has its turn. */
  readonly kin: number;
  readonly related?: RelatedOptions;
  readonly seed: number;
};

const stateSchema = z.object({
  random: randomState,
  passes: passesState,
  items: counter,
  related: counter,
  kin: counter,
});
type Counts = { items: number; related: number; kin: number };

/**
 * Batches of pictures as they are stored, whose views no augmentation can make: every row is another picture. Training
 * items come in passes; each brings its pictures along, at times what shoppers chose beside it, and others of its category.
 *
 * Targets of InfoNCE: equal over the other pictures of the item, of which a part moves to what shoppers chose. An item of
 * which there is no other picture has the others of its category instead. A row that has neither costs nothing.
 * @throws Error when the training items have fewer pictures than a batch rows
 */
export function storedBatches(options: StoredBatchOptions): BatchSource {
  const { catalog, rows, temperature } = options;
  const items = itemsIn(catalog, 'train');
  const pictures = items.reduce((sum, item) => sum + Math.min(options.views, pictureCount(catalog, item)), 0);
  if (pictures < rows) throw new Error(`${pictures} pictures cannot fill a batch of ${rows}`);
  const random = makeRandom(options.seed);
  const passes = makePasses(items.length, uint32(random));
  const counts: Counts = { items: 0, related: 0, kin: 0 };
  const fill = filler(options, items, passes, counts);
  return {
    next: (): BatchPlan => {
      const drawn = fill(random);
      return {
        pictures: Int32Array.from(drawn, ({ picture }) => picture),
        groups: new Int32Array(rows).fill(-1),
        loss: {
          kind: 'infoNce',
          temperature,
          targets: storedTargets(drawn, options.kin > 1 ? catalog.categories : null),
        },
        seed: uint32(random),
      };
    },
    state: () => ({ random: random.state(), passes: passes.state(), ...counts }),
    restore: (state) => {
      const { random: numbers, passes: order, ...saved } = parseState(stateSchema, state, 'stored batches');
      random.restore(numbers);
      passes.restore(order);
      Object.assign(counts, saved);
    },
    counts: () => ({ ...counts }),
  };
}

function filler(
  { catalog, rows, views, kin, related }: StoredBatchOptions,
  items: Int32Array,
  passes: Passes,
  counts: Counts,
) {
  const drawRelated = relatedDrawer(catalog, related);
  const members = kin > 1 ? byCategory(catalog, items) : new Map<number, number[]>();
  return (random: Random): StoredRow[] => {
    const drawn: StoredRow[] = [];
    const taken = new Set<number>();
    const add = (item: number, partner: StoredRow['partner'], what: keyof Counts): void => {
      taken.add(item);
      counts[what]++;
      const own = drawPictures(catalog, item, Math.min(views, rows - drawn.length), random);
      drawn.push(...own.map((picture) => ({ picture, item, partner })));
    };
    while (drawn.length < rows) {
      const item = items[passes.next()]!;
      if (taken.has(item)) continue;
      const other = drawRelated(item, taken, random);
      add(item, other && { item: other.item, part: relatedTarget(other.weight) }, 'items');
      if (other && !taken.has(other.item)) add(other.item, { item, part: relatedTarget(other.weight) }, 'related');
      for (const next of drawKin(members.get(catalog.categories[item]!) ?? [], kin - 1, taken, random))
        if (drawn.length < rows) add(next, null, 'kin');
    }
    return drawn;
  };
}
