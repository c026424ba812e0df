import { splitSources } from './source.ts';

/** A field of a product from some columns of its row. */
export type Reading = {
  columns: readonly string[];
  /** @param values of the columns that are there, '' for none; @param columns their keys, in the same order */
  read: (values: readonly unknown[], columns: readonly string[]) => unknown;
};

/** Key of a column or a JSON member: `Image Src`, `image_src` and `IMAGE-SRC` are one. */
export const keyOf = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');

/** Whether a column says something. */
export const isThere = (value: unknown): boolean => value !== undefined && value !== null && value !== '';
/** A feed may repeat an element: its values in their order. */
const flat = (values: readonly unknown[]): unknown[] => values.flat().filter(isThere);

/** The first column that says something. */
export const first = (...columns: string[]): Reading => ({ columns, read: (values) => flat(values)[0] });

/** Commas before a URL or a blank: a URL may hold others. */
const BETWEEN_PICTURES = /,\s+|,(?=https?:\/\/)/i;

const splits = {
  pictures: (text: string): string[] => splitSources(text).flatMap((part) => part.split(BETWEEN_PICTURES)),
  commas: (text: string): string[] => text.split(/(?<!\\),/).map(unescaped),
  /** For a table whose software nobody knows. */
  either: (text: string): string[] => (text.includes('|') ? text.split('|').map(unescaped) : splits.commas(text)),
};
/** As WooCommerce writes a comma that separates nothing. */
const unescaped = (text: string): string => text.replaceAll('\\,', ',').trim();

/** Entries of the lists in all of the columns. */
export const each = (split: keyof typeof splits, ...columns: string[]): Reading => ({
  columns,
  read: (values) => flat(values).flatMap((value) => (typeof value === 'string' ? splits[split](value) : [value])),
});

/** The first that is no number: where a feed may name a place in somebody's taxonomy by its number. */
export const firstText = (...columns: string[]): Reading => ({
  columns,
  read: (values) => flat(values).find((value) => !/^\d+$/.test(String(value))),
});

/** The longest of several paths: `Clothing > Hoodies, Clothing`. */
export const longestPath = (...columns: string[]): Reading => ({
  columns,
  read(values) {
    const paths = flat(values).flatMap((text) =>
      typeof text === 'string' ? text.split(/(?<!\\),/).map(unescaped) : [],
    );
    const depth = (path: string) => path.split('>').length;
    return paths.length > 0 ? paths.reduce((a, b) => (depth(b) > depth(a) ? b : a)) : undefined;
  },
});

/** The sale's price where there is one without dates; else the usual one. */
export const saleOr = (sale: string, usual: string, dates: readonly string[]): Reading => ({
  columns: [sale, usual, ...dates],
  read(values, columns) {
    const at = (column: string) => flat([values[columns.indexOf(column)]])[0];
    return isThere(at(sale)) && !dates.some((date) => isThere(at(date))) ? at(sale) : at(usual);
  },
});

/** Whether something may be sold: nothing counts it, some are left, or it is sold without being there. */
export const stock = (tracker: readonly string[], quantity: readonly string[], policy: readonly string[]): Reading => ({
  columns: [...tracker, ...quantity, ...policy],
  read(values, columns) {
    const at = (names: readonly string[]) => {
      const place = columns.findIndex((column) => names.includes(column));
      return String((place < 0 ? undefined : values[place]) ?? '');
    };
    if (at(quantity) === '' && at(policy) === '') return undefined; // the row is no variant
    return at(tracker) === '' || Number(at(quantity)) > 0 || /^(continue|true|yes)$/i.test(at(policy));
  },
});
