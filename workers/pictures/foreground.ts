import { ENCLOSED, GROUND, THING, UNCOUNTED } from './cell-kinds.ts';
import { boxOf, type Fill, flooding } from './flood.ts';
import { type Ground, groundColours } from './ground.ts';
import type { Box, Raster } from './raster.ts';
import { findShadows, isDarkened } from './shadow.ts';

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

/** Squares of `cell` pixels; [rows, columns] with one more cell around, which is of no kind (0). */
export type Foreground = {
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  /** [rows, columns, 3]: colours of the ground. */
  readonly colours: Float32Array;
  /** Largest difference of a channel from them, levels. */
  readonly difference: Uint8Array;
  /** Greatest difference at which a cell looks like the ground. */
  readonly limit: number;
  /** GROUND, SHADOW, THING; NO_CELL around. */
  readonly kinds: Uint8Array;
  /** Around the thing and one cell more, whole cells in pixels; null when there is none. */
  readonly box: Box | null;
};

/**
 * The thing is all that is not ground: not like it nor its shadow, or enclosed by the thing and not seen through a hole.
 * @param hasShadows false: soft shadows stay with the thing
 */
export function findForeground(raster: Raster, ground: Ground, hasShadows = true): Foreground {
  const cell = Math.max(1, Math.ceil(Math.max(raster.width, raster.height) / GRID));
  const [columns, rows] = [Math.ceil(raster.width / cell), Math.ceil(raster.height / cell)];
  const limit = Math.max(INK_DIFFERENCE, INK_DEVIATIONS * ground.noise);
  const colours = groundColours(ground, columns, rows);
  const { difference, isDark } = differences(raster, colours, { cell, columns, rows });
  const kinds = kindsOf(difference, { columns, rows, limit });
  const stride = columns + 2;
  const fill = flooding(kinds, stride);
  fillFromBorder(kinds, stride, fill);
  if (hasShadows) findShadows(kinds, difference, isDark, stride, fill);
  const parts = fillThing(kinds, stride, fill);
  fillHoles(kinds, difference, fill, Math.max(HOLE_DIFFERENCE, HOLE_DEVIATIONS * ground.noise));
  return { cell, columns, rows, colours, difference, limit, kinds, box: boxAround(parts, cell, raster) };
}

type Grid = { cell: number; columns: number; rows: number };

/** The pixel of a row or column of cells that stands for it. @param length pixels of the raster that way */
export const middleOf = (index: number, cell: number, length: number): number =>
  Math.min(length - 1, index * cell + (cell >> 1));

/** Difference from the ground of the pixel in the middle of each cell, and whether that may be a shadow. */
function differences({ pixels, width, height }: Raster, colours: Float32Array, { cell, columns, rows }: Grid) {
  const difference = new Uint8Array((columns + 2) * (rows + 2));
  const isDark = new Uint8Array(difference.length);
  for (let row = 0, at = 0; row < rows; row++) {
    const y = middleOf(row, cell, height);
    for (let column = 0, to = (row + 1) * (columns + 2) + 1; column < columns; column++, to++, at += 3) {
      const from = (y * width + middleOf(column, cell, width)) * 3;
      const red = colours[at]!;
      const green = colours[at + 1]!;
      const blue = colours[at + 2]!;
      const most = Math.max(
        Math.abs(pixels[from]! - red),
        Math.abs(pixels[from + 1]! - green),
        Math.abs(pixels[from + 2]! - blue),
      );
      difference[to] = most + 0.5;
      if (most <= INK_DIFFERENCE) continue;
      if (isDarkened(pixels[from]! / red, pixels[from + 1]! / green, pixels[from + 2]! / blue)) isDark[to] = 1;
    }
  }
  return { difference, isDark };
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

function fillFromBorder(kinds: Uint8Array, stride: number, fill: Fill): void {
  const last = kinds.length - stride;
  const start = (at: number) => {
    if (kinds[at] === ENCLOSED) fill(at, GROUND);
  };
  for (let at = stride + 1; at < 2 * stride; at++) start(at);
  for (let at = last - stride; at < last; at++) start(at);
  for (let at = stride + 1; at < last; at += stride) {
    start(at);
    start(at + stride - 3);
  }
}

/** @returns the parts of the ink that hang together. */
function fillThing(kinds: Uint8Array, stride: number, fill: Fill): InkPart[] {
  const parts: InkPart[] = [];
  for (let at = stride; at < kinds.length - stride; at++) {
    if (kinds[at] !== UNCOUNTED) continue;
    const cells = fill(at, THING);
    parts.push({ area: cells.length, box: boxOf(cells, stride) });
  }
  return parts;
}

/** Each enclosed part is of the ground or of the thing. */
function fillHoles(kinds: Uint8Array, difference: Uint8Array, fill: Fill, limit: number): void {
  for (let at = 0; at < kinds.length; at++) {
    if (kinds[at] !== ENCLOSED) continue;
    const cells = fill(at, GROUND);
    let sum = 0;
    for (const one of cells) sum += difference[one]!;
    if (sum > limit * cells.length) for (const one of cells) kinds[one] = THING;
  }
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
