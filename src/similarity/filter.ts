import { z } from 'zod';
import { checked } from '../checked.ts';
import type { SearchFilter } from '../db/search/statement.ts';
import { A_DECIMAL, compareDecimals, isDecimal } from '../decimal.ts';
import { type Condition, isAttributeName } from '../ports/condition.ts';
import { listOf } from '../shapes.ts';
import { toId } from '../text.ts';

const MOST_CATEGORIES = 50;
const MOST_TAGS = 50;
const MOST_ATTRIBUTES = 10;
const MOST_VALUES = 50;
const MOST_EXCLUDED = 200;
const MOST_OWN = 10;

const text = z.string('must be text');
/** Text of our own scalar; the `Decimal` of a host makes numbers or objects of it, which are written as text again. */
const decimal = z.coerce
  .string<string>()
  .refine(isDecimal, { error: `must be ${A_DECIMAL}`, abort: true })
  .nullish();
const isOrdered = ({ min, max }: Range): boolean =>
  min == null || max == null || compareDecimals(min as string, max as string) <= 0;
const disordered = ({ min, max }: Range): string => `has min ${min} above max ${max}`;
type Range = { min?: unknown; max?: unknown };
const NumberRange = z
  .object({ min: decimal, max: decimal })
  .refine(({ min, max }) => min != null || max != null, { error: 'needs min or max', abort: true })
  .refine(isOrdered, { error: ({ input }) => disordered(input as Range) });
/** `AttributeFilterInput` of the contract: a condition on tags by the way they are written. */
const Attribute = z
  .object({
    name: text.refine(isAttributeName, 'must be a name without a colon'),
    anyOf: listOf(text, MOST_VALUES, 1).nullish(),
    range: NumberRange.nullish(),
  })
  .refine(({ anyOf, range }) => (anyOf == null) !== (range == null), 'needs either anyOf or range')
  .transform(
    ({ name, anyOf, range }): Condition =>
      range
        ? {
            attribute: name,
            ...(range.min == null ? {} : { atLeast: range.min }),
            ...(range.max == null ? {} : { atMost: range.max }),
          }
        : { column: 'tags', overlaps: anyOf!.map((value) => `${name}:${value}`) },
  );
/** `ProductExclusionInput` of the contract. */
const Facets = z.object({
  categories: listOf(text, MOST_CATEGORIES).nullish(),
  tags: listOf(text, MOST_TAGS).nullish(),
  attributes: listOf(Attribute, MOST_ATTRIBUTES).nullish(),
});
const PriceRange = z
  .object({ min: decimal, max: decimal })
  .refine(isOrdered, { error: ({ input }) => disordered(input as Range) });
/** Values for a filter that the shop has plugged in. */
const OwnFilter = z.object({ name: text, values: listOf(text, MOST_VALUES) });
const Filter = Facets.extend({
  available: z.boolean('must be true or false').nullish(),
  not: Facets.nullish(),
  price: PriceRange.nullish(),
  excludeIds: listOf(text.transform(toId), MOST_EXCLUDED).nullish(),
  own: listOf(OwnFilter, MOST_OWN).nullish(),
});

/** `ProductFilter` of the contract, as callers send it. */
export type FilterInput = z.input<typeof Filter>;
/** `OwnFilterInput` of the contract. */
export type OwnFilterInput = z.input<typeof OwnFilter>;

/**
 * All but what the shop's own filters make of it. Null, left out and an empty list mean no constraint.
 * @throws SimiliError INVALID_ARGUMENT.
 */
export function toSearchFilter(filter: FilterInput | null | undefined): SearchFilter {
  if (filter == null) return {};
  const given = checked(Filter, filter, 'filter');
  const { available, categories, tags, attributes, not, price, excludeIds } = given;
  const unwanted = [...overlapping('categories', not?.categories), ...tagConditions(not ?? {})];
  const conditions = [
    ...tagConditions({ tags, attributes }),
    ...(unwanted.length > 0 ? [{ not: { any: unwanted } }] : []),
  ];
  return {
    ...(available == null ? {} : { available }),
    ...(categories?.length ? { categories } : {}),
    ...(excludeIds?.length ? { excludeIds } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(price?.min == null ? {} : { minPrice: price.min }),
    ...(price?.max == null ? {} : { maxPrice: price.max }),
  };
}

/** Tags, any of them, and attributes: all of these. */
const tagConditions = ({ tags, attributes }: Pick<z.output<typeof Facets>, 'tags' | 'attributes'>): Condition[] => [
  ...overlapping('tags', tags),
  ...(attributes ?? []),
];

const overlapping = (column: 'categories' | 'tags', list: readonly string[] | null | undefined): Condition[] =>
  list?.length ? [{ column, overlaps: list }] : [];

/**
 * Can such a filter put a product of one's choice on top? Only `available: true`, which every shop sends, cannot, nor can a rule of
 * the shop itself that nobody gave values for.
 */
export const isChosenByShopper = (filter: SearchFilter, given: FilterInput | null | undefined): boolean =>
  filter.available === false ||
  Object.keys(filter).some((name) => name !== 'available' && name !== 'own') ||
  (given?.own?.length ?? 0) > 0;
