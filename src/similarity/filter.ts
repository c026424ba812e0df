import type { SearchFilter } from '../db/search-statement.ts';
import { SimiliError } from '../errors.ts';
import type { Condition } from '../ports/condition.ts';
import { toId } from '../text.ts';
import { compareDecimals, isDecimal } from './decimal.ts';
import type { OwnFilterInput } from './own-filters.ts';

/** `AttributeFilterInput` of the contract. */
type AttributeInput = { name: string; anyOf: readonly string[] };
/** `ProductExclusionInput` of the contract. */
type ExclusionInput = {
  categories?: readonly string[] | null | undefined;
  tags?: readonly string[] | null | undefined;
  attributes?: readonly AttributeInput[] | null | undefined;
};

/** `ProductFilter` of the contract, as callers send it. */
export type FilterInput = {
  available?: boolean | null | undefined;
  categories?: readonly string[] | null | undefined;
  tags?: readonly string[] | null | undefined;
  attributes?: readonly AttributeInput[] | null | undefined;
  not?: ExclusionInput | null | undefined;
  price?: { min?: string | null | undefined; max?: string | null | undefined } | null | undefined;
  excludeIds?: readonly string[] | null | undefined;
  /** For the filters that the shop has plugged in. */
  own?: readonly OwnFilterInput[] | null | undefined;
};

const MOST_CATEGORIES = 50;
const MOST_TAGS = 50;
const MOST_ATTRIBUTES = 10;
const MOST_VALUES = 50;
const MOST_EXCLUDED = 200;

/** Null, left out and an empty list mean no constraint. @throws SimiliError INVALID_ARGUMENT. */
export function toSearchFilter(filter: FilterInput | null | undefined): SearchFilter {
  const { available, categories, tags, attributes, not, price, excludeIds } = filter ?? {};
  atMost(MOST_CATEGORIES, 'filter.categories', categories);
  atMost(MOST_EXCLUDED, 'filter.excludeIds', excludeIds);
  const { categories: without, ...excluded } = not ?? {};
  atMost(MOST_CATEGORIES, 'filter.not.categories', without);
  const unwanted = [...overlapping('categories', without), ...tagConditions('filter.not', excluded)];
  const conditions = [
    ...tagConditions('filter', { tags, attributes }),
    ...(unwanted.length > 0 ? [{ not: { any: unwanted } }] : []),
  ];
  const { min, max } = checkedRange(price?.min ?? undefined, price?.max ?? undefined);
  return {
    ...(available == null ? {} : { available }),
    ...(categories?.length ? { categories } : {}),
    ...(excludeIds?.length ? { excludeIds: excludeIds.map(toId) } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(min === undefined ? {} : { minPrice: min }),
    ...(max === undefined ? {} : { maxPrice: max }),
  };
}

/** Tags, any of them, and attributes, which are tags by the way they are written: all of these. */
function tagConditions(argument: string, { tags, attributes }: Omit<ExclusionInput, 'categories'>): Condition[] {
  atMost(MOST_TAGS, `${argument}.tags`, tags);
  if ((attributes?.length ?? 0) > MOST_ATTRIBUTES)
    refuse(`${argument}.attributes`, `may hold at most ${MOST_ATTRIBUTES} entries, not ${attributes?.length}`);
  return [...overlapping('tags', tags), ...(attributes ?? []).map((one, i) => has(`${argument}.attributes.${i}`, one))];
}

function has(argument: string, { name, anyOf }: AttributeInput): Condition {
  if (name === '' || name.includes(':')) refuse(`${argument}.name`, 'must be a name without a colon');
  atMost(MOST_VALUES, `${argument}.anyOf`, anyOf);
  if (anyOf.length === 0) refuse(`${argument}.anyOf`, 'must hold a value');
  return { column: 'tags', overlaps: anyOf.map((value) => `${name}:${value}`) };
}

const overlapping = (column: 'categories' | 'tags', list: readonly string[] | null | undefined): Condition[] =>
  list?.length ? [{ column, overlaps: list }] : [];

/**
 * Can such a filter put a product of one's choice on top? Only `available: true`, which every shop sends, cannot, nor can a rule of
 * the shop itself that nobody gave values for.
 */
export const isChosenByShopper = (
  { available, own: _rules, ...others }: SearchFilter,
  given: FilterInput | null | undefined,
): boolean => available === false || Object.keys(others).length > 0 || (given?.own?.length ?? 0) > 0;

function atMost(most: number, argument: string, list: readonly string[] | null | undefined): void {
  if (list && list.length > most) refuse(argument, `may hold at most ${most} entries, not ${list.length}`);
}

function checkedRange(min: string | undefined, max: string | undefined) {
  for (const [end, value] of Object.entries({ min, max })) {
    if (value !== undefined && !isDecimal(value)) refuse(`filter.price.${end}`, 'must be a decimal like "19.90"');
  }
  if (min !== undefined && max !== undefined && compareDecimals(min, max) > 0) {
    refuse('filter.price', `has min ${min} above max ${max}`);
  }
  return { min, max };
}

function refuse(argument: string, why: string): never {
  throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}
