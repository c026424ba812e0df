import type { Shape } from '@simili/learning/network/shapes';
import { elements } from '@simili/learning/network/shapes';
import { blockedDomain, type Graph, type Value } from '../graph.ts';

/**
 * Value between two layers: N pictures of `shape` as one value [N, channels / block, H, W, block]. Block 1 is ONNX's own
 * NCHW (and has no fifth axis). A larger one is ONNX Runtime's NCHWc, whose convolutions on the CPU run near the peak:
 * channels in groups as wide as a register. Pixels are axes 2 and 3 in both. A vector of n is [N, n, 1, 1]. `CHANNELS_LAST`
 * stands for one block of all channels, [N, H, W, C]: rows of matrices.
 */
export type FeatureMap = { readonly value: Value; readonly shape: Shape; readonly block: number };

export const CHANNELS_LAST = 0;

/** Axes of the pixels in all layouts but `CHANNELS_LAST`. */
export const pixelAxes = [2, 3] as const;

/** Lengths of the value's axes; the first is whatever is left. */
export const dimensions = ([height, width, channels]: Shape, block: number): number[] => {
  if (block === CHANNELS_LAST) return [-1, height, width, channels];
  return block === 1 ? [-1, channels, height, width] : [-1, channels / block, height, width, block];
};

/** The same values in another layout. */
export function inBlocks(graph: Graph, map: FeatureMap, block: number): FeatureMap {
  const { shape } = map;
  if (map.block === block) return map;
  if (block === CHANNELS_LAST) return { value: channelsLast(graph, map), shape, block };
  if (map.block === CHANNELS_LAST) return unflatten(graph, map.value, shape, block);
  if (block === 1) {
    const value = graph.reshape(graph.transpose(map.value, [0, 1, 4, 2, 3]), dimensions(shape, 1));
    return { value, shape, block };
  }
  const [height, width, channels] = shape;
  const plain = inBlocks(graph, map, 1).value;
  const grouped = graph.reshape(plain, [-1, channels / block, block, height, width]);
  return { value: graph.transpose(grouped, [0, 1, 3, 4, 2]), shape, block };
}

/** In a layout that operators on windows of pixels know. */
export const withPixelAxes = (graph: Graph, map: FeatureMap): FeatureMap =>
  map.block === CHANNELS_LAST ? inBlocks(graph, map, 1) : map;

/** One operator that knows its layout: NCHW by ONNX, NCHWc by the runtime, which calls it [N, channels, H, W] too. */
export function spatialOp(
  graph: Graph,
  type: 'Conv' | 'MaxPool' | 'AveragePool',
  { value, shape, block }: FeatureMap,
  others: readonly Value[],
  attributes: Record<string, readonly number[] | number>,
  output: { readonly shape: Shape; readonly block: number } = { shape, block },
): FeatureMap {
  if (output.block === 1) return { ...output, value: graph.op(type, [value, ...others], attributes) };
  const input = block === 1 ? value : graph.reshape(value, dimensions(shape, 1));
  const result = graph.op(type, [input, ...others], attributes, blockedDomain);
  return { ...output, value: graph.reshape(result, dimensions(output.shape, output.block)) };
}

/** [N, H, W, C] */
export function channelsLast(graph: Graph, { value, shape, block }: FeatureMap): Value {
  if (block === CHANNELS_LAST) return value;
  if (shape[0] === 1 && shape[1] === 1) return graph.reshape(value, [-1, ...shape]);
  return graph.reshape(graph.transpose(value, block === 1 ? [0, 2, 3, 1] : [0, 2, 3, 1, 4]), [-1, ...shape]);
}

/** [N, H·W·C], the canonical order of flattened values. */
export function flatten(graph: Graph, map: FeatureMap): Value {
  const last = map.shape[0] === 1 && map.shape[1] === 1 ? map.value : channelsLast(graph, map);
  return graph.reshape(last, [-1, elements(map.shape)]);
}

/** Undoes `flatten`. */
export function unflatten(graph: Graph, rows: Value, shape: Shape, block: number): FeatureMap {
  const [height, width, channels] = shape;
  if ((height === 1 && width === 1) || block === CHANNELS_LAST)
    return { value: graph.reshape(rows, dimensions(shape, block)), shape, block };
  const last = graph.reshape(rows, [-1, height, width, channels / block, block]);
  const value = graph.transpose(last, [0, 3, 1, 2, 4]);
  return { value: block === 1 ? graph.reshape(value, dimensions(shape, 1)) : value, shape, block };
}

/** A value per channel, so that it broadcasts over a map. */
export const perChannel = (graph: Graph, values: Value, { shape, block }: FeatureMap): Value =>
  graph.reshape(values, dimensions([1, 1, shape[2]], block));

/**
 * Sum or mean of each channel over all pictures and pixels of a map; it still has the map's axes. First within each
 * picture, then over the pictures: one long sum of float32 values would lose a digit.
 */
export const withinChannel = (graph: Graph, reduce: 'sum' | 'mean', { value, block }: FeatureMap): Value =>
  graph[reduce](graph[reduce](value, block === CHANNELS_LAST ? [1, 2] : pixelAxes, 1), [0], 1);

/**
 * Grids of the same size set between each other: cell (i, j) of grid (r, c) becomes pixel (i·n + r, j·n + c).
 * @param grids n rows of n values [N, C / block, H, W(, block)].
 */
export function interleave(graph: Graph, grids: readonly (readonly Value[])[], shape: Shape, block: number): Value {
  const [height, width, channels] = shape;
  const stride = grids.length;
  if (stride === 1) return grids[0]?.[0] as Value;
  const rows = grids.map((columns) => {
    const cells = columns.map((grid) => graph.reshape(grid, [-1, width, 1, block]));
    return graph.reshape(graph.concat(cells, 2), [-1, height, 1, width * stride * block]);
  });
  return graph.reshape(graph.concat(rows, 2), dimensions([height * stride, width * stride, channels], block));
}
