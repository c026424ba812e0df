/** |a - b|^2 of two vectors of one length. */
export function squaredDistance<T extends Float32Array | Float64Array>(a: T, b: T): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum;
}
