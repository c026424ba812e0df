import { dirname } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { parseCells, readRecords } from './csv-records.ts';
import { isBlank, type Line, readLines } from './lines.ts';
import { type CatalogEntry, knownColumns, toRow } from './row.ts';
import { unknownColumns } from './unknown-columns.ts';

/** Spreadsheets write the one their country uses. */
const DELIMITERS = [',', ';', '\t'];
const NEEDED = ['id', 'image'];
const PICTURE = /^https?:\/\/|\.(jpe?g|png|webp|avif|gif)$/i;

/** @throws SimiliError IMPORT_UNREADABLE when the header will not do. */
export async function* readCsv(path: string): AsyncGenerator<CatalogEntry> {
  const folder = dirname(path);
  const lines = readLines(path);
  try {
    const first = await firstLine(lines);
    const { columns, delimiter } = readHeader(path, first);
    const unknown = columns.filter((column) => column !== '' && !knownColumns.includes(column));
    if (unknown.length > 0) yield { line: first?.number ?? 1, problem: unknownColumns(unknown) };
    const toObject = (cells: string[]) => Object.fromEntries(columns.map((column, i) => [column, cells[i]]));
    const isRow = (cells: string[]) => {
      const result = toRow(toObject(cells), folder);
      return 'row' in result && result.row.images.every((image) => PICTURE.test(image));
    };
    for await (const record of readRecords(lines, { delimiter, columns: columns.length, isRow })) {
      if ('problem' in record) yield record;
      else yield { line: record.line, ...toRow(toObject(record.cells), folder) };
    }
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
function readHeader(source: string, line: Line | undefined): { columns: string[]; delimiter: string } {
  const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source, why });
  if (!line) throw refuse('it is empty');
  if (line.text === null) throw refuse(`in its header ${line.problem}`);
  const { text } = line;
  const readings = DELIMITERS.map((delimiter) => ({ delimiter, columns: columnsOf(text, delimiter) }));
  const reading = readings.find(({ columns }) => NEEDED.every((name) => columns.includes(name)));
  if (!reading) throw refuse(`its first line must name the columns id and image (and may name ${optionalColumns()})`);
  const twice = reading.columns.find((column, i) => column !== '' && reading.columns.indexOf(column) !== i);
  if (twice !== undefined) throw refuse(`its header names ${twice} twice`);
  return reading;
}

function columnsOf(text: string, delimiter: string): string[] {
  const cells = parseCells(text, delimiter, true);
  return Array.isArray(cells) ? cells.map((cell) => cell.toLowerCase()) : [];
}

const optionalColumns = () => knownColumns.filter((column) => !NEEDED.includes(column)).join(', ');
