import { SimiliError } from '../../errors.ts';
import { parseCells, readRecords } from './csv-records.ts';
import { importError } from './import-error.ts';
import { isBlank, type Line, readLines } from './lines.ts';
import { keyOf } from './readings.ts';
import { unknownColumns } from './unknown-columns.ts';

/** A row of a CSV file by the keys of its columns; what is wrong with a line; or what should be known. */
export type TableEntry = { line: number } & (
  | { cells: Record<string, string> }
  | { problem: string }
  /** Costs no row. */
  | { note: string }
);

/** Message for a line that gives no row. */
export const reasonOf = (entry: { problem: string } | { note: string }): string =>
  'problem' in entry ? entry.problem : entry.note;

/** Spreadsheets write the one their country uses. */
const DELIMITERS = [',', ';', '\t'];

export type TableShape = {
  /** Columns that the header must name, and all that mean something. */
  needed: readonly string[];
  known: readonly string[];
  /** Whether these cells are a good row by themselves: an unclosed quote never swallows one. */
  isRow: (cells: Record<string, string>) => boolean;
};
/** A header, understood. */
export type Header = {
  isRead: (column: string) => boolean;
  /** A remark on it, given the columns that are not read; null: none. */
  note: (unread: readonly string[]) => string | null;
  isRow: TableShape['isRow'];
};
type Shape = {
  /** @returns null for columns that will not do. */
  header: (columns: readonly string[]) => Header | null;
  /** Columns that the first line must name, for the error. */
  wanted: string;
};

/** Rows of a CSV file with these columns; see `readRows`. */
export const readTable = (path: string, { needed, known, isRow }: TableShape): AsyncGenerator<TableEntry> =>
  readRows(path, {
    header: (columns) =>
      needed.every((name) => columns.includes(name))
        ? {
            isRead: (column) => known.includes(column),
            note: (unread) => (unread.length > 0 ? unknownColumns(unread, known) : null),
            isRow,
          }
        : null,
    wanted: wantedColumns(needed, known),
  });

export function wantedColumns(needed: readonly string[], known: readonly string[]): string {
  const optional = known.filter((column) => !needed.includes(column)).join(', ');
  return `the ${needed.length > 1 ? 'columns' : 'column'} ${listed(needed)} (and may name ${optional})`;
}

/**
 * Rows of a CSV file with a header, by the keys of its columns (`keyOf`); what should be known of the header is a note on
 * its line. A broken line costs itself and no other.
 * @throws SimiliError IMPORT_UNREADABLE when the file cannot be opened or its header will not do
 */
export async function* readRows(path: string, shape: Shape): AsyncGenerator<TableEntry> {
  const lines = readLines(path);
  try {
    const first = await firstLine(lines);
    const { columns, delimiter, header } = headerOf(path, first, shape);
    const note = header.note(columns.filter((column) => column !== '' && !header.isRead(column)));
    if (note !== null) yield { line: first?.number ?? 1, note };
    const named = (cells: readonly string[]) =>
      Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    const isRow = (cells: string[]) => header.isRow(named(cells));
    for await (const record of readRecords(lines, { delimiter, columns: columns.length, isRow })) {
      yield 'problem' in record ? record : { line: record.line, cells: named(record.cells) };
    }
  } catch (error) {
    throw importError(path, error);
  } finally {
    await lines.return(undefined);
  }
}

/** A spreadsheet may name its separator before its header. */
const SEPARATOR = /^"?sep=."?$/i;

async function firstLine(lines: AsyncIterator<Line>): Promise<Line | undefined> {
  for (let next = await lines.next(); !next.done; next = await lines.next())
    if (!isBlank(next.value) && !SEPARATOR.test(next.value.text ?? '')) return next.value;
  return undefined;
}

/** Keys of the columns; a spreadsheet may leave some at the end without a name. */
function headerOf(source: string, line: Line | undefined, { header, wanted }: Shape) {
  const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source, why });
  if (!line) throw refuse('it is empty');
  if (line.text === null) throw refuse(`in its header ${line.problem}`);
  for (const delimiter of DELIMITERS) {
    const columns = columnsOf(line.text, delimiter);
    const found = header(columns);
    if (!found) continue;
    const twice = columns.find((column, i) => found.isRead(column) && columns.indexOf(column) !== i);
    if (twice !== undefined) throw refuse(`its header names ${twice} twice`);
    return { columns, delimiter, header: found };
  }
  throw refuse(`its first line must name ${wanted}`);
}

function columnsOf(text: string, delimiter: string): string[] {
  const cells = parseCells(text, delimiter, true);
  return Array.isArray(cells) ? cells.map(keyOf) : [];
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
