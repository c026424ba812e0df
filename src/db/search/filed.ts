import type { Condition } from '../../ports/condition.ts';
import type { SearchFilter } from './statement.ts';

/**
 * The part of a filter that says what products are filed under: categories, tags, attributes. Shops change these seldom, and a product says which transaction
 * did (`filed`, migration 0038), so a list of neighbours that pass it can be kept (docs/adr/0043-neighbour-lists.md). Empty: none.
 */
export function filedPart({ categories, conditions = [], own = [] }: SearchFilter): SearchFilter {
  const [filed, filedOwn] = [conditions.filter(isFiled), own.filter(isFiled)];
  return {
    ...(categories && { categories }),
    ...(filed.length > 0 && { conditions: filed }),
    ...(filedOwn.length > 0 && { own: filedOwn }),
  };
}

/** Whether a filter asks for what is in stock, or is not. */
export const asksForStock = ({ available }: SearchFilter): boolean => available !== undefined;

/** Whether most products that pass its filed part pass all of a filter: it asks nothing else, or only for what is in stock. */
export function isMostlyFiled({ available, minPrice, maxPrice, conditions = [], own = [] }: SearchFilter): boolean {
  return (
    available !== false && minPrice === undefined && maxPrice === undefined && [...conditions, ...own].every(isFiled)
  );
}

function isFiled(condition: Condition): boolean {
  if ('all' in condition) return condition.all.every(isFiled);
  if ('any' in condition) return condition.any.every(isFiled);
  if ('not' in condition) return isFiled(condition.not);
  return 'attribute' in condition || condition.column === 'categories' || condition.column === 'tags';
}
