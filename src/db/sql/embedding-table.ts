import { DEFAULT_CATALOG, isCatalogId } from '../../catalog-id.ts';
import { PICTURES } from '../../ports/space.ts';

/** Name, without its schema, of the table of a version's vectors of one space. @throws RangeError */
export function embeddingName(model: number, space: string = PICTURES): string {
  // Both become part of a statement: our own serial number, and a name that was checked when it came in.
  if (!Number.isSafeInteger(model) || model < 1) throw new RangeError(`model number ${model}`);
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(space)) throw new RangeError(`space ${space}`);
  return space === PICTURES ? `embedding_${model}` : `embedding_${model}_${space}`;
}

/**
 * Schema of a catalog's tables of vectors, unquoted. One for each: versions count from 1 in every catalog, and what a catalog is
 * not asked about cannot be reached by a number. @throws RangeError
 */
export function vectorSchema(catalog: string): string {
  if (!isCatalogId(catalog)) throw new RangeError(`catalog ${catalog}`);
  return catalog === DEFAULT_CATALOG ? 'simili' : `simili_${catalog}`;
}

export const embeddingTable = (catalog: string, model: number, space?: string): string =>
  `"${vectorSchema(catalog)}".${embeddingName(model, space)}`;

/** The table, beside such a one, with copies of the vectors of large categories (src/db/category-indexes.ts); the same by its own name. */
export const categoryName = (model: number, space?: string): string =>
  embeddingName(model, space).replace(/^embedding/, 'category');
export const categoryTable = (catalog: string, model: number, space?: string): string =>
  `"${vectorSchema(catalog)}".${categoryName(model, space)}`;

/** The index of one category of such a table. */
export const categoryIndexOf = (table: string, number: number): string => `${table}_vec_${number}_idx`;

/** The index of such a table by which all copies of a category are found. */
export const copiesIndexOf = (table: string): string => `${table}_category_idx`;

/** The index of a table of vectors, in its schema. */
export const indexOf = (table: string): string => `${table}_vec_idx`;

/** Its index by the transaction that wrote a vector, which says what came since some time (docs/adr/0043-neighbour-lists.md). */
export const writtenIndexOf = (table: string): string => `${table}_written_idx`;

/** A table or an index by its own name: an index is made in the schema of its table. */
export const withoutSchema = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
