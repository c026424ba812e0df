import { stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { readCsv } from './csv.ts';
import { toEntries } from './entries.ts';
import { readFolder } from './folder.ts';
import { importError } from './import-error.ts';
import { onlyInside } from './inside.ts';
import { readObjects } from './json.ts';
import type { MoneyOptions } from './money.ts';
import { readNamed } from './objects.ts';
import { productReader } from './product.ts';
import { parseMapping } from './reader.ts';
import { keyOf } from './readings.ts';
import type { CatalogEntry } from './row.ts';
import { readFeed } from './xml.ts';

export type { CatalogEntry, ImportRow } from './row.ts';

export type ReadOptions = MoneyOptions & {
  /** Folders besides the catalog's own that may hold its pictures. */
  allowOutside?: readonly string[] | undefined;
  /** Columns of our fields, where they have names of their own: `image=image_link,title=Name`. */
  map?: string | undefined;
  /** The id of every row that names one, whatever else is wrong with it; null for a row that names none. */
  tellId?: ((id: string | null) => void) | undefined;
};

/**
 * The products of a folder of pictures or a file: CSV, JSON or XML, of our own columns or as a shop's software exports it
 * (docs/catalog.md), one by one: a file of any length takes no more memory than its ids. A broken row, and an id that was
 * there before, come as a `problem`; all others still come. Pictures on disk lie in the catalog's own folder, or in one that
 * is allowed besides.
 * @throws SimiliError IMPORT_UNREADABLE when there is no such catalog, its header will not do, or it has no row at all;
 *   INVALID_ARGUMENT of the options
 */
export async function* readCatalog(source: string, options: ReadOptions = {}): AsyncGenerator<CatalogEntry> {
  const path = resolve(source);
  try {
    const { entries, folder } = await readerOf(path, options);
    const allowed = [folder, ...(options.allowOutside ?? []).map((one) => resolve(one))];
    yield* notEmpty(path, withoutDuplicates(onlyInside(entries, allowed)));
  } catch (error) {
    throw importError(path, error);
  }
}

/** `folder`: that the pictures may lie in. */
async function readerOf(
  path: string,
  options: ReadOptions,
): Promise<{ entries: AsyncIterable<CatalogEntry>; folder: string }> {
  const { tellId = () => {} } = options;
  if ((await stat(path)).isDirectory()) return { entries: readFolder(path, tellId), folder: path };
  const folder = dirname(path);
  const products = productReader(folder, options);
  const { reads, rawOf } = readFile(path, options, products);
  return { entries: toEntries(reads, rawOf, products, tellId), folder };
}

function readFile(
  path: string,
  { map = '', locale, currency }: ReadOptions,
  products: ReturnType<typeof productReader>,
) {
  const prefer = [locale, currency].flatMap((one) => (one === undefined ? [] : [keyOf(one)]));
  const wish = { mapping: parseMapping(map), prefer };
  switch (extname(path).toLowerCase()) {
    case '.csv':
    case '.tsv':
    case '.txt':
      return readCsv(path, wish, products);
    case '.json':
    case '.jsonl':
    case '.ndjson':
      return readNamed(readObjects(path), wish);
    case '.xml':
    case '.rss':
    case '.atom':
      return readNamed(readFeed(path), wish);
    default: {
      const why = 'it is neither a folder of pictures nor a .csv, .tsv, .txt, .json, .jsonl or .xml file';
      throw new SimiliError('IMPORT_UNREADABLE', { source: path, why });
    }
  }
}

/** A file that brings nothing is a mistake of its export, and must not look like success. */
async function* notEmpty(source: string, entries: AsyncIterable<CatalogEntry>): AsyncGenerator<CatalogEntry> {
  let found = false;
  for await (const entry of entries) {
    found ||= !('note' in entry);
    yield entry;
  }
  if (!found) throw new SimiliError('IMPORT_UNREADABLE', { source, why: 'no row was found in it' });
}

/** The first product of an id counts. */
async function* withoutDuplicates(entries: AsyncIterable<CatalogEntry>): AsyncGenerator<CatalogEntry> {
  const seen = new Map<string, number | string>();
  for await (const entry of entries) {
    if (!('row' in entry)) {
      yield entry;
      continue;
    }
    const { row, ...place } = entry;
    const before = seen.get(row.id);
    if (before === undefined) seen.set(row.id, place.line);
    yield before === undefined
      ? entry
      : { ...place, problem: `id ${row.id} was already on ${typeof before === 'number' ? `line ${before}` : before}` };
  }
}
