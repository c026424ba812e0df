/** The three maps of a minimal filter in one dimension; rows of matrices. */
export type MinimalFilter = {
  /** B^T [tile + 2, tile + 2]: pixels under a tile -> factors. */
  readonly input: number[][];
  /** G [tile + 2, 3]: a kernel's three weights -> factors. */
  readonly kernel: number[][];
  /** A^T [tile, tile + 2]: products of the two -> outputs. */
  readonly output: number[][];
};

/**
 * Points of the polynomials, by the outputs of a tile: these lose the fewest digits of those with which the maps were tried.
 * With 0, 1, -1, 2 and -2, which everybody has, a tile of 4 rounds twice as much.
 */
const points: Record<2 | 4, readonly number[]> = { 2: [0, 1, -1], 4: [0, 2 / 3, -2 / 3, 3 / 2, -3 / 2] };

/**
 * F(tile, 3) by Toom and Cook (Lavin and Gray 2016, arXiv 1509.09308; Barabasz et al. 2020 on the points): a tile of outputs of
 * a filter of three from tile + 2 products. Convolving multiplies polynomials, which are known by their values at so many
 * points, the last of them at infinity.
 */
export function minimalFilter(tile: 2 | 4): MinimalFilter {
  const at = points[tile];
  const size = tile + 2;
  const column = (row: readonly number[]) => [...row, ...Array<number>(size - row.length).fill(0)];
  const others = (i: number) => at.filter((_, j) => j !== i);
  const scale = (i: number) => others(i).reduce((product, other) => product * (at[i]! - other), 1);
  return {
    input: [...at.map((_, i) => column(polynomial(others(i)))), polynomial(at)],
    kernel: [...at.map((x, i) => [0, 1, 2].map((power) => x ** power / scale(i))), [0, 0, 1]],
    output: Array.from({ length: tile }, (_, power) => [...at.map((x) => x ** power), power === tile - 1 ? 1 : 0]),
  };
}

/** Coefficients of the product of all (x - root), the constant one first. */
const polynomial = (roots: readonly number[]): number[] =>
  roots.reduce<number[]>(
    (before, root) =>
      Array.from({ length: before.length + 1 }, (_, i) => (before[i - 1] ?? 0) - root * (before[i] ?? 0)),
    [1],
  );

/** In two dimensions: the Kronecker product of a map with itself, rows first. */
export const inBoth = (matrix: readonly number[][]): number[][] =>
  matrix.flatMap((a) => matrix.map((b) => a.flatMap((x) => b.map((y) => x * y))));

export const transposed = (matrix: readonly number[][]): number[][] =>
  (matrix[0] as number[]).map((_, column) => matrix.map((row) => row[column] as number));
