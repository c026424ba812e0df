import { isBlank, type Line, MAX_LINE_BYTES } from './lines.ts';

/** `line`: number of the first one of the record. */
export type CsvRecord = { line: number; cells: string[] } | { line: number; problem: string };
export type CsvShape = {
  delimiter: string;
  columns: number;
  /** Whether these cells are a good row by themselves. */
  isRow: (cells: string[]) => boolean;
};

/** A quoted cell that spans more lines than this, or makes its row longer than a line may be, was opened by mistake. */
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
    if (text.length > MAX_LINE_BYTES) return null;
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
 * The cells of one record (RFC 4180), without blanks around them; 'open' when its text ends within quotes. A parser of files would
 * take the rest of one for a cell whose quote nobody closed.
 * @param relaxed takes a quote inside an unquoted cell (19" rack), and text behind a closing one ("Best" shirt), as it is written
 */
export function parseCells(text: string, delimiter: string, relaxed: boolean): string[] | 'open' | { problem: string } {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim());
  const cells: string[] = [];
  for (let at = 0; ; ) {
    const cell = cellAt(text, at, delimiter, relaxed);
    if (cell === 'open') return cell;
    if (cell === 'broken') return { problem: 'its quotes are broken' };
    cells.push(cell.value);
    if (cell.end >= text.length) return cells;
    at = cell.end + delimiter.length;
  }
}

type Cell = { value: string; end: number };

function cellAt(text: string, from: number, delimiter: string, relaxed: boolean): Cell | 'open' | 'broken' {
  const endAfter = (at: number): number => {
    const end = text.indexOf(delimiter, at);
    return end < 0 ? text.length : end;
  };
  const start = afterBlanks(text, from, delimiter);
  if (text[start] !== '"') {
    const value = text.slice(from, endAfter(from));
    return !relaxed && value.includes('"') ? 'broken' : { value: value.trim(), end: from + value.length };
  }
  let value = '';
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return 'open';
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') {
      const end = afterBlanks(text, quote + 1, delimiter);
      if (end === text.length || text.startsWith(delimiter, end)) return { value, end };
      return relaxed ? { value: text.slice(start, endAfter(quote)).trim(), end: endAfter(quote) } : 'broken';
    }
    value += '"';
    at = quote + 2;
  }
}

/** Place of the first character from here that is no blank, or separates. */
function afterBlanks(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && text[at] !== delimiter && text[at]?.trim() === '') at += 1;
  return at;
}
