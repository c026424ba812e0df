import type { Shape } from '@simili/learning/network/shapes';
import type { Value } from '../graph.ts';
import { inputGradient } from './conv-input-gradient.ts';
import type { Geometry } from './conv-kernel-gradient.ts';
import { CHANNELS_LAST, type FeatureMap } from './feature-map.ts';
import { fromTiles, type Products, pixelAt, withZeros } from './product-rows.ts';
import type { Site } from './stage.ts';
import { winograd } from './winograd.ts';

/** Up to so many channels the taps of a window make one row. */
const FEW_CHANNELS = 16;
/** Longer rows of taps are slower to gather than a convolution is to compute. */
const MOST_TAPS = 256;

/**
 * @param kernel HWIO
 * @param inWindows whether a tile of 2 is wanted; `winograd` has its own
 * @returns null where another way is faster, or the device is not a processor
 */
export function products(
  site: Site,
  geometry: Geometry,
  kernel: Value,
  input: FeatureMap,
  output: Shape,
  inWindows: boolean,
): Products | null {
  if (!site.training?.gathers) return null;
  const channels = input.shape[2];
  if (channels > FEW_CHANNELS)
    return isSame3x3(geometry, input.shape) ? winograd(site, kernel, input, output[2]) : null;
  return channels * geometry.kernel ** 2 <= MOST_TAPS ? taps(site, geometry, kernel, input, output, inWindows) : null;
}

const isSame3x3 = ({ kernel, stride, rows, columns }: Geometry, [height, width]: Shape): boolean =>
  [
    kernel === 3,
    stride === 1,
    rows.before === 1,
    columns.before === 1,
    rows.output === height,
    columns.output === width,
    height % 2 === 0,
    width % 2 === 0,
  ].every(Boolean);

/** Each row holds all that one output reads: one product with the whole kernel, and one for its gradient. */
function taps(
  site: Site,
  geometry: Geometry,
  kernel: Value,
  input: FeatureMap,
  output: Shape,
  inWindows: boolean,
): Products {
  const { graph, training } = site;
  const { kernel: side, filters } = geometry;
  const [height, width, channels] = input.shape;
  const batch = training?.batch ?? 1;
  const tile = inWindows && output[0] % 2 === 0 && output[1] % 2 === 0 ? 2 : 1;
  const about = [batch, height, width, ...output, side, geometry.stride, geometry.rows.before, geometry.columns.before];
  const source = withZeros(graph, input);
  const length = side * side * channels;
  const rows = pixelOrders(batch, output, tile).map((pixels, i) => {
    const table = graph.table(`taps ${about} ${tile} ${i}`, () => tapsOf(geometry, [batch, height, width], pixels));
    return graph.reshape(graph.gather(source, table), [-1, length]);
  });
  const parts = rows.map((part) => graph.op('MatMul', [part, graph.reshape(kernel, [length, filters])]));
  const whole = (values: readonly Value[]) => graph.concat(values, 0);
  return {
    output: whole(parts),
    parts,
    tile,
    backward: (gradients) => {
      const map = { value: fromTiles(graph, whole(gradients), output, tile), shape: output, block: CHANNELS_LAST };
      const byKernel = gradients.map((part, i) => {
        const read = gradients.length === rows.length ? (rows[i] as Value) : whole(rows);
        return graph.op('Gemm', [read, part], { transA: 1 });
      });
      return {
        input: inputGradient(site, geometry, kernel, map, input.shape),
        kernel: graph.reshape(byKernel.reduce(graph.add), [side, side, channels, filters]),
      };
    },
  };
}

/** Pixels that each output reads, row by row. */
function tapsOf({ kernel, stride, rows, columns }: Geometry, size: Shape, pixels: readonly Shape[]): number[] {
  return pixels.flatMap(([picture, row, column]) =>
    Array.from({ length: kernel * kernel }, (_, tap) => {
      const y = row * stride - rows.before + Math.floor(tap / kernel);
      const x = column * stride - columns.before + (tap % kernel);
      return pixelAt(size, picture, y, x);
    }),
  );
}

/** [picture, row, column] of all outputs, with a tile of 2 for each place in a window. */
function pixelOrders(batch: number, [height, width]: Shape, step: 1 | 2): Shape[][] {
  return Array.from({ length: step * step }, (_, place) => {
    const pixels: Shape[] = [];
    for (let picture = 0; picture < batch; picture++)
      for (let y = Math.floor(place / step); y < height; y += step)
        for (let x = place % step; x < width; x += step) pixels.push([picture, y, x]);
    return pixels;
  });
}
