import type { EmbeddingSpace } from '../ports/space.ts';

const OPERATORS = { euclidean: '<->', cosine: '<=>', hamming: '<~>' };
const CLASSES = { euclidean: 'l2_ops', cosine: 'cosine_ops', hamming: 'hamming_ops' };

type Kind = Pick<EmbeddingSpace, 'distance' | 'storage' | 'dimensions'>;

export const columnType = ({ storage, dimensions }: Kind): string => `${storage}(${dimensions})`;

/** The operator class of an index, by which it ranks as `distanceSql` does. */
export const indexClass = ({ storage, distance }: Kind): string => `${storage}_${CLASSES[distance]}`;

/** Distance of two columns as pgvector's operator gives it, so that an index serves it. */
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
