/** The catalog of whoever names none. It is always there. */
export const DEFAULT_CATALOG = 'default';

/** Characters. With the number of a version an id names a table, and names in Postgres have 63. */
export const LONGEST_CATALOG_ID = 32;

/** Lower-case letters and digits, and single dashes between them: fit for a header, a URL and a table's name. */
export const isCatalogId = (text: string): boolean =>
  text.length <= LONGEST_CATALOG_ID && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
