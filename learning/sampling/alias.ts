import type { Random } from '../numbers/random.ts';

/** Draws an index in proportion to its weight in constant time. */
export type AliasTable = { readonly length: number; draw(random: Random): number };

/**
 * Alias table (Walker 1977, built as Vose 1991).
 * @param weights >= 0
 * @returns null when no weight is positive: there is nothing to draw
 */
export function makeAliasTable(weights: ArrayLike<number>): AliasTable | null {
  const length = weights.length;
  let total = 0;
  for (let i = 0; i < length; i++) total += weights[i]!;
  if (!(total > 0)) return null;
  // Slot i keeps i with probability keep[i] and stands for other[i] otherwise.
  const keep = new Float64Array(length);
  const other = new Int32Array(length);
  const poor: number[] = [];
  const rich: number[] = [];
  for (let i = 0; i < length; i++) {
    keep[i] = (weights[i]! / total) * length;
    (keep[i]! < 1 ? poor : rich).push(i);
  }
  while (poor.length > 0 && rich.length > 0) {
    const taker = poor.pop()!;
    const giver = rich[rich.length - 1]!;
    other[taker] = giver;
    keep[giver] = keep[giver]! - (1 - keep[taker]!);
    if (keep[giver]! < 1) poor.push(rich.pop()!);
  }
  settleRounding(weights, keep, other, [...poor, ...rich]);
  return {
    length,
    draw: (random) => {
      const slot = random.int(length);
      return random.next() < keep[slot]! ? slot : other[slot]!;
    },
  };
}

/** Slots left over are full but for rounding; one of weight 0 must still never be drawn. */
function settleRounding(weights: ArrayLike<number>, keep: Float64Array, other: Int32Array, left: number[]): void {
  const heaviest = indexOfLargest(weights);
  for (const slot of left) {
    keep[slot] = weights[slot]! > 0 ? 1 : 0;
    other[slot] = heaviest;
  }
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
