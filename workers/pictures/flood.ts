import type { Box } from './raster.ts';

/** `cells` until the next fill; `box` in cells, without the border around. */
export type Part = { readonly cells: Int32Array; readonly box: Box };

/**
 * Gives another kind to a cell and all of its kind that are joined to it by sides.
 * @param kinds [rows, stride], at its border cells of a kind that is never filled
 */
export function flooding(kinds: Uint8Array, stride: number): (start: number, to: number) => Part {
  const cells = new Int32Array(kinds.length);
  const sides = [-stride, -1, 1, stride];
  return (start, to) => {
    const from = kinds[start]!;
    let [left, top, right, bottom] = [stride, kinds.length, 0, 0];
    let count = 1;
    cells[0] = start;
    kinds[start] = to;
    // The cells stay in their list: those before `next` have been looked around.
    for (let next = 0; next < count; next++) {
      const at = cells[next]!;
      const y = (at / stride) | 0;
      const x = at - y * stride;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
      for (let side = 0; side < 4; side++) {
        const beside = at + sides[side]!;
        if (kinds[beside] !== from) continue;
        kinds[beside] = to;
        cells[count++] = beside;
      }
    }
    return { cells: cells.subarray(0, count), box: { left: left - 1, top: top - 1, right, bottom } };
  };
}
