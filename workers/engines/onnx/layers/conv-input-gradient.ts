import type { Shape } from '@simili/learning/network/shapes';
import type { Value } from '../graph.ts';
import type { Geometry } from './conv-kernel-gradient.ts';
import { convolve } from './convolve.ts';
import { type FeatureMap, inBlocks } from './feature-map.ts';
import type { Site } from './stage.ts';

/** Gradient by a convolution's input. @param kernel HWIO @param shape of the input */
export function inputGradient(
  site: Site,
  geometry: Geometry,
  kernel: Value,
  gradient: FeatureMap,
  shape: Shape,
): FeatureMap {
  return geometry.stride === 1
    ? correlateBack(site, geometry, kernel, gradient, shape)
    : spreadBack(site, geometry, kernel, gradient, shape);
}

export const convAttributes = ({ kernel, stride, rows, columns }: Geometry) => ({
  kernel_shape: [kernel, kernel],
  strides: [stride, stride],
  pads: [rows.before, columns.before, rows.after, columns.after],
});

/** Stride 1: the gradient by the input is a convolution with the kernel turned round and in and out swapped. */
function correlateBack(site: Site, geometry: Geometry, kernel: Value, gradient: FeatureMap, shape: Shape): FeatureMap {
  const { graph } = site;
  const { kernel: side, rows, columns } = geometry;
  const ends = [graph.ints([-1, -1]), graph.ints([-1 - side, -1 - side]), graph.ints([0, 1]), graph.ints([-1, -1])];
  const turned = graph.transpose(graph.op('Slice', [kernel, ...ends]), [0, 1, 3, 2]);
  const last = side - 1;
  const pads = [last - rows.before, last - columns.before, last - rows.after, last - columns.after];
  return convolve(site, gradient, turned, [], { ...convAttributes(geometry), pads }, shape);
}

/** Any stride. */
function spreadBack(
  { graph }: Site,
  geometry: Geometry,
  kernel: Value,
  gradient: FeatureMap,
  shape: Shape,
): FeatureMap {
  const { kernel: side, stride, rows, columns } = geometry;
  // Pixels at the end that no window reaches.
  const unread = [rows, columns].map((padding, axis) => {
    const padded = (shape[axis] as number) + padding.before + padding.after;
    return padded - (padding.output - 1) * stride - side;
  });
  const inputs = [inBlocks(graph, gradient, 1).value, graph.transpose(kernel, [3, 2, 0, 1])];
  const value = graph.op('ConvTranspose', inputs, { ...convAttributes(geometry), output_padding: unread });
  return { value, shape, block: 1 };
}
