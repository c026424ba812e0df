import type { Condition } from '../../ports/condition.ts';
import type { Parameter } from './parts.ts';

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
  if ('not' in condition) return negatedSql(condition.not, param);
  if ('attribute' in condition) return attributeSql(condition.attribute, condition, param);
  if (!Object.hasOwn(COLUMNS, condition.column)) throw new RangeError(`column ${condition.column}`);
  const column = COLUMNS[condition.column];
  if ('is' in condition) return `${column} = ${param(condition.is, 'boolean')}`;
  if ('in' in condition) return `${column} = ANY(${param([...condition.in], 'text[]')})`;
  if ('overlaps' in condition) return `${column} && ${param([...condition.overlaps], 'text[]')}`;
  return rangeSql(column, condition, param);
}

/** None of several is each of them not: the planner then joins the numbers of an attribute, instead of gathering all in the range. */
function negatedSql(condition: Condition, param: Parameter): string {
  if ('any' in condition)
    return joined(
      condition.any.map((not) => ({ not })),
      ' AND ',
      'TRUE',
      param,
    );
  const sql = conditionSql(condition, param);
  // A comparison with what a product does not have is neither true nor false; whether there is a number is either.
  return 'attribute' in condition ? `NOT ${sql}` : `NOT coalesce(${sql}, FALSE)`;
}

type Bounds = { readonly atLeast?: string; readonly atMost?: string };

/** A number of a product's tags, found by its index (migration 0031) where few are in the range, by the product where few others pass. */
const attributeSql = (name: string, bounds: Bounds, param: Parameter): string =>
  `EXISTS (SELECT FROM simili.product_number n WHERE n.catalog_id = q.catalog_id AND n.product_id = q.id
      AND n.name = ${param(name, 'text')} AND ${rangeSql('n.value', bounds, param)})`;

function rangeSql(value: string, { atLeast, atMost }: Bounds, param: Parameter): string {
  const bounds = [
    atLeast === undefined ? null : `${value} >= ${param(atLeast, 'numeric')}`,
    atMost === undefined ? null : `${value} <= ${param(atMost, 'numeric')}`,
  ];
  return bounds.filter((bound) => bound !== null).join(' AND ');
}

const joined = (parts: readonly Condition[], by: string, none: string, param: Parameter): string =>
  parts.length === 0 ? none : `(${parts.map((part) => conditionSql(part, param)).join(by)})`;
