import { z } from 'zod';
import { itemsIn } from '../metrics/split.ts';
import { makeRandom } from '../numbers/random.ts';
import { makePasses, passesState } from '../sampling/passes.ts';
import { counter, parseState, randomState, uint32 } from '../sampling/source-state.ts';
import type { BatchSource } from './batch.ts';
import { type BatchCatalog, pictureCount } from './catalog.ts';

const stateSchema = z.object({ random: randomState, passes: passesState, pictures: counter });

/**
 * Batches for the softmax that comes before the ranking (paper, section 4): pictures of training items that have a
 * category, in passes, each once in every pass. No row has a group: another identity would be another category.
 * @param options.rows N >= 1
 * @returns `classes`: categories that such items have, counted anew from 0 for the labels; null when there are not two.
 */
export function labelledBatches(options: {
  readonly catalog: BatchCatalog;
  readonly rows: number;
  readonly seed: number;
}): { readonly source: BatchSource; readonly classes: number } | null {
  const { rows } = options;
  const { pictures, labels, classes } = labelled(options.catalog);
  if (classes < 2) return null;
  const random = makeRandom(options.seed);
  const passes = makePasses(pictures.length, uint32(random));
  let given = 0;
  const source: BatchSource = {
    next: () => {
      const chosen = Int32Array.from({ length: rows }, () => passes.next());
      given += rows;
      return {
        pictures: chosen.map((at) => pictures[at]!),
        groups: new Int32Array(rows).fill(-1),
        loss: { kind: 'softmax', labels: chosen.map((at) => labels[at]!) },
        seed: uint32(random),
      };
    },
    state: () => ({ random: random.state(), passes: passes.state(), pictures: given }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'labelled batches');
      random.restore(saved.random);
      passes.restore(saved.passes);
      given = saved.pictures;
    },
    counts: () => ({ pictures: given }),
  };
  return { source, classes };
}

/** Pictures with the number of their category, by picture; categories are numbered in the order of their first item. */
function labelled(catalog: BatchCatalog) {
  const items = itemsIn(catalog, 'train').filter((item) => catalog.categories[item]! >= 0);
  const total = items.reduce((sum, item) => sum + pictureCount(catalog, item), 0);
  const [pictures, labels] = [new Int32Array(total), new Int32Array(total)];
  const numbers = new Map<number, number>();
  let at = 0;
  for (const item of items) {
    const category = catalog.categories[item]!;
    const label = numbers.get(category) ?? numbers.size;
    numbers.set(category, label);
    for (let picture = catalog.starts[item]!; picture < catalog.starts[item + 1]!; picture++, at++) {
      pictures[at] = picture;
      labels[at] = label;
    }
  }
  return { pictures, labels, classes: numbers.size };
}
