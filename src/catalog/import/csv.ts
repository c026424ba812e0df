import { dirname } from 'node:path';
import { type CatalogEntry, knownColumns, toRow } from './row.ts';
import { readTable } from './table.ts';

const PICTURE = /^https?:\/\/|\.(jpe?g|png|webp|avif|gif)$/i;

/** @throws SimiliError IMPORT_UNREADABLE when the header will not do. */
export async function* readCsv(path: string): AsyncGenerator<CatalogEntry> {
  const folder = dirname(path);
  const isRow = (cells: Record<string, string>) => {
    const result = toRow(cells, folder);
    return 'row' in result && result.row.images.every((image) => PICTURE.test(image));
  };
  for await (const entry of readTable(path, { needed: ['id', 'image'], known: knownColumns, isRow })) {
    if ('cells' in entry) yield { line: entry.line, ...toRow(entry.cells, folder) };
    else yield entry;
  }
}
