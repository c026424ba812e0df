import { z } from 'zod';
import type { InfoNce, MultiSimilarity } from '../losses/loss.ts';
import { itemsIn } from '../metrics/split.ts';
import { makeRandom, type Random } from '../numbers/random.ts';
import type { CategoryTeaching } from '../recipes/recipe.ts';
import { byCategory } from '../relevance/by-category.ts';
import type { Relevance } from '../relevance/relevance.ts';
import { passesState } from '../sampling/passes.ts';
import { counter, parseState, randomState, uint32 } from '../sampling/source-state.ts';
import type { BatchPlan, BatchSource } from './batch.ts';
import { type BatchCatalog, drawPictures, pictureCount } from './catalog.ts';
import type { CategoryLabels } from './category-labels.ts';
import { type Identities, makeIdentities, type Slot } from './identities.ts';
import { drawKin } from './kin.ts';
import { type RelatedOptions, relatedDrawer, relatedTarget } from './related.ts';

/** The batch loss without what a batch fills in. */
export type IdentityLoss = Omit<InfoNce, 'targets'> | Omit<MultiSimilarity, 'pairs'>;

export type IdentityBatchOptions = {
  readonly catalog: BatchCatalog;
  /** N, a multiple of `views`. */
  readonly rows: number;
  /** m >= 2: rows of one identity (an item) in a batch. */
  readonly views: number;
  readonly loss: IdentityLoss;
  readonly related?: RelatedOptions;
  /** Categories that teach beside identities; default: none. */
  readonly taught?: CategoryLabels & CategoryTeaching;
  /** Multi-similarity only: items of one category that are more relevant than `above` are no negatives of each other. */
  readonly neutral?: { readonly relevance: Relevance; readonly above: number };
  readonly seed: number;
};

const stateSchema = z.object({
  random: randomState,
  passes: passesState,
  waiting: z.array(counter),
  identities: counter,
  related: counter,
  kin: counter.default(0),
  repeated: counter,
});

/**
 * Batches of N / m identities with m views each: pictures of the item in random order, and where it has fewer repeats of
 * one of them, which augmentation makes other views. Training items come in passes, each once in every pass.
 *
 * Targets of InfoNCE: equal over the other views of the identity; a part of them moves to a related item that came along. Where
 * categories teach, an item of one picture brings others of its category along, a part of its rows' targets is equal over the
 * rows of its category, and no identity transform changes it.
 * Pairs of multi-similarity: 1 for the same identity or the one that came along, 0 for those too alike to push apart
 * (`neutral`), -1 for all others. Where there are fewer items than a batch has places, items take several, as one identity.
 * Related items share the group of whoever brought them.
 * @throws Error when rows and views do not fit, or no item is of the split train
 */
export function identityBatches(options: IdentityBatchOptions): BatchSource {
  const { catalog, rows, views } = options;
  if (!(Number.isInteger(views) && views >= 2 && rows > 0 && rows % views === 0)) {
    throw new Error(`${rows} rows cannot be identities of ${views} views`);
  }
  const items = itemsIn(catalog, 'train');
  if (items.length === 0) throw new Error('No item is of the split train');
  const random = makeRandom(options.seed);
  const identities = makeIdentities(items, random, relatedDrawer(catalog, options.related), kinDrawer(options, items));
  return {
    next: () => planOf(identities, options, random),
    state: () => ({ random: random.state(), ...identities.state() }),
    restore: (state) => {
      const saved = parseState(stateSchema, state, 'identity batches');
      random.restore(saved.random);
      identities.restore(saved);
    },
    counts: identities.counts,
  };
}

/** Whoever has one picture brings as many of its category along as come together. */
function kinDrawer({ catalog, taught }: IdentityBatchOptions, items: Int32Array) {
  if (!taught) return () => [];
  const members = byCategory({ ...catalog, categories: taught.labels }, items);
  return (item: number, taken: ReadonlySet<number>, random: Random): readonly number[] =>
    hasOnePicture(catalog, item) ? drawKin(members.get(taught.labels[item]!) ?? [], taught.kin - 1, taken, random) : [];
}

const hasOnePicture = (catalog: BatchCatalog, item: number): boolean => pictureCount(catalog, item) === 1;

