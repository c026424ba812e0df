import { SimiliError } from '../../errors.ts';
import type { Read } from './entries.ts';
import type { ProductReader } from './product.ts';
import { type Raw, type Reader, readerOf, type Wish } from './reader.ts';
import { type Field, knownColumns } from './row.ts';
import { readRows, wantedColumns } from './table.ts';
import { whatIsRead } from './what-is-read.ts';

const PICTURE = /^https?:\/\/|\.(jpe?g|png|webp|avif|gif)$/i;
const NEEDED: readonly Field[] = ['id', 'image'];

/**
 * Rows of a CSV file, whichever known format it has.
 * @param products judges whether a line is a good row by itself
 * @throws SimiliError IMPORT_UNREADABLE when the header will not do.
 */
export function readCsv(path: string, wish: Wish, products: ProductReader) {
  let reader: Reader | null = null;
  const isRow = (raw: Raw): boolean => {
    if (raw.passedOver !== null) return true;
    const result = products.judge(raw);
    return 'row' in result && result.row.images.every((image) => PICTURE.test(image));
  };
  const reads: AsyncIterable<Read> = readRows(path, {
    header(columns) {
      reader = readerOf(columns, wish);
      if (!reader) return null;
      const { raw, has } = reader;
      checkMapped(path, columns, wish);
      return { isRead: has, note: (unread) => whatIsRead(reader!, unread), isRow: (cells) => isRow(raw(cells)) };
    },
    wanted: `${wantedColumns(NEEDED, knownColumns)}, or be that of a known export (docs/catalog.md); --map image=COLUMN names another one`,
  });
  return { reads, rawOf: (cells: Parameters<Reader['raw']>[0]): Raw => reader!.raw(cells) };
}

/** A column that a person names must be there. @throws SimiliError IMPORT_UNREADABLE. */
function checkMapped(source: string, columns: readonly string[], { mapping }: Wish): void {
  const missing = [...mapping.values()].flat().find((column) => !columns.includes(column));
  if (missing === undefined) return;
  throw new SimiliError('IMPORT_UNREADABLE', { source, why: `it has no column ${missing}, which --map names` });
}
