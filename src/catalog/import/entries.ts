import type { ProductReader } from './product.ts';
import type { Cells, Raw } from './reader.ts';
import { isThere } from './readings.ts';
import { type CatalogEntry, type Field, idOf } from './row.ts';

/** A row as its file has it, by the keys of its columns; what is wrong with a line; or a remark. */
export type Read = { line: number } & ({ cells: Cells } | { problem: string } | { note: string });
/** Rows that are one product so far. */
type Open = { line: number; rows: Raw[]; id: string | null };

/**
 * Rows of a file to products: those of one id that follow each other are one, where its format says so.
 * @param rawOf a row in our own fields
 * @param tellId the id of every row that names one, whatever else is wrong with it; null for a row that names none
 */
export async function* toEntries(
  reads: AsyncIterable<Read>,
  rawOf: (cells: Cells) => Raw,
  products: ProductReader,
  tellId: (id: string | null) => void,
): AsyncGenerator<CatalogEntry> {
  let open: Open | null = null;
  let last = 1;
  for await (const read of reads) {
    last = read.line;
    if (!('cells' in read)) {
      if ('problem' in read) tellId(null);
      yield read;
      continue;
    }
    const raw = rawOf(read.cells);
    const id = idOf(raw.fields);
    if (open && id !== null && id === open.id) {
      open.rows.push(raw);
      continue;
    }
    if (open) yield closed(open, products, tellId);
    open = { line: read.line, rows: [raw], id };
    if (raw.format.rowsOfOne) continue;
    yield closed(open, products, tellId);
    open = null;
  }
  if (open) yield closed(open, products, tellId);
  for (const note of products.notes()) yield { line: last, note };
}

function closed({ line, rows, id }: Open, products: ProductReader, tellId: (id: string | null) => void): CatalogEntry {
  const place = rows.length > 1 ? { line, rows: rows.length } : { line };
  const raw = joined(rows);
  if (raw.passedOver !== null) return { ...place, passedOver: raw.passedOver };
  tellId(id);
  return { ...place, ...products.read(raw) };
}

/** Pictures in the order of their places, for sale when one of the rows is; else what the first row says that says it. */
function joined(rows: readonly Raw[]): Raw {
  const [head] = rows as [Raw];
  if (rows.length === 1) return head;
  const fields: Partial<Record<Field, unknown>> = {};
  for (const row of rows.toReversed()) {
    for (const [name, value] of Object.entries(row.fields)) if (saysSomething(value)) fields[name as Field] = value;
  }
  fields.image = rows.toSorted((a, b) => a.position - b.position).flatMap((row) => row.fields.image ?? []);
  fields.available = rows.some((row) => row.fields.available === true) || fields.available;
  return { ...head, fields, passedOver: rows.find((row) => row.passedOver !== null)?.passedOver ?? null };
}

const saysSomething = (value: unknown): boolean => isThere(value) && !(Array.isArray(value) && value.length === 0);
