import { A_DECIMAL, isDecimal } from '../decimal.ts';
import { isStorable } from '../text.ts';

/**
 * A condition on products, as data: the search makes a condition over the columns of the catalog of it, with every value as a
 * parameter. A product without a value (no price, no url) does not meet a condition on it.
 */
export type Condition =
  | { readonly column: 'available'; readonly is: boolean }
  /** Exact decimals like "19.90", inclusive: one of the two, or both. */
  | { readonly column: 'price'; readonly atLeast?: string; readonly atMost?: string }
  | { readonly column: 'id' | 'title' | 'url' | 'currency'; readonly in: readonly string[] }
  /** Any of these. A shop's own attributes are tags, like `brand:acme`. */
  | { readonly column: 'categories' | 'tags'; readonly overlaps: readonly string[] }
  /** An attribute that is a number, a tag like `weight:12.5`: exact decimals, inclusive; one of the two, or both. Any of several values will do. */
  | { readonly attribute: string; readonly atLeast?: string; readonly atMost?: string }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** Whether an attribute can have this name, which stands before the first colon of its tag. */
export const isAttributeName = (name: string): boolean => name !== '' && !name.includes(':');

const MOST_VALUES = 1000;
const DEEPEST = 5;

/** Says what is wrong with a condition, which others have made; null: nothing. */
export function problemOfCondition(given: unknown, depth = 0): string | null {
  if (typeof given !== 'object' || given === null) return 'is no object';
  if (depth > DEEPEST) return `is deeper than ${DEEPEST} levels`;
  const { all, any, not, attribute, column, ...rest } = given as Record<string, unknown>;
  const parts = all ?? any;
  if (Array.isArray(parts)) return firstProblem(parts.map((part) => problemOfCondition(part, depth + 1)));
  if (not !== undefined) return problemOfCondition(not, depth + 1);
  if (attribute !== undefined) return isNumberRange(attribute, rest);
  const check = Object.hasOwn(CHECKS, String(column)) ? CHECKS[column as keyof typeof CHECKS] : null;
  return check ? check(rest) : `names no column: ${Object.keys(CHECKS).join(', ')}`;
}

const isBoolean = ({ is }: Record<string, unknown>) => (typeof is === 'boolean' ? null : 'needs `is`: true or false');
const isRange = ({ atLeast, atMost }: Record<string, unknown>) => {
  const bounds = [atLeast, atMost].filter((bound) => bound !== undefined);
  const isFine = bounds.length > 0 && bounds.every((bound) => typeof bound === 'string' && isDecimal(bound));
  return isFine ? null : `needs \`atLeast\` or \`atMost\`: ${A_DECIMAL}`;
};
const isNumberRange = (attribute: unknown, bounds: Record<string, unknown>) =>
  typeof attribute === 'string' && isAttributeName(attribute) && isStorable(attribute)
    ? isRange(bounds)
    : 'needs `attribute`: a name without a colon';
const isListAt =
  (key: string) =>
  ({ [key]: list }: Record<string, unknown>) =>
    Array.isArray(list) &&
    list.length <= MOST_VALUES &&
    list.every((text) => typeof text === 'string' && isStorable(text))
      ? null
      : `needs \`${key}\`: a list of at most ${MOST_VALUES} texts, without U+0000 and halves of surrogate pairs`;

const CHECKS = {
  available: isBoolean,
  price: isRange,
  id: isListAt('in'),
  title: isListAt('in'),
  url: isListAt('in'),
  currency: isListAt('in'),
  categories: isListAt('overlaps'),
  tags: isListAt('overlaps'),
};

const firstProblem = (problems: readonly (string | null)[]): string | null =>
  problems.find((problem) => problem !== null) ?? null;
