import { GROUND, JUDGED, SHADOW, UNCOUNTED } from './cell-kinds.ts';
import type { Fill } from './flood.ts';

/** A shadow has this share of the ground's light or more, in each channel alike but for so much. */
const [LEAST_LIGHT, COLOUR_CAST] = [0.45, 0.05];
/** It changes by no more levels from cell to cell along some way to the ground. */
const MOST_STEP = 5;
/** It fades out: where it meets the ground it is weaker than all of it is, on average, by this factor. */
const FADED = 0.6;

/** Whether a colour may be that of the ground in a shadow. */
export function isDarkened(red: number, green: number, blue: number): boolean {
  const low = Math.min(red, green, blue);
  const high = Math.max(red, green, blue);
  return low >= LEAST_LIGHT && high < 1 && high - low <= COLOUR_CAST;
}

/**
 * Finds soft shadows, SHADOW: ink that may be darkened ground and is joined to it without a step. A thing in such a colour has an
 * edge to the ground as strong as itself in most places, even where its shading leaves a way in somewhere.
 * @param isDark [cells] 1: may be darkened ground
 */
export function findShadows(
  kinds: Uint8Array,
  difference: Uint8Array,
  isDark: Uint8Array,
  stride: number,
  fill: Fill,
): void {
  const sides = [-stride, -1, 1, stride];
  const reached = new Int32Array(kinds.length);
  let count = 0;
  const isStep = (a: number, b: number) => Math.abs(difference[a]! - difference[b]!) > MOST_STEP;
  const reach = (at: number) => {
    kinds[at] = SHADOW;
    reached[count++] = at;
  };
  for (let at = stride; at < kinds.length - stride; at++) {
    if (isDark[at] === 0 || kinds[at] !== UNCOUNTED) continue;
    for (const side of sides) {
      if (kinds[at + side] !== GROUND || isStep(at, at + side)) continue;
      reach(at);
      break;
    }
  }
  for (let next = 0; next < count; next++) {
    const at = reached[next]!;
    for (const side of sides) {
      if (kinds[at + side] === UNCOUNTED && isDark[at + side] === 1 && !isStep(at, at + side)) reach(at + side);
    }
  }
  judge(kinds, difference, reached.subarray(0, count), sides, fill);
}

function judge(
  kinds: Uint8Array,
  difference: Uint8Array,
  reached: Int32Array,
  sides: readonly number[],
  fill: Fill,
): void {
  const shadows: number[] = [];
  for (const start of reached) {
    if (kinds[start] !== SHADOW) continue;
    const cells = fill(start, JUDGED);
    const edge = cells.filter((at) => sides.some((side) => kinds[at + side] === GROUND));
    if (meanOf(difference, edge) <= FADED * meanOf(difference, cells)) shadows.push(...cells);
  }
  for (const at of reached) kinds[at] = UNCOUNTED;
  for (const at of shadows) kinds[at] = SHADOW;
}

const meanOf = (values: Uint8Array, cells: Int32Array): number => {
  let sum = 0;
  for (const at of cells) sum += values[at]!;
  return sum / cells.length;
};
