import type { EmbeddingSpace, IndexedSpace } from '../../ports/space.ts';

const OPERATORS = { euclidean: '<->', cosine: '<=>', hamming: '<~>' };
const CLASSES = { euclidean: 'l2_ops', cosine: 'cosine_ops', hamming: 'hamming_ops' };

type Kind = Pick<EmbeddingSpace, 'distance' | 'storage' | 'dimensions'>;
type Indexed = Kind & Pick<IndexedSpace, 'isBinary'>;

export const columnType = ({ storage, dimensions }: Omit<Kind, 'distance'>): string => `${storage}(${dimensions})`;

/** An index of neighbours by what it is of, and the operator class by which it ranks as `byIndexSql` does. */
export const indexedSql = (space: Indexed): string =>
  space.isBinary
    ? `(${signsSql(space, 'vec')}) bit_${CLASSES.hamming}`
    : `vec ${space.storage}_${CLASSES[space.distance]}`;

/** How far apart an index has two columns: a binary one by how many of their signs differ. */
export const byIndexSql = (space: Indexed, a: string, b: string): string =>
  space.isBinary ? `(${signsSql(space, a)}) ${OPERATORS.hamming} (${signsSql(space, b)})` : distanceSql(space, a, b);

const signsSql = ({ dimensions }: Kind, vector: string): string => `binary_quantize(${vector})::bit(${dimensions})`;

/** Distance of two columns as pgvector's operator gives it. */
export const distanceSql = ({ distance }: Kind, a: string, b: string): string => `${a} ${OPERATORS[distance]} ${b}`;

/** The same on the scale that all spaces share: squared Euclidean between unit vectors, 0 to 4. */
export function squaredSql(space: Kind, a: string, b: string): string {
  const distance = distanceSql(space, a, b);
  if (space.distance === 'euclidean') return `(${distance})^2`;
  return space.distance === 'cosine' ? `2 * (${distance})` : `4 * (${distance}) / ${space.dimensions}`;
}

/** An operator's distance on that scale. */
export function squaredOf(space: Kind, distance: number): number {
  if (space.distance === 'euclidean') return distance ** 2;
  return space.distance === 'cosine' ? 2 * distance : (4 * distance) / space.dimensions;
}

/** A `vector` as the column of a space takes it. */
export const storedSql = ({ storage }: Pick<Kind, 'storage'>, vector: string): string =>
  storage === 'bit' ? `binary_quantize(${vector})` : storage === 'halfvec' ? `${vector}::halfvec` : vector;

/**
 * The mean direction of the vectors of the products `ids`, a `text[]`, as the column has it; of bits what most of them have, of equally
 * many a one. In the order of the ids, so that every page has the same. Null where none has a vector, or where they cancel each other out and no direction is left.
 */
export function meanSql({ storage, dimensions }: Kind, table: string, ids: string): string {
  const bits = `(
        SELECT string_agg(CASE WHEN 2 * ones >= n THEN '1' ELSE '0' END, '' ORDER BY place)::bit(${dimensions})
        FROM (SELECT place, sum(get_bit(m.vec, place)) AS ones, count(*) AS n
          FROM ${table} m, generate_series(0, ${dimensions - 1}) AS place WHERE m.product_id = ANY(${ids}) GROUP BY place) AS votes)`;
  const mean = `(
        SELECT CASE WHEN mean <#> mean < 0 THEN l2_normalize(mean) END
        FROM (SELECT avg(l2_normalize(m.vec) ORDER BY m.product_id) AS mean FROM ${table} m WHERE m.product_id = ANY(${ids})) AS summed)`;
  return storage === 'bit' ? bits : mean;
}
