import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

/** A product as an import file or folder describes it. */
export type ImportRow = {
  id: string;
  title: string;
  /** http(s) URLs or absolute paths, the one to compare first. */
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
  /** The sender's own counting, >= 0. */
  version: number;
};

/** `line`: number in the file, from 1, or the path in the folder. A problem leaves out its row and nothing else. */
export type CatalogEntry = { line: number | string; row: ImportRow } | { line: number | string; problem: string };

/** Absent, and an empty cell, mean the same. */
const absent = (value: unknown) =>
  value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value;
const optional = <T extends z.ZodType>(type: T) => z.preprocess(absent, type.optional());
/** JSON may write ids and prices as numbers. */
const numberAsText = (value: unknown) => (typeof value === 'number' ? String(value) : value);
/** A list, or one text with separators. */
const asList = (separator: string) => (value: unknown) => {
  const list = typeof value === 'string' ? value.split(separator) : (value ?? []);
  return Array.isArray(list) ? list.map(trimmed).filter((entry) => entry !== '') : list;
};
const trimmed = (value: unknown) => (typeof value === 'string' ? value.trim() : value);

/** What Postgres cannot store as text: U+0000, half of a surrogate pair. */
const storable = (text: string) => !/[\0\p{Cs}]/u.test(text);
const text = (most: number) =>
  z

    .string({ error: ({ input }) => (input == null ? 'is missing' : 'must be text') })
    .trim()
    .min(1, 'is empty')
    .max(most, `has more than ${most} characters`)
    .refine(storable, 'holds a character that cannot be stored');
const list = (separator: string, most: number, characters: number) =>
  z.preprocess(
    asList(separator),
    z.array(text(characters), 'must be a list of texts').max(most, `has more than ${most} entries`),
  );
const TRUTH: Record<string, boolean> = { true: true, yes: true, '1': true, false: false, no: false, '0': false };

const Row = z
  .object({
    id: z.preprocess(numberAsText, text(200)),
    title: optional(text(1000)),
    image: list('|', 10, 4096).refine((images) => images.length > 0, 'is empty'),
    url: optional(text(2048).refine(isWebUrl, 'is not an http(s) URL')),
    categories: list('>', 10, 200),
    tags: list('|', 100, 200),
    price: z.preprocess(
      numberAsText,
      optional(
        z
          .string('must be a number')
          .trim()
          .regex(/^\d{1,10}(\.\d{1,4})?$/, 'must look like 19.90'),
      ),
    ),
    currency: optional(
      z
        .string('must be text')
        .trim()
        .regex(/^[A-Z]{3}$/, 'must be three capitals, like EUR'),
    ),
    available: z.preprocess(
      (value) => TRUTH[String(value).trim().toLowerCase()] ?? absent(value) ?? true,
      z.boolean('must be true or false'),
    ),
    version: z.preprocess(
      (value) => (typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : (absent(value) ?? 0)),
      z.int('must be a whole number').min(0, 'must be 0 or more'),
    ),
  })
  .refine(({ price, currency }) => price === undefined || currency !== undefined, {
    path: ['currency'],
    message: 'is needed with a price',
  });

/** The columns of a CSV file and the keys of a JSONL line. */
export const knownColumns = Object.keys(Row.shape);

/**
 * Checks one row; relative picture paths are taken from `folder`.
 * @returns the row, or what is wrong with it in one sentence.
 */
export function toRow(raw: Record<string, unknown>, folder: string): { row: ImportRow } | { problem: string } {
  const parsed = Row.safeParse(raw);
  if (!parsed.success) return { problem: describe(parsed.error) };
  const { image, title, url, price, currency, ...rest } = parsed.data;
  const images = image.map((source) => locate(source, folder));
  const stranger = images.indexOf(null);
  if (stranger >= 0) return { problem: `image ${image[stranger]} is neither a path nor an http(s) URL` };
  const optionals = { title: title ?? rest.id, url: url ?? null, price: price ?? null, currency: currency ?? null };
  return { row: { ...rest, ...optionals, images: images as string[] } };
}

/** An http(s) URL as it is, a path made absolute; null for any other scheme. */
function locate(source: string, folder: string): string | null {
  if (isWebUrl(source)) return source;
  if (isAbsolute(source)) return source;
  return /^[a-z][a-z0-9+.-]+:/i.test(source) ? null : resolve(folder, source);
}

function isWebUrl(source: string): boolean {
  return /^https?:\/\//i.test(source) && URL.canParse(source);
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
