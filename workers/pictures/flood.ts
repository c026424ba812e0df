import type { Box } from './raster.ts';

export type Fill = (start: number, to: number) => Int32Array;

/**
 * Gives another kind to a cell and all of its kind that are joined to it by sides; @returns these cells, until the next time.
 * @param kinds [rows, stride], at its border cells of a kind that is never filled
 */
export function flooding(kinds: Uint8Array, stride: number): Fill {
  const cells = new Int32Array(kinds.length);
  const sides = [-stride, -1, 1, stride];
  return (start, to) => {
    const from = kinds[start]!;
    let count = 1;
    cells[0] = start;
    kinds[start] = to;
    // The cells stay in their list: those before `next` have been looked around.
    for (let next = 0; next < count; next++) {
      const at = cells[next]!;
      for (let side = 0; side < 4; side++) {
        const beside = at + sides[side]!;
        if (kinds[beside] !== from) continue;
        kinds[beside] = to;
        cells[count++] = beside;
      }
    }
    return cells.subarray(0, count);
  };
}

/** Around some cells, in cells, without the border. */
export function boxOf(cells: Int32Array, stride: number): Box {
  let left = stride;
  let right = 0;
  let [top, bottom] = [Number.POSITIVE_INFINITY, 0];
  for (const at of cells) {
    const y = Math.floor(at / stride);
    const x = at - y * stride;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return { left: left - 1, top: top - 1, right, bottom };
}
