import type { Shape } from '@simili/learning/network/shapes';
import type { Graph, Value } from '../graph.ts';
import { CHANNELS_LAST, type FeatureMap, inBlocks } from './feature-map.ts';

/**
 * A convolution without its bias as matrix products of gathered rows: a processor's fastest way where there are few channels
 * (no layout of the runtime is made for them) or 3x3 windows (`winograd`). Rows are pixels with all their channels.
 */
export type Products = {
  /** [pixels, filters], in one piece. */
  readonly output: Value;
  /** The same: with tiles, a quarter for each place in a window. */
  readonly parts: readonly Value[];
  /**
   * 1: pixels as ever. Else they come by their place in a window of 2x2 pixels (four quarters of all), then by the window's
   * place in a square tile of so many pixels a side, then by tile: [2, 2, tile / 2, tile / 2, N, H / tile, W / tile].
   */
  readonly tile: 1 | 2 | 4;
  /** Given the gradient by `output` or by each of `parts`. */
  backward(gradients: readonly Value[]): { readonly input: FeatureMap; readonly kernel: Value };
};

/** A map's pixels as rows, and behind them the one that padding reads. */
export function withZeros(graph: Graph, map: FeatureMap): Value {
  const channels = map.shape[2];
  const rows = graph.reshape(inBlocks(graph, map, CHANNELS_LAST).value, [-1, channels]);
  return graph.concat([rows, graph.zeros([1, channels])], 0);
}

/** Row of a pixel, or of the zeros behind all of them. */
export function pixelAt([batch, height, width]: Shape, picture: number, y: number, x: number): number {
  const isInside = y >= 0 && y < height && x >= 0 && x < width;
  return isInside ? (picture * height + y) * width + x : batch * height * width;
}

/** Rows in tiles -> [N, H, W, C] */
export function fromTiles(graph: Graph, rows: Value, [height, width, channels]: Shape, tile: number): Value {
  if (tile === 1) return graph.reshape(rows, [-1, height, width, channels]);
  const half = tile / 2;
  const apart = graph.reshape(rows, [2, 2, half, half, -1, height / tile, width / tile, channels]);
  return graph.reshape(graph.transpose(apart, [4, 5, 2, 0, 6, 3, 1, 7]), [-1, height, width, channels]);
}

/** Undoes `fromTiles`. */
export function toTiles(graph: Graph, pixels: Value, [height, width, channels]: Shape, tile: number): Value {
  if (tile === 1) return graph.reshape(pixels, [-1, channels]);
  const half = tile / 2;
  const apart = graph.reshape(pixels, [-1, height / tile, half, 2, width / tile, half, 2, channels]);
  return graph.reshape(graph.transpose(apart, [3, 6, 2, 5, 0, 1, 4, 7]), [-1, channels]);
}

/** One row for each window, in the order of tiles -> [N, H / 2, W / 2, C] */
export function windowsFromTiles(graph: Graph, rows: Value, [height, width, channels]: Shape, tile: number): Value {
  const half = tile / 2;
  const apart = graph.reshape(rows, [half, half, -1, height / tile, width / tile, channels]);
  const inOrder = half === 1 ? apart : graph.transpose(apart, [2, 3, 0, 4, 1, 5]);
  return graph.reshape(inOrder, [-1, height / 2, width / 2, channels]);
}

/** Undoes `windowsFromTiles`. */
export function windowsToTiles(graph: Graph, windows: Value, [height, width, channels]: Shape, tile: number): Value {
  const half = tile / 2;
  if (half === 1) return graph.reshape(windows, [-1, channels]);
  const apart = graph.reshape(windows, [-1, height / tile, half, width / tile, half, channels]);
  return graph.reshape(graph.transpose(apart, [2, 4, 0, 1, 3, 5]), [-1, channels]);
}
