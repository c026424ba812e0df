import { createHash } from 'node:crypto';
import { checkCount } from '../checked.ts';
import type { ProductRepository } from '../db/products.ts';
import { refusalOf } from '../db/sql/sql-state.ts';
import type { ProductWrite, WriteOutcome } from '../db/write-products.ts';
import { type Judged, misfit } from '../entries.ts';
import type { SimiliError } from '../errors.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { wakeIngest } from '../queue/wake-ingest.ts';
import { toId } from '../text.ts';
import { judgeProduct, type ProductDraft } from './judge-product.ts';
import { readUpload, uploadedSource } from './uploaded-picture.ts';

export type { ProductDraft };

/** `index`: place in the given rows. `field`: path inside the product. */
export type ProductRejection = {
  index: number;
  field: string[];
  error: SimiliError<'INVALID_ARGUMENT'>;
};
export type WriteResult = Record<WriteOutcome, number> & {
  rejections: ProductRejection[];
};
type Deps = {
  catalog: string;
  products: Pick<ProductRepository, 'writeAll'>;
  queue: Pick<JobQueue, 'add'>;
};

const MOST_PER_CALL = 500;
/** Products in a commit; what a killed import repeats, which then costs nothing. */
export const AT_ONCE = 100;

/**
 * Creates or replaces products, a hundred in a commit, as if each came after the one before; a bad one is named in `rejections`, and the
 * others are written. Safe to repeat. When anything changed, the workers are woken to fetch and embed the pictures.
 * @param entries plain JSON, each judged alone; in `pictures` files
 */
export async function writeProducts(
  entries: readonly unknown[],
  { catalog, products, queue }: Deps,
  judged: (entry: unknown) => Judged<ProductDraft> = judgeProduct,
): Promise<WriteResult> {
  const result: WriteResult = { created: 0, updated: 0, renewed: 0, unchanged: 0, outdated: 0, rejections: [] };
  const good: Place[] = [];
  for (const [index, entry] of entries.entries()) {
    const product = judged(entry);
    if ('error' in product) result.rejections.push({ index, ...product });
    else good.push({ index, product: await toWrite(product.value) });
  }
  for (const batch of batches(good)) {
    const refused = await store(batch, products, result);
    result.rejections.push(...refused);
  }
  result.rejections.sort((a, b) => a.index - b.index);
  if (result.created + result.updated + result.renewed > 0) await wakeIngest(queue, catalog);
  return result;
}

/** A product and its place in the given rows. */
type Place = { index: number; product: ProductWrite };

/** In their order; a product that comes again is in a later batch. */
function* batches(places: readonly Place[]): Generator<Place[]> {
  let batch = new Map<string, Place>();
  for (const place of places) {
    if (batch.size === AT_ONCE || batch.has(place.product.id)) {
      yield [...batch.values()];
      batch = new Map();
    }
    batch.set(place.product.id, place);
  }
  if (batch.size > 0) yield [...batch.values()];
}

/** Halves until what the database refuses stands alone. @returns what that was */
async function store(
  batch: readonly Place[],
  products: Deps['products'],
  counts: WriteResult,
): Promise<ProductRejection[]> {
  try {
    for (const outcome of await products.writeAll(batch.map(({ product }) => product))) counts[outcome] += 1;
    return [];
  } catch (error) {
    const why = refusalOf(error);
    if (why === null) throw error;
    const [first] = batch;
    if (batch.length === 1) return [{ index: first!.index, ...misfit([], why) }];
    const half = Math.ceil(batch.length / 2);
    const refused = await store(batch.slice(0, half), products, counts);
    return [...refused, ...(await store(batch.slice(half), products, counts))];
  }
}

/** The same for the API: 1 to 500 products. @throws SimiliError INVALID_ARGUMENT otherwise. */
export async function upsertProducts(deps: Deps, entries: readonly unknown[]): Promise<WriteResult> {
  checkCount('products', entries, MOST_PER_CALL);
  return writeProducts(entries, deps);
}

/** Their pictures and vectors go with them; ids that do not exist are passed over. @throws SimiliError INVALID_ARGUMENT. */
export async function deleteProducts(
  { products }: { products: Pick<ProductRepository, 'remove'> },
  ids: readonly string[],
): Promise<number> {
  checkCount('ids', ids, MOST_PER_CALL);
  return products.remove(ids.map(toId));
}

async function toWrite(draft: ProductDraft): Promise<ProductWrite> {
  const uploads = await Promise.all((draft.pictures ?? []).map(readUpload));
  const write = {
    id: toId(draft.id),
    title: draft.title,
    url: draft.url ?? null,
    categories: draft.categories ?? [],
    tags: draft.tags ?? [],
    price: draft.price ?? null,
    currency: draft.currencyCode ?? null,
    available: draft.availableForSale ?? true,
    groupId: draft.groupId == null ? null : toId(draft.groupId),
    images: [...uploads.map(({ contentHash }) => uploadedSource(contentHash)), ...draft.imageUrls],
    version: draft.version ?? 0,
  };
  const { revisions, refresh } = draft;
  return {
    ...write,
    fingerprint: fingerprintOf(write),
    ...(uploads.length > 0 && { uploads }),
    ...(revisions && { revisions }),
    ...(refresh && { refresh }),
  };
}

/** sha-256 of the JSON with its keys in alphabetical order. No group is no key: products of before there were groups keep theirs. */
function fingerprintOf({ groupId, ...write }: Omit<ProductWrite, 'fingerprint'>): string {
  const said = groupId === null ? write : { ...write, groupId };
  const sorted = Object.fromEntries(Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
