import { z } from 'zod';
import { A_DECIMAL, isDecimal } from './decimal.ts';
import { SimiliError } from './errors.ts';
import { listOf } from './shapes.ts';
import { isStorable, isUuid, toId, UNSTORABLE } from './text.ts';

const WANTED_UUID = 'must be a UUID (RFC 9562) like "0197a3f0-5b1c-7c2e-9f10-2a6f3a1c0001"';
const WANTED_TIME = 'must be text like "2026-03-01T12:00:00Z" (RFC 3339, with its zone)';
const WANTED_DECIMAL = `must be ${A_DECIMAL}`;
const WANTED_VERSION = 'must be a whole number from 0 to 9007199254740991, or its digits as text';

/**
 * Parts of entries, as plain JSON: where one call brings many (events, products, ratings), one that is not right is refused alone, by
 * the path inside it.
 */
export type Misfit = { field: string[]; error: SimiliError<'INVALID_ARGUMENT'> };
export type Judged<T> = { value: T } | Misfit;

/** The first thing that is wrong with an entry, or its value. */
export function judge<T>(shape: z.ZodType<T>, entry: unknown): Judged<T> {
  const parsed = shape.safeParse(entry);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map(String);
  if (issue?.code !== 'unrecognized_keys') return misfit(path, issue?.message ?? 'is malformed');
  return misfit([...path, clipped(issue.keys[0] ?? '')], 'is not a field of this input');
}

/** @param field path inside the entry; [] for the entry itself */
export function misfit(field: string[], why: string): Misfit {
  return { field, error: new SimiliError('INVALID_ARGUMENT', { argument: field.join('.') || 'This entry', why }) };
}

/** An object of the named fields and no others. */
export const entryOf = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? 'must be an object' : undefined) });

export const entryText = z
  .string({ error: ({ input }) => missingOr(input, 'must be text') })
  .refine(isStorable, UNSTORABLE);

/** An id in its one spelling. JSON may write it as a number; beyond 2^53 its last digits were lost before we saw it. */
export const entryId = z
  .preprocess(
    (value) => (Number.isSafeInteger(value) ? String(value) : value),
    z
      .string({
        error: ({ input }) =>
          missingOr(
            input,
            typeof input === 'number'
              ? 'must be text or a whole number up to 9007199254740991: JSON loses digits of greater ones'
              : 'must be text',
          ),
      })
      .refine(isStorable, UNSTORABLE),
  )
  .transform(toId);

/** A key of its own for an event: any UUID, also in capitals or braces; the same id in another spelling is the same. */
export const entryUuid = z
  .string({ error: ({ input }) => missingOr(input, WANTED_UUID) })
  .transform((text) => text.replace(/^\{(.*)\}$/, '$1').toLowerCase())
  .refine(isUuid, WANTED_UUID);

/** RFC 3339, always with its zone: without one it would be another instant in every place. */
export const entryTime = z
  .string({ error: ({ input }) => missingOr(input, WANTED_TIME) })
  .transform((text) => text.toUpperCase())
  .pipe(z.iso.datetime({ offset: true, error: WANTED_TIME }))
  .transform((text) => new Date(text));

export const entryDecimal = z
  .string({ error: ({ input }) => missingOr(input, WANTED_DECIMAL) })
  .refine(isDecimal, WANTED_DECIMAL);

export const entryBoolean = z.boolean({ error: 'must be true or false' });

/** 53 bits, as JSON numbers are exact, so that milliseconds since 1970 fit; also as text. */
export const entryVersion = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value),
  z.int(WANTED_VERSION).min(0, WANTED_VERSION),
);

/** A list of `least` to `most` entries; where GraphQL takes one value for a list of one, so does this. */
export const entryList = <T extends z.ZodType>(entry: T, most: number, least = 0) =>
  z.preprocess((value) => (value == null || Array.isArray(value) ? value : [value]), listOf(entry, most, least));

const missingOr = (input: unknown, why: string): string => (input == null ? 'is missing' : why);
const clipped = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
