import type { CategoryNames } from '../db/category-names.ts';
import type { FilterInput } from './filter.ts';

/** Something about a request that its developer should know; the answer is what was asked for. */
export type Notice = {
  code: 'UNKNOWN_CATEGORY' | 'UNKNOWN_TAG';
  message: string;
  /** Path into the arguments. */
  path: string[];
};
type Named = { name: string; path: string[] };

/** Notices about a filter that was found good: categories and tags that no product has. In the filter's order, categories first. */
export async function noticesOf(
  names: Pick<CategoryNames, 'unknownCategories' | 'unknownTags'>,
  filter: FilterInput | null | undefined,
): Promise<Notice[]> {
  const categories = facets(filter, (facet, path) => named(facet.categories, [...path, 'categories']));
  const tags = facets(filter, (facet, path) => [
    ...named(facet.tags, [...path, 'tags']),
    ...(facet.attributes ?? []).flatMap(({ name, anyOf }, i) =>
      named(anyOf as readonly string[] | null | undefined, [...path, 'attributes', String(i), 'anyOf'], `${name}:`),
    ),
  ]);
  const [unknownCategories, unknownTags] = await Promise.all([
    names.unknownCategories(categories.map(({ name }) => name)),
    names.unknownTags(tags.map(({ name }) => name)),
  ]);
  const notice =
    (code: Notice['code'], what: string) =>
    ({ path }: Named) => ({
      code,
      message: `No product has this ${what}`,
      path,
    });
  return [
    ...categories.filter(({ name }) => unknownCategories.has(name)).map(notice('UNKNOWN_CATEGORY', 'category')),
    ...tags.filter(({ name }) => unknownTags.has(name)).map(notice('UNKNOWN_TAG', 'tag')),
  ];
}

type Facets = Pick<FilterInput, 'categories' | 'tags' | 'attributes'>;

/** Facets that are wanted, and those that are not. */
const facets = (filter: FilterInput | null | undefined, of: (facet: Facets, path: string[]) => Named[]): Named[] => [
  ...of(filter ?? {}, ['filter']),
  ...of(filter?.not ?? {}, ['filter', 'not']),
];

const named = (list: readonly string[] | null | undefined, path: string[], before = ''): Named[] =>
  (list ?? []).map((name, i) => ({ name: `${before}${name}`, path: [...path, String(i)] }));