function planOf(identities: Identities, options: IdentityBatchOptions, random: Random): BatchPlan {
  const { catalog, rows, views, loss, taught } = options;
  const slots = identities.draw(rows / views);
  const pictures = Int32Array.from(slots.flatMap(({ item }) => drawViews(catalog, item, views, random)));
  const groups = Int32Array.from({ length: rows }, (_, row) => groupOf(slots[Math.floor(row / views)]!, options));
  const filled =
    loss.kind === 'infoNce'
      ? { ...loss, targets: targetsOf(slots, options) }
      : { ...loss, pairs: pairsOf(slots, options) };
  const proxies = taught && {
    temperature: taught.temperature,
    weight: taught.weight,
    labels: Int32Array.from({ length: rows }, (_, row) => taught.labels[slots[Math.floor(row / views)]!.item]!),
  };
  return { pictures, groups, loss: { ...filled, ...(proxies && { proxies }) }, seed: uint32(random) };
}

/** A thing that only its category describes is never made another one by a turn: then it would be none of its category. */
function groupOf({ item, partner, group }: Slot, { catalog, taught }: IdentityBatchOptions): number {
  const isKept = (one: number) => taught !== undefined && taught.labels[one]! >= 0 && hasOnePicture(catalog, one);
  return isKept(item) || (partner && isKept(partner.item)) ? -1 : group;
}

/** `views` pictures of an item: different ones as long as there are any, then one of them again. */
function drawViews(catalog: BatchCatalog, item: number, views: number, random: Random): number[] {
  const chosen = drawPictures(catalog, item, views, random);
  const repeated = chosen[random.int(chosen.length)]!;
  while (chosen.length < views) chosen.push(repeated);
  return chosen;
}

/** [N, N]; see `identityBatches`. */
function targetsOf(slots: readonly Slot[], options: IdentityBatchOptions): Float32Array {
  const { rows, views, related, catalog, taught } = options;
  const targets = new Float32Array(rows * rows);
  const rowsOf = rowsByItem(slots, views);
  const rowsOfCategory = rowsByItem(slots, views, (item) => taught?.labels[item] ?? -1);
  const kinOf = (item: number, own: readonly number[]): readonly number[] =>
    taught && taught.labels[item]! >= 0 && hasOnePicture(catalog, item)
      ? rowsOfCategory.get(taught.labels[item]!)!.filter((row) => !own.includes(row))
      : [];
  const target = related?.target ?? relatedTarget;
  for (const [slot, { item, partner }] of slots.entries()) {
    const own = rowsOf.get(item)!;
    const others = partner ? rowsOf.get(partner.item)! : [];
    const kin = kinOf(item, own);
    const moved = partner ? target(partner.weight) : 0;
    const byKin = kin.length > 0 ? (1 - moved) * taught!.share : 0;
    for (let row = slot * views; row < (slot + 1) * views; row++) {
      const add = (other: number, part: number): void => {
        targets[row * rows + other] = targets[row * rows + other]! + part;
      };
      for (const other of own) if (other !== row) add(other, (1 - moved - byKin) / (own.length - 1));
      for (const other of kin) add(other, byKin / kin.length);
      for (const other of others) add(other, moved / others.length);
    }
  }
  return targets;
}

/** [N, N]; see `identityBatches`. */
function pairsOf(slots: readonly Slot[], { rows, views, catalog, neutral }: IdentityBatchOptions): Float32Array {
  const pairs = new Float32Array(rows * rows);
  const pairOf = (a: Slot, b: Slot): number => {
    if (a.item === b.item || a.partner?.item === b.item) return 1;
    const category = catalog.categories[a.item]!;
    const alike = neutral && category >= 0 && category === catalog.categories[b.item];
    return alike && neutral.relevance(a.item, b.item) > neutral.above ? 0 : -1;
  };
  for (const [i, a] of slots.entries()) {
    for (const [j, b] of slots.entries()) {
      const pair = pairOf(a, b);
      for (let row = i * views; row < (i + 1) * views; row++) {
        pairs.fill(pair, row * rows + j * views, row * rows + (j + 1) * views);
      }
    }
  }
  for (let row = 0; row < rows; row++) pairs[row * rows + row] = 0;
  return pairs;
}

/** @param keyOf what rows have in common; default: the item */
function rowsByItem(
  slots: readonly Slot[],
  views: number,
  keyOf: (item: number) => number = (item) => item,
): Map<number, number[]> {
  const rowsOf = new Map<number, number[]>();
  for (const [slot, { item }] of slots.entries()) {
    const rows = rowsOf.get(keyOf(item)) ?? [];
    rowsOf.set(keyOf(item), rows);
    for (let view = 0; view < views; view++) rows.push(slot * views + view);
  }
  return rowsOf;
}
