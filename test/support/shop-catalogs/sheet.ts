import type { ImportRow, ReadOptions } from '../../../src/catalog/import/index.ts';

/** A catalog as a shop exports it, with its faults, and what must become of every row of it. */
export type ShopCatalog = {
  /** Name of the file. */
  file: string;
  content: string | Uint8Array;
  options: ReadOptions;
  /** Rows of the file as a person counts them: no header, no lines that hold nothing. */
  rows: number;
  /** Rows that belong to the product of the row before. */
  joined: number;
  /** Products that must be stored, and what must be said of some of them. */
  stored: Map<string, Partial<ImportRow>>;
  /** Line and reason of each row that is left out. */
  problems: [line: number, why: string][];
  passedOver: [line: number, why: string][];
  /** Remarks that must be told of the file. */
  notes: string[];
};
/** Outcome of a row. */
export type Fate =
  | { stored: string; row?: Partial<ImportRow> }
  | { problem: string }
  | { passedOver: string }
  | 'joined'
  | 'no row';

/** Writes a catalog row by row, counts its lines as an editor does, and notes what must become of each row. */
export class Sheet {
  private readonly parts: string[] = [];
  private line = 1;
  readonly expected: Omit<ShopCatalog, 'file' | 'content' | 'options'> = {
    rows: 0,
    joined: 0,
    stored: new Map(),
    problems: [],
    passedOver: [],
    notes: [],
  };

  constructor(private readonly lineEnd = '\n') {}

  /** @param text one row, without its line end; it may hold line ends */
  add(text: string, fate: Fate = 'no row'): void {
    const { expected, line } = this;
    this.parts.push(text, this.lineEnd);
    this.line += text.split('\n').length;
    if (fate === 'no row') return;
    expected.rows += 1;
    if (fate === 'joined') expected.joined += 1;
    else if ('stored' in fate) expected.stored.set(fate.stored, fate.row ?? {});
    else if ('problem' in fate) expected.problems.push([line, fate.problem]);
    else expected.passedOver.push([line, fate.passedOver]);
  }

  done(file: string, options: ReadOptions = {}, encode = (text: string): string | Uint8Array => text): ShopCatalog {
    return { file, options, content: encode(this.parts.join('')), ...this.expected };
  }
}

/** One row of a CSV file: cells with separators, quotes or line ends are quoted. Independent of the reader. */
export const csvRow = (cells: readonly (string | number | undefined)[], separator = ','): string =>
  cells
    .map((cell) => String(cell ?? ''))
    .map((cell) => (/["\n\r]/.test(cell) || cell.includes(separator) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(separator);

/** A row that names its cells, in the order of the columns. */
export const byName =
  (columns: readonly string[], separator = ',') =>
  (cells: Readonly<Record<string, string | number | undefined>>): string => {
    const stranger = Object.keys(cells).find((name) => !columns.includes(name));
    if (stranger !== undefined) throw new Error(`the sheet has no column ${stranger}`);
    return csvRow(
      columns.map((column) => cells[column]),
      separator,
    );
  };

const THINGS = ['Stiefel "Größe 40"', 'Mug, blue', 'Café-Tisch', 'Lamp 19" rack', 'Räucherkerze', 'T-shirt; v-neck'];
export const titleOf = (i: number): string => `${THINGS[i % THINGS.length]} ${i}`;
export const picture = (i: number | string): string => `https://cdn.shop.test/files/p-${i}.jpg?v=17,3`;
/** 5.00 to 1,504.99 */
export const priceOf = (i: number): string => (5 + (i % 1500) + (i % 100) / 100).toFixed(2);
/** The same as Germany writes it: 1.504,99. */
export const germanPriceOf = (i: number): string =>
  priceOf(i)
    .replace('.', ',')
    .replace(/^(\d)(\d{3}),/, '$1.$2,');
