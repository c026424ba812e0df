import type { Condition } from '../ports/condition.ts';
import type { Parameter } from './search-parts.ts';

/** Columns of a product `q`. What is not here is no column, whatever a condition of others says. */
const COLUMNS = {
  available: 'q.available',
  price: 'q.price',
  id: 'q.id',
  title: 'q.title',
  url: 'q.url',
  currency: 'q.currency',
  categories: 'q.categories',
  tags: 'q.tags',
};

/** A condition over the columns of a product `q`: every value of it is a parameter. @throws RangeError for another column. */
export function conditionSql(condition: Condition, param: Parameter): string {
  if ('all' in condition) return joined(condition.all, ' AND ', 'TRUE', param);
  if ('any' in condition) return joined(condition.any, ' OR ', 'FALSE', param);
  // A comparison with what a product does not have is neither true nor false.
  if ('not' in condition) return `NOT coalesce(${conditionSql(condition.not, param)}, FALSE)`;
  if (!Object.hasOwn(COLUMNS, condition.column)) throw new RangeError(`column ${condition.column}`);
  const column = COLUMNS[condition.column];
  if ('is' in condition) return `${column} = ${param(condition.is, 'boolean')}`;
  if ('in' in condition) return `${column} = ANY(${param([...condition.in], 'text[]')})`;
  if ('overlaps' in condition) return `${column} && ${param([...condition.overlaps], 'text[]')}`;
  const bounds = [
    condition.atLeast === undefined ? null : `${column} >= ${param(condition.atLeast, 'numeric')}`,
    condition.atMost === undefined ? null : `${column} <= ${param(condition.atMost, 'numeric')}`,
  ];
  return bounds.filter((bound) => bound !== null).join(' AND ');
}

const joined = (parts: readonly Condition[], by: string, none: string, param: Parameter): string =>
  parts.length === 0 ? none : `(${parts.map((part) => conditionSql(part, param)).join(by)})`;
