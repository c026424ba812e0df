/** uint8 RGB, row-major [height, width, 3]. */
export type Raster = {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
};
export type Colour = readonly [red: number, green: number, blue: number];
/** In pixels; `right` and `bottom` are exclusive. */
export type Box = { left: number; top: number; right: number; bottom: number };

/** A channel that differs from the background by more than this is ink: above the noise of JPEG on a white ground. */
const INK_DIFFERENCE = 10;
/** On each side of the ink, as a share of its longer side. */
const BORDER = 0.03;

/**
 * Cuts a picture to its ink, centred in a square of background with a 3 % border, as `size` x `size` pixels: what is
 * compared is then the thing, not how much room its photographer left.
 * @returns uint8 RGB [size, size, 3], area-averaged. A picture without ink is kept whole.
 */
export function trimToSquare(raster: Raster, background: Colour, size: number): Uint8Array {
  const box = inkBox(raster, background) ?? {
    left: 0,
    top: 0,
    right: raster.width,
    bottom: raster.height,
  };
  const side = Math.max(box.right - box.left, box.bottom - box.top) * (1 + 2 * BORDER);
  const left = (box.left + box.right - side) / 2;
  const top = (box.top + box.bottom - side) / 2;
  return areaAverage(raster, background, { left, top, right: left + side, bottom: top + side }, size);
}

/** The smallest box around all ink; null when there is none. */
export function inkBox({ pixels, width, height }: Raster, background: Colour): Box | null {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isInk(pixels, (y * width + x) * 3, background)) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
    }
  }
  return box.bottom === 0 ? null : box;
}

const isInk = (pixels: Uint8Array, at: number, background: Colour): boolean =>
  background.some((value, channel) => Math.abs((pixels[at + channel] as number) - value) > INK_DIFFERENCE);

/** The box as size x size pixels, each the mean of the area it covers; what lies outside the raster is background. */
export function areaAverage(raster: Raster, background: Colour, box: Box, size: number): Uint8Array {
  const columns = coverage(box.left, box.right, size, raster.width);
  const rows = coverage(box.top, box.bottom, size, raster.height);
  const out = new Uint8Array(size * size * 3);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let channel = 0; channel < 3; channel++) {
        out[(y * size + x) * 3 + channel] = meanOf(raster, row, column, channel, background[channel] as number);
      }
    });
  });
  return out;
}

/** Source pixels from..from+weights.length under one output pixel; weights are shares of it, the rest lies outside. */
type Cover = { from: number; weights: number[] };

/** What each of `size` equal parts of [start, end) covers of the pixels 0..length. */
function coverage(start: number, end: number, size: number, length: number): Cover[] {
  const step = (end - start) / size;
  return Array.from({ length: size }, (_, i) => {
    const low = start + i * step;
    const high = low + step;
    const from = Math.max(0, Math.floor(low));
    const to = Math.min(length, Math.ceil(high));
    const share = (pixel: number) => Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel)) / step;
    return {
      from,
      weights: Array.from({ length: Math.max(0, to - from) }, (_, k) => share(from + k)),
    };
  });
}

function meanOf({ pixels, width }: Raster, row: Cover, column: Cover, channel: number, outside: number): number {
  let sum = 0;
  let covered = 0;
  for (let j = 0; j < row.weights.length; j++) {
    for (let i = 0; i < column.weights.length; i++) {
      const weight = (row.weights[j] as number) * (column.weights[i] as number);
      sum += weight * (pixels[((row.from + j) * width + column.from + i) * 3 + channel] as number);
      covered += weight;
    }
  }
  return Math.round(sum + (1 - covered) * outside);
}
