/**
 * Orthonormal 2-D Haar transform in the standard decomposition: every row in full, then every column in full. Index 0 of
 * a line is its sum / sqrt(side), index 1 the coarsest difference, [2^l, 2^(l+1)) those of level l.
 * @param plane [side, side] row-major, side a power of two; overwritten
 * @returns the same array
 */
export function haar2d(plane: Float64Array, side: number): Float64Array {
  if (plane.length !== side * side || !Number.isInteger(Math.log2(side))) {
    throw new Error(`${plane.length} values are no square whose side is a power of two`);
  }
  const line = new Float64Array(side);
  for (let i = 0; i < side; i++) haarLine(plane, i * side, 1, line);
  for (let i = 0; i < side; i++) haarLine(plane, i, side, line);
  return plane;
}

/** Transforms line.length values of `plane`, `stride` apart, in place; `line` is scratch. */
function haarLine(plane: Float64Array, offset: number, stride: number, line: Float64Array): void {
  for (let half = line.length / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) {
      const first = plane[offset + 2 * i * stride]!;
      const second = plane[offset + (2 * i + 1) * stride]!;
      line[i] = (first + second) * Math.SQRT1_2;
      line[half + i] = (first - second) * Math.SQRT1_2;
    }
    for (let i = 0; i < 2 * half; i++) plane[offset + i * stride] = line[i]!;
  }
}
