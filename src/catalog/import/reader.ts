import { SimiliError } from '../../errors.ts';
import { type Format, formats, ownFormat } from './formats.ts';
import { each, first, keyOf, type Reading } from './readings.ts';
import { type Field, knownColumns } from './row.ts';

/** Values of a row by the keys of their columns. */
export type Cells = Readonly<Record<string, unknown>>;
/** A row in our own fields, not checked yet. */
export type Raw = {
  format: Format;
  fields: Partial<Record<Field, unknown>>;
  /** Reason why shoppers do not see the product of this row; null: they do. */
  passedOver: string | null;
  /** Place of the row's picture among those of its product. */
  position: number;
};
/** How rows with certain columns are read. */
export type Reader = {
  format: Format;
  /** Columns of each field, by their keys. */
  reads: ReadonlyMap<Field, readonly string[]>;
  /** Whether a column is read. */
  has(key: string): boolean;
  raw(cells: Cells): Raw;
};
/** Columns that a person named for our fields. */
type Mapping = ReadonlyMap<Field, readonly string[]>;
/** Wishes of a person for how a file is read. */
export type Wish = {
  mapping: Mapping;
  /** Parts of keys, a language (de_de) or a currency (eur), that come first where several columns are the same field. */
  prefer: readonly string[];
};

/**
 * `image=image_link,title=Bezeichnung`: our field and whose column it is; several columns with `|` between them.
 * @throws SimiliError INVALID_ARGUMENT
 */
export function parseMapping(text: string): Mapping {
  const refuse = (why: string) => new SimiliError('INVALID_ARGUMENT', { argument: 'map', why });
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair): [Field, string[]] => {
      const [name = '', columns = ''] = pair.split(/=(.*)/s).map((part) => part.trim());
      const field = knownColumns.find((known) => known === keyOf(name));
      if (!field) throw refuse(`knows no ${JSON.stringify(name)}: it names one of ${knownColumns.join(', ')}`);
      if (keyOf(columns) === '') throw refuse(`must name a column behind ${name}=`);
      return [field, columns.split('|').map(keyOf)];
    }),
  );
}

/** @returns null when neither a known format nor the mapping finds id and image in these columns. */
export function readerOf(keys: readonly string[], wish: Wish): Reader | null {
  const there = new Set(keys);
  const known = formats.find(({ marks }) => marks.every((some) => some.some((column) => there.has(column))));
  const reader = bind(known ?? ownFormat, there, wish);
  return known || (reader.reads.has('id') && reader.reads.has('image')) ? reader : null;
}

/** The same for rows whose format is known: a feed leaves out what has no value. */
export function bind(format: Format, keys: ReadonlySet<string>, { mapping, prefer }: Wish): Reader {
  const mapped = [...mapping].map(([field, columns]) => [field, readingOf(field, columns)] as const);
  const readings = Object.entries({ ...format.fields, ...Object.fromEntries(mapped) }) as [Field, Reading][];
  const bound = readings
    .map(([field, { columns, read }]) => ({ field, read, columns: present(columns, keys, prefer) }))
    .filter(({ columns }) => columns.length > 0);
  const used = new Set(bound.flatMap(({ columns }) => columns));
  return {
    format,
    reads: new Map(bound.map(({ field, columns }) => [field, columns])),
    has: (key) => used.has(key),
    raw(cells) {
      const cell = (...columns: string[]) => String(columns.map((column) => cells[column]).find(Boolean) ?? '').trim();
      const fields = bound.map(({ field, columns, read }) => [
        field,
        read(
          columns.map((column) => cells[column]),
          columns,
        ),
      ]);
      return {
        format,
        fields: Object.fromEntries(fields),
        passedOver: format.passedOver?.(cell) ?? null,
        position: Number(cell(...(format.position ?? []))) || 0,
      };
    },
  };
}

const LISTS: Partial<Record<Field, Parameters<typeof each>[0]>> = { image: 'pictures', tags: 'either' };
const readingOf = (field: Field, columns: readonly string[]): Reading => {
  const split = LISTS[field];
  return split ? each(split, ...columns) : first(...columns);
};

/** Those that are there; `*` is any ending, those in the preferred language or currency first. */
function present(columns: readonly string[], keys: ReadonlySet<string>, prefer: readonly string[]): string[] {
  const found = columns.flatMap((column) => {
    if (!column.endsWith('*')) return keys.has(column) ? [column] : [];
    const some = [...keys].filter((key) => key.startsWith(column.slice(0, -1)));
    const isPreferred = (key: string) => prefer.some((part) => `${key}_`.includes(`_${part}_`));
    return [...some.filter(isPreferred), ...some.filter((key) => !isPreferred(key))];
  });
  return [...new Set(found)];
}
