/** Inner loops of linear algebra, which read memory as seldom as they can. Row-major throughout. */

/**
 * Sum of x x^T over the rows x of [n, d], row-major; [d, d].
 * Four rows at a time, and two rows of the result: it is then read and written a quarter as often, and what is read of the
 * rows serves twice, which is what takes the time.
 */
export function scatter(rows: Float64Array, d: number): Float64Array {
  const sums = new Float64Array(d * d);
  // Rows of zeros fill the last four.
  const padded = new Float64Array(Math.ceil(rows.length / (4 * d)) * 4 * d);
  padded.set(rows);
  for (let from = 0; from < padded.length; from += 4 * d) {
    const x = fourRows(padded, from, d);
    for (let a = 0; a + 1 < d; a += 2) addPair(sums, x, a, d);
    if (d % 2 === 1) addLast(sums, x, d);
  }
  for (let a = 0; a < d; a++) for (let b = 0; b < a; b++) sums[b * d + a] = sums[a * d + b]!;
  return sums;
}

type FourRows = readonly [Float64Array, Float64Array, Float64Array, Float64Array];
function fourRows(rows: Float64Array, from: number, d: number): FourRows {
  const row = (i: number) => rows.subarray(from + i * d, from + (i + 1) * d);
  return [row(0), row(1), row(2), row(3)];
}

/** Rows a and a + 1 of the result, up to their diagonal. */
function addPair(sums: Float64Array, [x0, x1, x2, x3]: FourRows, a: number, d: number): void {
  const [a0, a1, a2, a3] = [x0[a]!, x1[a]!, x2[a]!, x3[a]!];
  const [c0, c1, c2, c3] = [x0[a + 1]!, x1[a + 1]!, x2[a + 1]!, x3[a + 1]!];
  for (let b = 0, at = a * d, below = at + d; b <= a + 1; b++, at++, below++) {
    const y0 = x0[b]!;
    const y1 = x1[b]!;
    const y2 = x2[b]!;
    const y3 = x3[b]!;
    sums[at] = sums[at]! + a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3;
    sums[below] = sums[below]! + c0 * y0 + c1 * y1 + c2 * y2 + c3 * y3;
  }
}

/** The last row, where their number is odd. */
function addLast(sums: Float64Array, x: FourRows, d: number): void {
  for (let b = 0, at = (d - 1) * d; b < d; b++, at++) for (const row of x) sums[at] = sums[at]! + row[d - 1]! * row[b]!;
}

/**
 * L of symmetric, positive definite [d, d] = L L^T; entries above the diagonal are 0. @throws Error otherwise.
 * A library's, which asks a matrix for each entry, takes up to ten times as long.
 */
export function cholesky(symmetric: Float64Array, d: number): Float64Array {
  const lower = new Float64Array(d * d);
  for (let i = 0, own = 0; i < d; i++, own += d) {
    for (let j = 0, above = 0; j < i; j++, above += d)
      lower[own + j] = (symmetric[own + j]! - innerProduct(lower, own, above, j)) / lower[above + j]!;
    const square = symmetric[own + i]! - innerProduct(lower, own, own, i);
    if (!(square > 0)) throw new Error('The matrix is not positive definite');
    lower[own + i] = Math.sqrt(square);
  }
  return lower;
}

/** Inner product of the first `length` entries of two rows that begin at `a` and `b`: four sums, none of which waits for another. */
function innerProduct(x: Float64Array, a: number, b: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const most = length - (length % 4);
  for (let k = 0; k < most; k += 4) {
    s0 += x[a + k]! * x[b + k]!;
    s1 += x[a + k + 1]! * x[b + k + 1]!;
    s2 += x[a + k + 2]! * x[b + k + 2]!;
    s3 += x[a + k + 3]! * x[b + k + 3]!;
  }
  for (let k = most; k < length; k++) s0 += x[a + k]! * x[b + k]!;
  return s0 + s1 + (s2 + s3);
}

/** Rows L^-1 x of rows x, with L lower triangular [d, d] and rows [n, d]. Four at a time: L is read a quarter as often. */
export function solveLower(lower: Float64Array, rows: Float64Array, d: number): Float64Array {
  const solved = new Float64Array(Math.ceil(rows.length / (4 * d)) * 4 * d);
  solved.set(rows);
  for (let from = 0; from < solved.length; from += 4 * d) {
    const [x0, x1, x2, x3] = fourRows(solved, from, d);
    for (let i = 0, at = 0; i < d; i++, at = i * d) {
      let [v0, v1, v2, v3] = [x0[i]!, x1[i]!, x2[i]!, x3[i]!];
      for (let k = 0; k < i; k++, at++) {
        const l = lower[at]!;
        v0 -= l * x0[k]!;
        v1 -= l * x1[k]!;
        v2 -= l * x2[k]!;
        v3 -= l * x3[k]!;
      }
      const pivot = lower[at]!;
      x0[i] = v0 / pivot;
      x1[i] = v1 / pivot;
      x2[i] = v2 / pivot;
      x3[i] = v3 / pivot;
    }
  }
  return solved.subarray(0, rows.length);
}

/** [d, d] [d, k] -> [d, k], four rows of the right side at a time, so that the result is read a quarter as often. */
export function times(left: Float64Array, right: Float64Array, d: number, k: number): Float64Array {
  const out = new Float64Array(d * k);
  const whole = d - (d % 4);
  for (let i = 0; i < d; i++) {
    const own = out.subarray(i * k, (i + 1) * k);
    const factors = left.subarray(i * d, (i + 1) * d);
    for (let j = 0; j < whole; j += 4) {
      const [a0, a1, a2, a3] = [factors[j]!, factors[j + 1]!, factors[j + 2]!, factors[j + 3]!];
      for (let c = 0, at = j * k; c < k; c++, at++)
        own[c] = own[c]! + a0 * right[at]! + a1 * right[at + k]! + a2 * right[at + 2 * k]! + a3 * right[at + 3 * k]!;
    }
    for (let j = whole; j < d; j++)
      for (let c = 0, at = j * k; c < k; c++, at++) own[c] = own[c]! + factors[j]! * right[at]!;
  }
  return out;
}

/**
 * start + A x of A [n, d]; [n]. Four rows at a time, so that no sum waits for another: of each row the numbers are added in their order.
 * @param start [n]; left out: zeros
 */
export function timesVector(matrix: Float32Array, x: Float64Array, start?: Float32Array): Float32Array {
  const d = x.length;
  const out = start?.slice() ?? new Float32Array(matrix.length / d);
  const whole = out.length - (out.length % 4);
  for (let row = 0; row < whole; row += 4) {
    let [v0, v1, v2, v3] = [out[row]!, out[row + 1]!, out[row + 2]!, out[row + 3]!];
    for (let i = 0, at = row * d; i < d; i++, at++) {
      const value = x[i]!;
      v0 += matrix[at]! * value;
      v1 += matrix[at + d]! * value;
      v2 += matrix[at + 2 * d]! * value;
      v3 += matrix[at + 3 * d]! * value;
    }
    out[row] = v0;
    out[row + 1] = v1;
    out[row + 2] = v2;
    out[row + 3] = v3;
  }
  for (let row = whole; row < out.length; row++) {
    let sum = out[row]!;
    for (let i = 0, at = row * d; i < d; i++, at++) sum += matrix[at]! * x[i]!;
    out[row] = sum;
  }
  return out;
}
