import type { Box, Colour, Raster } from './raster.ts';

/**
 * The box as size x size pixels, each the mean of the area it covers; what lies outside the raster is background. Where an
 * output pixel is smaller than one of the raster, it takes the mean of one raster pixel's area around its centre instead,
 * which is linear interpolation: a small thing is enlarged without steps.
 */
export function areaAverage(raster: Raster, background: Colour, box: Box, size: number): Uint8Array {
  const columns = coverage(box.left, box.right, size, raster.width);
  const rows = coverage(box.top, box.bottom, size, raster.height);
  const [first, end] = [columns.from[0]! * 3, columns.to[size - 1]! * 3];
  const line = new Float64Array(raster.width * 3);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0, to = 0; y < size; y++) {
    sumRows(raster, rows, y, line, first, end);
    for (let x = 0; x < size; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let i = columns.from[x]!, k = x * columns.most; i < columns.to[x]!; i++, k++) {
        const weight = columns.weights[k]!;
        red += weight * line[i * 3]!;
        green += weight * line[i * 3 + 1]!;
        blue += weight * line[i * 3 + 2]!;
      }
      const outside = 1 - rows.shares[y]! * columns.shares[x]!;
      // Nothing is negative: the array's own rounding down makes it the nearest.
      out[to++] = red + outside * background[0] + 0.5;
      out[to++] = green + outside * background[1] + 0.5;
      out[to++] = blue + outside * background[2] + 0.5;
    }
  }
  return out;
}

/** Source pixels from..to under each output pixel; weights [size, most] are shares of it, `shares` their sums: the rest lies outside. */
type Coverage = { from: Int32Array; to: Int32Array; weights: Float64Array; most: number; shares: Float64Array };

/** Weights of the pixels 0..length in each of `size` equal parts of [start, end). */
function coverage(start: number, end: number, size: number, length: number): Coverage {
  const step = (end - start) / size;
  const reach = Math.max(step, 1);
  const most = Math.ceil(reach) + 1;
  const [from, to] = [new Int32Array(size), new Int32Array(size)];
  const [weights, shares] = [new Float64Array(size * most), new Float64Array(size)];
  for (let i = 0; i < size; i++) {
    const low = start + (i + 0.5) * step - reach / 2;
    const high = low + reach;
    from[i] = Math.min(length, Math.max(0, Math.floor(low)));
    to[i] = Math.max(from[i]!, Math.min(length, Math.ceil(high)));
    for (let pixel = from[i]!, k = i * most; pixel < to[i]!; pixel++, k++) {
      weights[k] = Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel)) / reach;
      shares[i] = shares[i]! + weights[k]!;
    }
  }
  return { from, to, weights, most, shares };
}

/** Writes the weighted sum of the rows under output row y into first..end of `sum`, which is [width, 3]. */
function sumRows(
  { pixels, width }: Raster,
  rows: Coverage,
  y: number,
  sum: Float64Array,
  first: number,
  end: number,
): void {
  sum.fill(0);
  for (let row = rows.from[y]!, k = y * rows.most; row < rows.to[y]!; row++, k++) {
    const weight = rows.weights[k]!;
    for (let i = first, at = row * width * 3 + first; i < end; i++, at++) sum[i] = sum[i]! + weight * pixels[at]!;
  }
}
