/** The item whose pictures include this one: starts[item] <= picture < starts[item + 1]. */
export function itemAt(starts: Int32Array, picture: number): number {
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= picture) low = middle;
    else high = middle;
  }
  return low;
}
