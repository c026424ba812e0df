import { samePadding } from '@simili/learning/network/shapes';
import type { Graph } from '../graph.ts';
import { type FeatureMap, inBlocks, interleave, spatialOp, withPixelAxes } from './feature-map.ts';
import { noWeights, type Site, type Stage } from './stage.ts';

/** Mean of size x size pixels, which divide the map. */
export function averagePool({ graph }: Site, size: number, map: FeatureMap): Stage {
  const input = withPixelAxes(graph, map);
  const output = average(graph, input, size);
  return {
    output,
    backward: (gradient) => {
      const { value, block } = inBlocks(graph, gradient, input.block);
      const share = graph.multiply(value, graph.scalar(1 / size ** 2));
      const grids = Array.from({ length: size }, () => Array.from({ length: size }, () => share));
      return { input: { ...input, value: interleave(graph, grids, output.shape, block) }, weights: noWeights };
    },
  };
}

/** Mean of size x size pixels; where they do not divide the map, a cell at the edge is the mean of those that it has. */
export function average(graph: Graph, input: FeatureMap, size: number): FeatureMap {
  if (size === 1) return input;
  const [height, width, channels] = input.shape;
  const [rows, columns] = [samePadding(height, size, size), samePadding(width, size, size)];
  const attributes = {
    kernel_shape: [size, size],
    strides: [size, size],
    pads: [rows.before, columns.before, rows.after, columns.after],
    count_include_pad: 0,
  };
  const shape = [rows.output, columns.output, channels] as const;
  return spatialOp(graph, 'AveragePool', input, [], attributes, { shape, block: input.block });
}
