import type { LayerOf, Padding } from '@simili/learning/network/shapes';
import type { Graph, Value } from '../graph.ts';
import { channelsLast, type FeatureMap, inBlocks } from './feature-map.ts';

/** A convolution and where its windows lie on this input. */
export type Geometry = LayerOf<'conv'> & { readonly rows: Padding; readonly columns: Padding };

/** So few channels make products too thin to be fast; then all taps go into one. */
const FEW_CHANNELS = 16;

/**
 * Gradient of a kernel: for each tap, the product of what the tap read with the gradient of what came out, summed over all
 * pixels. The taps of a kernel's row share one matrix product: thinner ones are slow, thicker ones cost more in copies.
 * @param gradient [N·outputs, filters]
 * @returns HWIO
 */
export function kernelGradient(graph: Graph, geometry: Geometry, input: FeatureMap, gradient: Value): Value {
  const channels = input.shape[2];
  const { kernel: side, filters } = geometry;
  const shape = [side, side, channels, filters];
  if (channels <= FEW_CHANNELS) {
    const byChannel = graph.transpose(inBlocks(graph, input, 1).value, [1, 0, 2, 3]); // [C, N, H, W]
    const padded = padPixels(graph, byChannel, [2, 3], geometry);
    const rows = sideOf(geometry).flatMap((row) =>
      sideOf(geometry).map((column) => read(graph, padded, [2, 3], [row, column], geometry)),
    );
    const taps = graph.reshape(graph.concat(rows, 0), [side * side * channels, -1]);
    return graph.reshape(graph.op('Gemm', [taps, gradient]), shape);
  }
  const padded = padPixels(graph, channelsLast(graph, input), [1, 2], geometry);
  const across = sideOf(geometry).map((column) => read(graph, padded, [2], [column], geometry));
  const rows = graph.concat(across, 3); // [N, padded H, outputs, side·C]
  const products = sideOf(geometry).map((row) => {
    const taps = graph.reshape(read(graph, rows, [1], [row], geometry), [-1, side * channels]);
    return graph.op('Gemm', [taps, gradient], { transA: 1 });
  });
  return graph.reshape(graph.concat(products, 0), shape);
}

const sideOf = ({ kernel }: Geometry) => Array.from({ length: kernel }, (_, i) => i);

function padPixels(graph: Graph, value: Value, [y, x]: readonly [number, number], { rows, columns }: Geometry): Value {
  const around = (row: number, column: number) =>
    [0, 1, 2, 3].map((axis) => (axis === y ? row : axis === x ? column : 0));
  return graph.pad(value, around(rows.before, columns.before), around(rows.after, columns.after));
}

/** Inputs of all outputs at one place of the kernel, along some axes of square maps. */
function read(
  graph: Graph,
  value: Value,
  axes: readonly number[],
  start: readonly number[],
  geometry: Geometry,
): Value {
  const reach = (geometry.rows.output - 1) * geometry.stride + 1;
  return graph.window(
    value,
    axes,
    start,
    start.map((place) => place + reach),
    geometry.stride,
  );
}
