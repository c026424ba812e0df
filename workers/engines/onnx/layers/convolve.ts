import type { Shape } from '@simili/learning/network/shapes';
import type { Graph, Value } from '../graph.ts';
import { type FeatureMap, inBlocks, spatialOp } from './feature-map.ts';
import type { Site } from './stage.ts';

type Attributes = Record<'kernel_shape' | 'strides' | 'pads', readonly number[]>;

/**
 * A convolution in the layout in which it is fastest here. The runtime's blocked one takes a few channels (a picture's) as
 * NCHW, and many in whole blocks, which zeros fill up.
 * @param kernel HWIO
 * @param bias one value or none
 */
export function convolve(
  { graph, training }: Site,
  input: FeatureMap,
  kernel: Value,
  bias: readonly Value[],
  attributes: Attributes,
  shape: Shape,
): FeatureMap {
  const channels = input.shape[2];
  const filters = shape[2];
  const block = training?.block ?? 1;
  const sides = attributes.kernel_shape;
  if (block === 1 || filters % block !== 0) {
    const inputs = [graph.transpose(kernel, [3, 2, 0, 1]), ...bias];
    return spatialOp(graph, 'Conv', inBlocks(graph, input, 1), inputs, attributes, { shape, block: 1 });
  }
  const group = 2 * channels < block ? 1 : block;
  const missing = (group - (channels % group)) % group;
  const source = inBlocks(graph, widened(graph, input, missing), group);
  const whole = graph.pad(kernel, [0, 0, 0, 0], [0, 0, missing, 0]);
  const inputs = [inFilterBlocks(graph, whole, [...sides, channels + missing, filters], group, block), ...bias];
  return spatialOp(graph, 'Conv', source, inputs, attributes, { shape, block });
}

/** With channels of zeros at the end. */
function widened(graph: Graph, map: FeatureMap, missing: number): FeatureMap {
  if (missing === 0) return map;
  const [height, width, channels] = map.shape;
  const value = graph.pad(inBlocks(graph, map, 1).value, [0, 0, 0, 0], [0, missing, 0, 0]);
  return { value, shape: [height, width, channels + missing], block: 1 };
}

/** HWIO -> [O / block, I / group, H, W, group, block], which the runtime calls [O, I, H, W]. */
function inFilterBlocks(graph: Graph, kernel: Value, shape: readonly number[], group: number, block: number): Value {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  const grouped = graph.reshape(kernel, [height, width, channels / group, group, filters / block, block]);
  return graph.reshape(graph.transpose(grouped, [4, 2, 0, 1, 3, 5]), [filters, channels, height, width]);
}
