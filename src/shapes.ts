import { z } from 'zod';
import { lengthOf } from './text.ts';

type Issue = { readonly input?: unknown };

/** A number from `low` to `high`, both included. */
export function within(low: number, high: number): z.ZodNumber {
  const error = ({ input }: Issue) => `must be ${low} to ${high}, not ${input}`;
  return z.number({ error }).min(low, { error }).max(high, { error });
}

/** The same of whole numbers. */
export const whole = (low: number, high: number) =>
  within(low, high).refine(Number.isInteger, { error: ({ input }) => `must be a whole number, not ${input}` });

/** The size of a page, a whole number from 1 to `most`; nothing said means `usual`. */
export const pageSize = (most: number, usual: number) =>
  whole(1, most)
    .nullish()
    .transform((size) => size ?? usual);

/** A list of `least` to `most` entries. */
export function listOf<T extends z.ZodType>(entry: T, most: number, least = 0) {
  const bounds = least > 0 ? `must hold ${least} to ${most} entries` : `may hold at most ${most} entries`;
  const error = ({ input }: Issue) => `${bounds}, not ${(input as unknown[]).length}`;
  return z.array(entry, 'is missing').min(least, { error }).max(most, { error });
}

/** True of texts of `least` to `most` characters (code points), with what to say of others: for `refine`. */
export const ofLength = (most: number, least = 1) =>
  [
    (text: string) => lengthOf(text) >= least && lengthOf(text) <= most,
    { error: ({ input }: Issue) => `must have ${least} to ${most} characters, not ${lengthOf(input as string)}` },
  ] as const;

/** True of what is one of these names, with what to say of others: for `refine`. */
export const oneOf = (names: readonly string[]) =>
  [(name: string) => names.includes(name), `must be one of ${names.join(', ')}`] as const;
