import { createHash } from 'node:crypto';
import { checkCount } from '../checked.ts';
import type { ProductRepository, ProductWrite, WriteOutcome } from '../db/products.ts';
import type { Judged } from '../entries.ts';
import type { SimiliError } from '../errors.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { toId } from '../text.ts';
import { judgeProduct, type ProductDraft } from './judge-product.ts';

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
  products: Pick<ProductRepository, 'write'>;
  queue: Pick<JobQueue, 'add'>;
};

const MOST_PER_CALL = 500;

/**
 * Creates or replaces products, one commit each, in the given order; a bad one is named in `rejections` and the others
 * are written. Safe to repeat. When anything changed, the workers are woken to fetch and embed the pictures.
 * @param entries plain JSON, each judged alone
 */
export async function writeProducts(
  entries: readonly unknown[],
  { catalog, products, queue }: Deps,
  judged: (entry: unknown) => Judged<ProductDraft> = judgeProduct,
): Promise<WriteResult> {
  const result: WriteResult = {
    created: 0,
    updated: 0,
    renewed: 0,
    unchanged: 0,
    outdated: 0,
    rejections: [],
  };
  for (const [index, entry] of entries.entries()) {
    const product = judged(entry);
    if ('error' in product) result.rejections.push({ index, ...product });
    else result[await products.write(toWrite(product.value))]++;
  }
  if (result.created + result.updated + result.renewed > 0) await queue.add('ingest', { catalog });
  return result;
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

function toWrite(draft: ProductDraft): ProductWrite {
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
    images: draft.imageUrls,
    version: draft.version ?? 0,
  };
  const { revisions, refresh } = draft;
  return { ...write, fingerprint: fingerprintOf(write), ...(revisions && { revisions }), ...(refresh && { refresh }) };
}

/** sha-256 of the JSON with its keys in alphabetical order. No group is no key: products of before there were groups keep theirs. */
function fingerprintOf({ groupId, ...write }: Omit<ProductWrite, 'fingerprint'>): string {
  const said = groupId === null ? write : { ...write, groupId };
  const sorted = Object.fromEntries(Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
