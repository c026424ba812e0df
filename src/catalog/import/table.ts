import { SimiliError } from '../../errors.ts';
import { parseCells, readRecords } from './csv-records.ts';
import { importError } from './import-error.ts';
import { isBlank, type Line, readLines } from './lines.ts';
import { unknownColumns } from './unknown-columns.ts';

/** A row of a CSV file by the names of its header, in lower case; what is wrong with a line; or what should be known. */
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

/**
 * Rows of a CSV file with a header; columns that mean nothing are told as a note on the header's line. A broken line
 * costs itself and no other.
 * @throws SimiliError IMPORT_UNREADABLE when the file cannot be opened or its header will not do
 */
export async function* readTable(path: string, { needed, known, isRow }: TableShape): AsyncGenerator<TableEntry> {
  const lines = readLines(path);
  try {
    const first = await firstLine(lines);
    const { columns, delimiter } = headerOf(path, first, needed, known);
    const unknown = columns.filter((column) => column !== '' && !known.includes(column));
    if (unknown.length > 0) yield { line: first?.number ?? 1, note: unknownColumns(unknown, known) };
    const named = (cells: readonly string[]) =>
      Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    const shape = { delimiter, columns: columns.length, isRow: (cells: string[]) => isRow(named(cells)) };
    for await (const record of readRecords(lines, shape)) {
      yield 'problem' in record ? record : { line: record.line, cells: named(record.cells) };
    }
  } catch (error) {
    throw importError(path, error);
  } finally {
    await lines.return(undefined);
  }
}

async function firstLine(lines: AsyncIterator<Line>): Promise<Line | undefined> {
  for (let next = await lines.next(); !next.done; next = await lines.next())
    if (!isBlank(next.value)) return next.value;
  return undefined;
}

/** Column names in lower case; a spreadsheet may leave some at the end without a name. */
function headerOf(source: string, line: Line | undefined, needed: readonly string[], known: readonly string[]) {
  const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source, why });
  if (!line) throw refuse('it is empty');
  if (line.text === null) throw refuse(`in its header ${line.problem}`);
  const { text } = line;
  const readings = DELIMITERS.map((delimiter) => ({ delimiter, columns: columnsOf(text, delimiter) }));
  const reading = readings.find(({ columns }) => needed.every((name) => columns.includes(name)));
  if (!reading) {
    const optional = known.filter((column) => !needed.includes(column)).join(', ');
    throw refuse(
      `its first line must name the ${needed.length > 1 ? 'columns' : 'column'} ${listed(needed)} (and may name ${optional})`,
    );
  }
  const twice = reading.columns.find((column, i) => column !== '' && reading.columns.indexOf(column) !== i);
  if (twice !== undefined) throw refuse(`its header names ${twice} twice`);
  return reading;
}

function columnsOf(text: string, delimiter: string): string[] {
  const cells = parseCells(text, delimiter, true);
  return Array.isArray(cells) ? cells.map((cell) => cell.toLowerCase()) : [];
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
