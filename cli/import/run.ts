import { isAbsolute } from 'node:path';
import { type CatalogEntry, type ImportRow, type ReadOptions, readCatalog } from '../../src/catalog/import/index.ts';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { stateOf } from '../../src/catalog/local-picture.ts';
import { AT_ONCE, type ProductDraft, type WriteResult, writeProducts } from '../../src/catalog/products.ts';
import type { App } from '../app.ts';
import { type Mirrored, MOST_REMOVED, mirror, type Named } from './mirror.ts';

type Place = { line: number | string };
/** Products by what became of them, and rows of the file: `rows` - `joined` is the sum of all others. */
export type ImportReport = Omit<WriteResult, 'rejections'> & {
  rows: number;
  /** Rows that are one product with the row before. */
  joined: number;
  /** Rows that were left out, with the place and the reason. */
  problems: (Place & { problem: string })[];
  /** Rows that are no products which shoppers see. */
  passedOver: (Place & { passedOver: string })[];
  /** Remarks on rows that were taken. */
  notes: (Place & { note: string })[];
  /** Present where it was asked for. */
  mirrored?: Mirrored;
};
export type ImportOptions = {
  /** Looks and counts; nothing is stored. */
  dryRun?: boolean;
  /** All pictures are asked for again. */
  refreshPictures?: boolean;
};
/** A file, how it is read, and what is done with it, all of it JSON. */
export type ImportRequest = Omit<ReadOptions, 'tellId'> &
  ImportOptions & {
    source: string;
    /** Whether products that the file does not name leave the shop. */
    mirror?: boolean;
    /** Percent of the products that may leave it so. */
    removeAtMost?: number;
  };
type Deps = Pick<App, 'repositories' | 'queue'>;
type Batch = Extract<CatalogEntry, { row: unknown }>[];

/** Imports a catalog and, where that is asked for, takes away what it no longer names. @throws SimiliError as `readCatalog`. */
export async function importCatalog(
  deps: Deps,
  { source, mirror: isMirror, removeAtMost = MOST_REMOVED, dryRun = false, refreshPictures, ...reading }: ImportRequest,
  onProgress: (rows: number) => void,
): Promise<ImportReport> {
  const named: Named = { ids: new Set(), unreadable: 0 };
  const tellId = (id: string | null) => {
    if (id === null) named.unreadable += 1;
    else named.ids.add(id);
  };
  const { products } = deps.repositories;
  const before = isMirror ? { at: products.clock.now(), count: await products.count() } : null;
  const entries = readCatalog(source, before ? { ...reading, tellId } : reading);
  const report = await runImport(deps, entries, onProgress, { dryRun, refreshPictures: refreshPictures ?? false });
  if (before) report.mirrored = await mirror(products, named, { before, most: removeAtMost, dryRun });
  return report;
}

/** The ordinary importer: every good row is stored, every bad one is told, in one pass. Repeating it changes nothing. */
export async function runImport(
  { repositories: { catalog, products }, queue }: Deps,
  entries: AsyncIterable<CatalogEntry>,
  onProgress: (rows: number) => void,
  { dryRun = false, refreshPictures = false }: ImportOptions = {},
): Promise<ImportReport> {
  const report = emptyReport();
  const deps = {
    catalog,
    products: dryRun ? { writeAll: products.tryAll.bind(products) } : products,
    queue: dryRun ? { add: async () => {} } : queue,
  };
  const flush = async (batch: Batch) => {
    const drafts = await Promise.all(batch.map((entry) => draftOf(entry, refreshPictures, dryRun ? report : null)));
    const { rejections, ...counts } = await writeProducts(drafts, deps, judgeImported);
    for (const [outcome, n] of Object.entries(counts) as [keyof typeof counts, number][]) report[outcome] += n;
    for (const { index, error } of rejections) {
      report.problems.push({ line: batch[index]?.line ?? '?', problem: error.message });
    }
    onProgress(report.rows);
  };
  let batch: Batch = [];
  for await (const entry of entries) {
    if ('note' in entry) {
      report.notes.push(entry);
      continue;
    }
    const { rows = 1, ...rest } = entry;
    report.rows += rows;
    report.joined += rows - 1;
    if ('problem' in rest) report.problems.push(rest);
    else if ('passedOver' in rest) report.passedOver.push(rest);
    else batch.push(rest);
    if (batch.length < AT_ONCE) continue;
    await flush(batch);
    batch = [];
  }
  if (batch.length > 0) await flush(batch);
  return report;
}

const emptyReport = (): ImportReport => ({
  created: 0,
  updated: 0,
  renewed: 0,
  unchanged: 0,
  outdated: 0,
  rows: 0,
  joined: 0,
  problems: [],
  passedOver: [],
  notes: [],
});

/** @param told notes of files that are not there, where nobody will read them */
async function draftOf(
  { line, row }: Batch[number],
  refresh: boolean,
  told: ImportReport | null,
): Promise<ProductDraft> {
  const { images, currency, available, ...rest } = row;
  const revisions = await revisionsOf(row);
  const gone = images.findIndex((path, i) => isAbsolute(path) && revisions[i] === null);
  if (told && gone >= 0) told.notes.push({ line, note: `there is no file ${images[gone]}` });
  return { ...rest, imageUrls: images, currencyCode: currency, availableForSale: available, revisions, refresh };
}

/** Revision of each file, which tells a replaced one from the one before. A file that is not there is told when its picture is read. */
const revisionsOf = ({ images }: ImportRow): Promise<(string | null)[]> =>
  Promise.all(
    images.map(async (path) =>
      isAbsolute(path)
        ? stateOf(path)
            .then(({ revision }) => revision)
            .catch(() => null)
        : null,
    ),
  );
