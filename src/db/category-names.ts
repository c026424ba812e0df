import { LRUCache } from 'lru-cache';
import { type Deadline, during } from '../deadline.ts';
import type { Condition } from '../ports/condition.ts';
import type { SearchFilter } from './search/statement.ts';
import type { Ask } from './sql/ask.ts';
import { text } from './sql/row.ts';

/** How long spellings are remembered, ms: a category that is spelled in a new way is found that much later. */
const REMEMBERED_MS = 1000;
const NAMES_REMEMBERED = 2000;
/** Longer ones are looked up each time: a name may be as long as a request, and whoever asks chooses it. */
const LONGEST_REMEMBERED = 200;

/** Spellings of each name that was asked for. Of several those that a product has: what a shop has renamed would keep a filter from being of one category. */
const SPELLINGS = {
  name: 'simili category names',
  text: `
    SELECT s.asked, s.name FROM (
      SELECT a.name AS asked, k.name, count(*) OVER (PARTITION BY a.name) AS spellings
      FROM unnest($2::text[]) AS a (name) JOIN simili.category_name k ON k.catalog_id = $1 AND lower(k.name) = lower(a.name)) AS s
    WHERE s.spellings = 1 OR EXISTS (SELECT FROM simili.product p WHERE p.catalog_id = $1 AND p.categories && ARRAY[s.name])
    ORDER BY s.asked, s.name`,
  row: { asked: text, name: text },
};

/** Names that no product has. */
const UNKNOWN_CATEGORIES = {
  text: `
    SELECT a.name FROM unnest($2::text[]) AS a (name)
    WHERE NOT EXISTS (SELECT FROM simili.product p WHERE p.catalog_id = $1 AND p.categories && ARRAY(
      SELECT k.name FROM simili.category_name k WHERE k.catalog_id = $1 AND lower(k.name) = lower(a.name)))`,
  row: { name: text },
};
const UNKNOWN_TAGS = {
  text: `
    SELECT a.name FROM unnest($2::text[]) AS a (name)
    WHERE NOT EXISTS (SELECT FROM simili.product p WHERE p.catalog_id = $1 AND p.tags && ARRAY[a.name])`,
  row: { name: text },
};

/**
 * Names of categories as the catalog spells them: a filter may write them in upper or lower case. What one letter's lower case is says the
 * database. Triggers keep the table of names beside the products (migration 0033).
 */
export class CategoryNames {
  private readonly known = new LRUCache<string, readonly string[]>({ max: NAMES_REMEMBERED, ttl: REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
  ) {}

  /**
   * The same filter with all spellings of its categories; one that the catalog has in none stays as it is.
   * @param deadline of the request; null: that which is followed
   */
  async spelled(filter: SearchFilter, deadline: Deadline | null = null): Promise<SearchFilter> {
    const { categories, conditions, own } = filter;
    const names = new Set([...(categories ?? []), ...[...(conditions ?? []), ...(own ?? [])].flatMap(categoriesOf)]);
    if (names.size === 0) return filter;
    const spellings = await this.spellings([...names], deadline);
    const of = (some: readonly string[]) => [...new Set(some.flatMap((name) => spellings.get(name) ?? [name]))];
    return {
      ...filter,
      ...(categories && { categories: of(categories) }),
      ...(conditions && { conditions: conditions.map((condition) => withCategories(condition, of)) }),
      ...(own && { own: own.map((condition) => withCategories(condition, of)) }),
    };
  }

  /** Those of the names that no product has as a category, however it is spelled. */
  async unknownCategories(names: readonly string[]): Promise<ReadonlySet<string>> {
    return this.unknown(UNKNOWN_CATEGORIES, names);
  }

  /** Those of the tags that no product has. */
  async unknownTags(tags: readonly string[]): Promise<ReadonlySet<string>> {
    return this.unknown(UNKNOWN_TAGS, tags);
  }

  private async unknown(statement: typeof UNKNOWN_TAGS, names: readonly string[]): Promise<ReadonlySet<string>> {
    if (names.length === 0) return new Set();
    const found = await this.ask(statement, [this.catalogId, [...new Set(names)]]);
    return new Set(found.map(({ name }) => name));
  }

  private async spellings(
    names: readonly string[],
    deadline: Deadline | null,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const spellings = new Map<string, readonly string[]>();
    const open: string[] = [];
    for (const name of names) {
      const known = this.known.get(name);
      if (known) spellings.set(name, known);
      else open.push(name);
    }
    if (open.length === 0) return spellings;
    const found = await during(deadline, () => this.ask(SPELLINGS, [this.catalogId, open]));
    for (const name of open) {
      const spelled = found.filter(({ asked }) => asked === name).map((row) => row.name);
      const known = spelled.length > 0 ? spelled : [name];
      if (name.length <= LONGEST_REMEMBERED) this.known.set(name, known);
      spellings.set(name, known);
    }
    return spellings;
  }
}

/** Categories that a condition names. */
function categoriesOf(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(categoriesOf);
  if ('any' in condition) return condition.any.flatMap(categoriesOf);
  if ('not' in condition) return categoriesOf(condition.not);
  return 'overlaps' in condition && condition.column === 'categories' ? condition.overlaps : [];
}

function withCategories(condition: Condition, of: (names: readonly string[]) => string[]): Condition {
  const each = (parts: readonly Condition[]) => parts.map((part) => withCategories(part, of));
  if ('all' in condition) return { all: each(condition.all) };
  if ('any' in condition) return { any: each(condition.any) };
  if ('not' in condition) return { not: withCategories(condition.not, of) };
  const isOfCategories = 'overlaps' in condition && condition.column === 'categories';
  return isOfCategories ? { ...condition, overlaps: of(condition.overlaps) } : condition;
}
