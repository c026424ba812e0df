/**
 * A seed for one of many streams that a seed stands for: what `parts` count, e.g. kind and number of the stream. Neighbours
 * get unrelated seeds (finaliser of MurmurHash3).
 * @param seed any integer; only its lowest 32 bits count, as of `parts`
 * @returns uint32
 */
export function seedFrom(seed: number, ...parts: readonly number[]): number {
  return parts.reduce((hash, part) => mixed(hash ^ Math.imul(part + 1, 0x9e3779b9)), mixed(seed | 0)) >>> 0;
}

function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
