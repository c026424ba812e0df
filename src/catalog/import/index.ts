import { stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { readCsv } from './csv.ts';
import { readFolder } from './folder.ts';
import { importError } from './import-error.ts';
import { onlyInside } from './inside.ts';
import { readJsonl } from './jsonl.ts';
import type { CatalogEntry } from './row.ts';

export type { CatalogEntry, ImportRow } from './row.ts';

export type ReadOptions = {
  /** Folders besides the catalog's own that may hold its pictures. */
  allowOutside?: readonly string[];
};

/**
 * The products of a folder of pictures, a .csv or a .jsonl file (docs/catalog.md), one by one: a file of any length takes
 * no more memory than its ids. A broken row, and an id that was there before, come as a `problem`; all others still come.
 * Pictures on disk lie in the catalog's own folder, or in one that is allowed besides.
 * @throws SimiliError IMPORT_UNREADABLE when there is no such catalog, its header will not do, or it has no row at all.
 */
export async function* readCatalog(
  source: string,
  { allowOutside = [] }: ReadOptions = {},
): AsyncGenerator<CatalogEntry> {
  const path = resolve(source);
  try {
    const { entries, folder } = await readerOf(path);
    yield* notEmpty(path, withoutDuplicates(onlyInside(entries, [folder, ...allowOutside.map((one) => resolve(one))])));
  } catch (error) {
    throw importError(path, error);
  }
}

/** `folder`: that the pictures may lie in. */
async function readerOf(path: string): Promise<{ entries: AsyncIterable<CatalogEntry>; folder: string }> {
  if ((await stat(path)).isDirectory()) return { entries: readFolder(path), folder: path };
  const folder = dirname(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.csv') return { entries: readCsv(path), folder };
  if (extension === '.jsonl' || extension === '.ndjson') return { entries: readJsonl(path), folder };
  throw new SimiliError('IMPORT_UNREADABLE', {
    source: path,
    why: 'it is neither a folder of pictures nor a .csv or .jsonl file',
  });
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
    const { line, row } = entry;
    const before = seen.get(row.id);
    if (before === undefined) seen.set(row.id, line);
    yield before === undefined
      ? entry
      : { line, problem: `id ${row.id} was already on ${typeof before === 'number' ? `line ${before}` : before}` };
  }
}
