import { z } from 'zod';
import { isStorable, lengthOf, toId } from '../../text.ts';
import { Unreadable } from './money.ts';
import { isWebUrl, locate, splitSources, withScheme } from './source.ts';

/** A product as an import file or folder describes it. */
export type ImportRow = {
  id: string;
  title: string;
  /** http(s) URLs or absolute paths, the one to show first. */
  images: string[];
  url: string | null;
  /** From broad to narrow. */
  categories: string[];
  tags: string[];
  /** Exact decimal, 0 or more. */
  price: string | null;
  /** ISO 4217; present when there is a price. */
  currency: string | null;
  available: boolean;
  /** Id of the product whose variant this is. */
  groupId: string | null;
  /** The sender's own counting, >= 0. */
  version: number;
};

/**
 * `line`: number in the file, from 1, or the path in the folder; `rows`: how many of the file it is made of, 1 where it says
 * nothing. A problem leaves out its row and nothing else; one that is passed over is no product that shoppers see; a note
 * is worth telling and leaves out nothing.
 */
export type CatalogEntry = { line: number | string; rows?: number } & (
  | { row: ImportRow }
  | { problem: string }
  | { passedOver: string }
  | { note: string }
);

/** A whole number of a JSON file beyond those that JavaScript counts exactly (2^53), as it is written. */
export class ExactNumber {
  constructor(readonly digits: string) {}
}

/** Absent, and an empty cell, mean the same. */
const absent = (value: unknown) =>
  value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value;
const optional = <T extends z.ZodType>(type: T) => z.preprocess(absent, type.optional());
/** JSON may write ids and prices as numbers. */
const numberAsText = (value: unknown) =>
  value instanceof ExactNumber ? value.digits : typeof value === 'number' ? String(value) : value;
const price = (value: unknown, context: z.RefinementCtx) => {
  if (!(value instanceof Unreadable)) return numberAsText(value);
  context.addIssue({ code: 'custom', message: value.why });
  return z.NEVER;
};
/** A power of ten says that digits were lost where the file was written. */
const idAsText = (value: unknown, context: z.RefinementCtx) => {
  if (!(value instanceof ExactNumber) || /^-?\d+$/.test(value.digits)) return numberAsText(value);
  context.addIssue({ code: 'custom', message: 'is a rounded number: write it as text' });
  return z.NEVER;
};
type Split = (text: string) => string[];
const at =
  (separator: string): Split =>
  (text) =>
    text.split(separator);
/** A list, or one text with separators. */
const asList = (split: Split) => (value: unknown) => {
  const list = typeof value === 'string' ? split(value) : (value ?? []);
  return Array.isArray(list) ? list.map(trimmed).filter((entry) => entry !== '') : list;
};
const trimmed = (value: unknown) => (typeof value === 'string' ? value.trim() : value);

const text = (most: number) =>
  z
    .string({ error: ({ input }) => (input == null ? 'is missing' : 'must be text') })
    .trim()
    .min(1, 'is empty')
    .refine((value) => lengthOf(value) <= most, `has more than ${most} characters`)
    .refine(isStorable, 'holds a character that cannot be stored');
const list = (split: Split, most: number, characters: number) =>
  z.preprocess(
    asList(split),
    z.array(text(characters), 'must be a list of texts').max(most, `has more than ${most} entries`),
  );
/** As shops say it: `in stock`, `in_stock`, `http://schema.org/InStock`. What may be ordered before it is there is for sale. */
const TRUTH: Record<string, boolean> = {
  true: true,
  yes: true,
  '1': true,
  instock: true,
  limitedavailability: true,
  preorder: true,
  presale: true,
  backorder: true,
  onbackorder: true,
  false: false,
  no: false,
  '0': false,
  outofstock: false,
  soldout: false,
  discontinued: false,
};
const truth = (value: unknown): boolean | undefined =>
  TRUTH[
    String(value)
      .trim()
      .toLowerCase()
      .replace(/^https?:\/\/schema\.org\//, '')
      .replace(/[\s_-]+/g, '')
  ];

const Row = z
  .object({
    id: z.preprocess(idAsText, text(200).transform(toId)),
    title: optional(text(1000)),
    image: list(splitSources, 10, 4096).refine((images) => images.length > 0, 'is empty'),
    url: optional(text(2048).transform(withScheme).refine(isWebUrl, 'is not an http(s) URL')),
    categories: list(at('>'), 10, 200),
    tags: list(at('|'), 100, 200),
    price: z.preprocess(
      price,
      optional(
        z
          .string('must be a number')
          .trim()
          .regex(/^\d{1,10}(\.\d{1,4})?$/, 'must look like 19.90, or as --locale says'),
      ),
    ),
    currency: optional(
      z
        .string('must be text')
        .trim()
        .regex(/^[A-Z]{3}$/, 'must be three capitals, like EUR'),
    ),
    available: z.preprocess((value) => truth(value) ?? absent(value) ?? true, z.boolean('must be true or false')),
    version: z.preprocess(
      (value) => {
        const given = numberAsText(value);
        return typeof given === 'string' && /^\s*\d+\s*$/.test(given) ? Number(given) : (absent(value) ?? 0);
      },
      z.int('must be a whole number below 2^53').min(0, 'must be 0 or more'),
    ),
    // As product feeds call it.
    item_group_id: z.preprocess(idAsText, optional(text(200))),
  })
  .refine(({ price, currency }) => price === undefined || currency !== undefined, {
    path: ['currency'],
    message: 'is needed with a price',
  });

/** A field of a product in an import. */
export type Field = keyof typeof Row.shape;
/** The fields: our own columns of a CSV file and keys of JSON. */
export const knownColumns = Object.keys(Row.shape) as Field[];

/** The id of a row that may have other faults; null: it cannot be read. */
export const idOf = (raw: Readonly<Record<string, unknown>>): string | null =>
  Row.shape.id.safeParse(raw.id).data ?? null;

/**
 * Checks one row; relative picture paths are taken from `folder`.
 * @returns the row, or what is wrong with it in one sentence.
 */
export function toRow(raw: Record<string, unknown>, folder: string): { row: ImportRow } | { problem: string } {
  const parsed = Row.safeParse(raw);
  if (!parsed.success) return { problem: describe(parsed.error) };
  const { image, title, url, price, currency, item_group_id: groupId, ...rest } = parsed.data;
  const images = image.map((source) => locate(source, folder));
  const stranger = images.indexOf(null);
  if (stranger >= 0) return { problem: `image ${image[stranger]} is neither a path nor an http(s) URL` };
  const optionals = {
    title: title ?? rest.id,
    url: url ?? null,
    price: price ?? null,
    currency: currency ?? null,
    groupId: groupId ?? null,
  };
  return { row: { ...rest, ...optionals, images: images as string[] } };
}

/** Every issue by column; the place in a list from 1. */
function describe(error: z.ZodError): string {
  return error.issues
    .map(
      ({ path: [column, place], message }) =>
        `${String(column)}${typeof place === 'number' ? ` ${place + 1}` : ''} ${message}`,
    )
    .join('; ');
}
