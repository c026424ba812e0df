import type { LayerOf, Shape } from '../../../../src/learning/network/shapes.ts';
import { convPadding } from '../../../../src/learning/network/shapes.ts';
import type { Value } from '../graph.ts';
import { type Geometry, kernelGradient } from './conv-kernel-gradient.ts';
import { convolve } from './convolve.ts';
import { channelsLast, type FeatureMap, inBlocks, withinChannel } from './feature-map.ts';
import type { Site, Stage } from './stage.ts';

/** Convolution with bias. Kernel HWIO. */
export function conv(site: Site, layer: LayerOf<'conv'>, prefix: string, input: FeatureMap, output: Shape): Stage {
  const { graph, weight } = site;
  const [height, width] = input.shape;
  const geometry = { ...layer, rows: convPadding(height, layer), columns: convPadding(width, layer) };
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const kernel = weight(names.kernel);
  const byInput = layer.stride === 1 ? correlateBack : spreadBack;
  return {
    output: convolve(site, input, kernel, [weight(names.bias)], attributes(geometry), output),
    backward: (gradient) => {
      const pixels = graph.reshape(channelsLast(graph, gradient), [-1, layer.filters]);
      return {
        input: byInput(site, geometry, kernel, gradient, input.shape),
        weights: {
          [names.kernel]: kernelGradient(graph, geometry, input, pixels),
          [names.bias]: graph.reshape(withinChannel(graph, 'sum', gradient.value), [layer.filters]),
        },
      };
    },
  };
}

const attributes = ({ kernel, stride, rows, columns }: Geometry) => ({
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
  return convolve(site, gradient, turned, [], { ...attributes(geometry), pads }, shape);
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
  const value = graph.op('ConvTranspose', inputs, { ...attributes(geometry), output_padding: unread });
  return { value, shape, block: 1 };
}
