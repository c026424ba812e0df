import { boxOf, flooding } from './flood.ts';
import { type Ground, groundLine } from './ground.ts';
import type { Box, Raster } from './raster.ts';

/** A channel that differs from the ground by more than this is ink: above the noise of JPEG on an even ground. */
export const INK_DIFFERENCE = 10;
/** The same on a ground with a texture, in its standard deviations. */
const INK_DEVIATIONS = 3;
/** A part of the ink that is smaller than this share of the largest one is dust: it does not widen the box. */
const DUST = 1 / 400;
/** Ground that the thing encloses is seen through a hole when it is as even as this: levels, standard deviations. */
const [HOLE_DIFFERENCE, HOLE_DEVIATIONS] = [3, 1.5];
/** Longer side of the grid on which thing and ground are told apart, cells. */
const GRID = 96;

/** Kinds of cells: like the ground, and not reached; ink that was not counted yet; of the ground; of the thing. */
const ENCLOSED = 1;
const UNCOUNTED = 2;
export const GROUND = 3;
export const THING = 4;

/** Squares of `cell` pixels; [rows, columns] with one more cell around, which is of no kind (0). */
export type Foreground = {
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  /** Largest difference of a channel from the ground, levels. */
  readonly difference: Uint8Array;
  /** GROUND, THING, 0 around. */
  readonly kinds: Uint8Array;
  /** Around the thing and one cell more, whole cells in pixels; null when there is none. */
  readonly box: Box | null;
};

/** The thing is all that is not ground: not like it, or enclosed by the thing and not seen through a hole. */
export function findForeground(raster: Raster, ground: Ground): Foreground {
  const cell = Math.max(1, Math.ceil(Math.max(raster.width, raster.height) / GRID));
  const [columns, rows] = [Math.ceil(raster.width / cell), Math.ceil(raster.height / cell)];
  const limit = Math.max(INK_DIFFERENCE, INK_DEVIATIONS * ground.noise);
  const difference = differences(raster, ground, { cell, columns, rows });
  const kinds = kindsOf(difference, { columns, rows, limit });
  const parts = tellApart(kinds, difference, columns + 2, Math.max(HOLE_DIFFERENCE, HOLE_DEVIATIONS * ground.noise));
  return {
    ...{ cell, columns, rows, difference, kinds },
    box: boxAround(parts, cell, raster),
  };
}

type Grid = { cell: number; columns: number; rows: number };

/** The pixel of a row or column of cells that stands for it. @param length pixels of the raster that way */
export const middleOf = (index: number, cell: number, length: number): number =>
  Math.min(length - 1, index * cell + (cell >> 1));

/** Of the pixel in the middle of each cell. */
function differences({ pixels, width, height }: Raster, ground: Ground, { cell, columns, rows }: Grid): Uint8Array {
  const out = new Uint8Array((columns + 2) * (rows + 2));
  const line = new Float32Array(columns * 3);
  for (let row = 0; row < rows; row++) {
    groundLine(ground, (2 * (row + 0.5)) / rows - 1, columns, line);
    const y = middleOf(row, cell, height);
    for (let column = 0, to = (row + 1) * (columns + 2) + 1; column < columns; column++, to++) {
      const from = (y * width + middleOf(column, cell, width)) * 3;
      const red = Math.abs(pixels[from]! - line[column * 3]!);
      const green = Math.abs(pixels[from + 1]! - line[column * 3 + 1]!);
      const blue = Math.abs(pixels[from + 2]! - line[column * 3 + 2]!);
      out[to] = Math.max(red, green, blue) + 0.5;
    }
  }
  return out;
}

function kindsOf(difference: Uint8Array, { columns, rows, limit }: { columns: number; rows: number; limit: number }) {
  const kinds = new Uint8Array(difference.length);
  for (let row = 1; row <= rows; row++) {
    const first = row * (columns + 2) + 1;
    for (let at = first; at < first + columns; at++) kinds[at] = difference[at]! <= limit ? ENCLOSED : UNCOUNTED;
  }
  return kinds;
}

type InkPart = { readonly area: number; readonly box: Box };

/** Makes every cell GROUND or THING. @returns the parts of the ink. */
function tellApart(kinds: Uint8Array, difference: Uint8Array, stride: number, hole: number): InkPart[] {
  const fill = flooding(kinds, stride);
  const parts: InkPart[] = [];
  const last = kinds.length - stride;
  const isAtBorder = (at: number) =>
    at < 2 * stride || at >= last - stride || at % stride === 1 || at % stride === stride - 2;
  for (let at = stride; at < last; at++) {
    if (kinds[at] === ENCLOSED && isAtBorder(at)) fill(at, GROUND);
    else if (kinds[at] === UNCOUNTED) {
      const cells = fill(at, THING);
      parts.push({ area: cells.length, box: boxOf(cells, stride) });
    }
  }
  for (let at = stride; at < last; at++) {
    if (kinds[at] !== ENCLOSED) continue;
    const cells = fill(at, GROUND);
    let sum = 0;
    for (const one of cells) sum += difference[one]!;
    if (sum > hole * cells.length) for (const one of cells) kinds[one] = THING;
  }
  return parts;
}

function boxAround(parts: readonly InkPart[], cell: number, { width, height }: Raster): Box | null {
  const least = Math.max(0, ...parts.map(({ area }) => area)) * DUST;
  const boxes = parts.filter(({ area }) => area >= least).map(({ box }) => box);
  if (boxes.length === 0) return null;
  return {
    left: cell * Math.max(0, Math.min(...boxes.map(({ left }) => left)) - 1),
    top: cell * Math.max(0, Math.min(...boxes.map(({ top }) => top)) - 1),
    right: Math.min(width, cell * (Math.max(...boxes.map(({ right }) => right)) + 1)),
    bottom: Math.min(height, cell * (Math.max(...boxes.map(({ bottom }) => bottom)) + 1)),
  };
}
