import { CsvError, parse } from 'csv-parse/sync';
import { isBlank, type Line } from './lines.ts';

/** `line`: number of the first one of the record. */
export type CsvRecord = { line: number; cells: string[] } | { line: number; problem: string };
export type CsvShape = {
  delimiter: string;
  columns: number;
  /** Whether these cells are a good row by themselves. */
  isRow: (cells: string[]) => boolean;
};

/** A quoted cell that spans more lines than this was opened by mistake. */
const MAX_LINES = 500;

/**
 * Lines to records. A quoted cell may hold line breaks. A quote that is never closed, or that would swallow a line which
 * is a good row by itself, costs its own line and no other: reading goes on with the next one. Lines without any text in their cells are no rows.
 */
export async function* readRecords(lines: AsyncIterator<Line>, shape: CsvShape): AsyncGenerator<CsvRecord> {
  const ahead: Line[] = [];
  const peek = async (i: number): Promise<Line | undefined> => {
    while (ahead.length <= i) {
      const next = await lines.next();
      if (next.done) return undefined;
      ahead.push(next.value);
    }
    return ahead[i];
  };
  for (let first = await peek(0); first; first = await peek(0)) {
    if (isBlank(first)) {
      ahead.shift();
      continue;
    }
    const { record, used } = await recordAt(first, peek, shape);
    ahead.splice(0, used);
    if (record) yield record;
  }
}

/** `record`: null for separators with nothing between them, as spreadsheets write below the last row. */
type Taken = { record: CsvRecord | null; used: number };

async function recordAt(first: Line, peek: (i: number) => Promise<Line | undefined>, shape: CsvShape): Promise<Taken> {
  const line = first.number;
  if (first.text === null) return { record: { line, problem: first.problem }, used: 1 };
  const alone = parseCells(first.text, shape.delimiter, true);
  if (Array.isArray(alone)) {
    return { record: alone.every((cell) => cell === '') ? null : checked(line, alone, shape), used: 1 };
  }
  if (alone === 'open') {
    const long = await recordOverLines(first.text, peek, shape);
    if (long) return { record: { line, cells: long.cells }, used: long.used };
    return { record: { line, problem: 'a quote is opened and never closed' }, used: 1 };
  }
  return { record: { line, problem: alone.problem }, used: 1 };
}

/** The record of a cell that stays open at the end of its line; null when no such record can be made out. */
async function recordOverLines(start: string, peek: (i: number) => Promise<Line | undefined>, shape: CsvShape) {
  let text = start;
  for (let used = 1; used < MAX_LINES; used++) {
    const next = await peek(used);
    if (next?.text == null) return null;
    const alone = parseCells(next.text, shape.delimiter, true);
    if (Array.isArray(alone) && alone.length === shape.columns && shape.isRow(alone)) return null;
    text += `\n${next.text}`;
    if (!next.text.includes('"')) continue;
    const cells = parseCells(text, shape.delimiter, false);
    if (Array.isArray(cells)) return cells.length === shape.columns ? { cells, used: used + 1 } : null;
    if (cells !== 'open') return null;
  }
  return null;
}

function checked(line: number, cells: string[], { columns }: CsvShape): CsvRecord {
  if (cells.length === columns) return { line, cells };
  return { line, problem: `it has ${cells.length} cells, the header has ${columns}` };
}

/**
 * The cells of one record; 'open' when its text ends within quotes.
 * @param relaxed takes a quote inside an unquoted cell (19" rack) as a character.
 */
export function parseCells(text: string, delimiter: string, relaxed: boolean): string[] | 'open' | { problem: string } {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim()); // nearly all, at a tenth of the time
  try {
    return parse(text, { delimiter, relax_quotes: relaxed, relax_column_count: true, trim: true })[0] ?? [];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return error.code === 'CSV_QUOTE_NOT_CLOSED' ? 'open' : { problem: 'its quotes are broken' };
  }
}
