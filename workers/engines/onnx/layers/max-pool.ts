import type { LayerOf, Padding, Shape } from '@simili/learning/network/shapes';
import { poolPadding } from '@simili/learning/network/shapes';
import type { Graph, Value } from '../graph.ts';
import {
  dimensions,
  type FeatureMap,
  inBlocks,
  interleave,
  pixelAxes,
  spatialOp,
  withPixelAxes,
} from './feature-map.ts';
import { noWeights, type Site, type Stage } from './stage.ts';

type Windows = { readonly size: number; readonly stride: number; readonly rows: Padding; readonly columns: Padding };

/** Never the largest, and finite: infinity times zero is no number. */
const LOWEST = -3e38;

/** A max pool: the first of equal values in a window, row by row, gets the gradient. */
export function maxPool({ graph, training }: Site, layer: LayerOf<'maxPool'>, map: FeatureMap, shape: Shape): Stage {
  const input = withPixelAxes(graph, map);
  const { size, stride = size } = layer;
  const windows = {
    size,
    stride,
    rows: poolPadding(input.shape[0], layer),
    columns: poolPadding(input.shape[1], layer),
  };
  const { rows, columns } = windows;
  const attributes = {
    kernel_shape: [size, size],
    strides: [stride, stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
  };
  const output = spatialOp(graph, 'MaxPool', input, [], attributes, { shape, block: input.block });
  if (!training) return { output };
  return {
    output,
    backward: (gradient) => {
      const { value } = inBlocks(graph, gradient, input.block);
      const shares = sharesOf(graph, placesOf(graph, windows, input), output.value, value);
      return { input: gather(graph, windows, input, output, shares, training.batch), weights: noWeights };
    },
  };
}

/** Gradient of each place of a window: all of it goes to the first that holds the largest value. */
export function sharesOf(graph: Graph, places: readonly Value[], largest: Value, gradient: Value): Value[] {
  let left = gradient;
  return places.map((place, i) => {
    if (i === places.length - 1) return left;
    const share = graph.multiply(left, graph.equal(place, largest));
    left = graph.subtract(left, share);
    return share;
  });
}

/** The values at each place of the windows, row by row: each as large as the output. */
function placesOf(graph: Graph, { size, stride, rows, columns }: Windows, input: FeatureMap): Value[] {
  const around = (row: number, column: number) => [0, 0, row, column, ...(input.block === 1 ? [] : [0])];
  const padded = graph.pad(input.value, around(rows.before, columns.before), around(rows.after, columns.after), LOWEST);
  const reach = (padding: Padding) => (padding.output - 1) * stride + 1;
  return places(size).map(([row, column]) =>
    graph.window(padded, pixelAxes, [row, column], [row + reach(rows), column + reach(columns)], stride),
  );
}

const places = (size: number) =>
  Array.from({ length: size * size }, (_, i) => [Math.floor(i / size), i % size] as const);

/** Adds up what each pixel gets from all windows over it: per remainder of its place by the stride, then set together. */
function gather(
  graph: Graph,
  { size, stride, rows, columns }: Windows,
  input: FeatureMap,
  { shape, block }: FeatureMap,
  shares: readonly Value[],
  batch: number,
): FeatureMap {
  const more = Math.ceil(size / stride) - 1;
  const cells = [shape[0] + more, shape[1] + more, shape[2]] as const;
  const zeros = () => {
    const [, ...lengths] = dimensions(cells, block);
    return graph.op('Expand', [graph.scalar(0), graph.ints([batch, ...lengths])]);
  };
  const shifted = (share: Value, down: number, right: number) => {
    const tail = block === 1 ? [] : [0];
    return graph.pad(share, [0, 0, down, right, ...tail], [0, 0, more - down, more - right, ...tail]);
  };
  const remainders = Array.from({ length: stride }, (_, i) => i);
  const grids = remainders.map((r) =>
    remainders
      .map((c) =>
        places(size)
          .map(([row, column], i) => ({ row, column, share: shares[i] as Value }))
          .filter(({ row, column }) => row % stride === r && column % stride === c)
          .map(({ row, column, share }) => shifted(share, Math.floor(row / stride), Math.floor(column / stride)))
          .reduce((sum: Value | undefined, value) => (sum === undefined ? value : graph.add(sum, value)), undefined),
      )
      .map((grid) => grid ?? zeros()),
  );
  const whole = interleave(graph, grids, cells, block);
  const value = cut(graph, whole, [cells[0] * stride, cells[1] * stride], [rows.before, columns.before], input);
  return { ...input, value };
}

/** The map's own pixels out of the padded ones; zeros for those that no window reached. */
function cut(
  graph: Graph,
  value: Value,
  sides: readonly number[],
  before: readonly number[],
  { shape, block }: FeatureMap,
): Value {
  const starts = before;
  const ends = starts.map((start, axis) => start + (shape[axis] as number));
  const missing = ends.map((end, axis) => Math.max(0, end - (sides[axis] as number)));
  const untouched = starts.every((start, axis) => start === 0 && ends[axis] === sides[axis]);
  if (untouched) return value;
  const inside = graph.window(value, pixelAxes, starts, ends);
  const tail = block === 1 ? [] : [0];
  return graph.pad(inside, [0, 0, 0, 0, ...tail], [0, 0, ...missing, ...tail]);
}
