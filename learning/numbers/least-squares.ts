import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/**
 * M [k, m] that makes of the rows of `from` [m, d] the nearest to those of `to` [k, d] in least squares: M from ~ to. A
 * hundred-millionth of the scale of `from` keeps rows that depend on each other from dividing by nothing.
 */
export function leastSquaresMap(from: Float32Array, to: Float32Array, d: number): Float32Array {
  const [source, target] = [new Matrix(from.length / d, d), new Matrix(to.length / d, d)];
  for (let i = 0; i < from.length; i++) source.set(Math.floor(i / d), i % d, from[i]!);
  for (let i = 0; i < to.length; i++) target.set(Math.floor(i / d), i % d, to[i]!);
  const products = source.mmul(source.transpose());
  const floor = (1e-8 * products.trace()) / products.rows;
  for (let i = 0; i < products.rows; i++) products.set(i, i, products.get(i, i) + floor);
  const map = new CholeskyDecomposition(products).solve(source.mmul(target.transpose())); // [m, k]
  return Float32Array.from(map.transpose().to1DArray());
}
