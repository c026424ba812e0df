import type { Shape } from '../../../../src/learning/network/shapes.ts';
import { samePadding } from '../../../../src/learning/network/shapes.ts';
import type { Layer } from '../../../../src/learning/network/spec.ts';
import type { Graph, Value } from '../graph.ts';
import type { Stage, WeightNamed } from './stage.ts';

type Conv = Extract<Layer, { type: 'conv' }>;
type Geometry = Conv & { readonly rows: Padding; readonly columns: Padding };
type Padding = ReturnType<typeof samePadding>;

/** Convolution with SAME padding and bias. [N, C, H, W] -> [N, filters, H/stride, W/stride]; kernel HWIO. */
export function conv(
  graph: Graph,
  layer: Conv,
  prefix: string,
  shape: Shape,
  input: Value,
  weight: WeightNamed,
): Stage {
  const [height, width, channels] = shape;
  const { kernel: side, stride, filters } = layer;
  const rows = samePadding(height, side, stride);
  const columns = samePadding(width, side, stride);
  const geometry = { ...layer, rows, columns };
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const kernel = weight(names.kernel);
  const output = graph.op('Conv', [input, graph.transpose(kernel, [3, 2, 0, 1]), weight(names.bias)], {
    kernel_shape: [side, side],
    strides: [stride, stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
  });
  return {
    output,
    inputGradient: (gradient) =>
      stride === 1
        ? correlateBack(graph, geometry, kernel, gradient)
        : spreadBack(graph, geometry, kernel, gradient, shape),
    weightGradients: (gradient) => {
      const byFilter = channelRows(graph, gradient, filters);
      const taps = shiftedInputs(graph, geometry, input).map((tap) => {
        const product = graph.op('Gemm', [graph.reshape(tap, [channels, -1]), byFilter], { transB: 1 });
        return graph.reshape(product, [1, channels, filters]);
      });
      return {
        [names.kernel]: graph.reshape(graph.concat(taps, 0), [side, side, channels, filters]),
        [names.bias]: graph.sum(byFilter, [1], 0),
      };
    },
  };
}

/** [N, C, H, W] -> [C, N·H·W]. */
const channelRows = (graph: Graph, value: Value, channels: number): Value =>
  graph.reshape(graph.transpose(value, [1, 0, 2, 3]), [channels, -1]);

/** Stride 1: the gradient by the input is a convolution with the kernel turned round and in and out swapped. */
function correlateBack(graph: Graph, { kernel: side, rows, columns }: Geometry, kernel: Value, gradient: Value): Value {
  const ends = [graph.ints([-1, -1]), graph.ints([-1 - side, -1 - side]), graph.ints([0, 1]), graph.ints([-1, -1])];
  const turned = graph.transpose(graph.op('Slice', [kernel, ...ends]), [2, 3, 0, 1]);
  const last = side - 1;
  return graph.op('Conv', [gradient, turned], {
    kernel_shape: [side, side],
    pads: [last - rows.before, last - columns.before, last - rows.after, last - columns.after],
  });
}

/** Any stride. */
function spreadBack(graph: Graph, geometry: Geometry, kernel: Value, gradient: Value, shape: Shape): Value {
  const { kernel: side, stride, rows, columns } = geometry;
  // Pixels at the end that no tap reaches, where the stride is larger than the kernel.
  const unread = [shape[0], shape[1]].map((length, axis) => {
    const padding = axis === 0 ? rows : columns;
    return length + padding.before + padding.after - (padding.output - 1) * stride - side;
  });
  return graph.op('ConvTranspose', [gradient, graph.transpose(kernel, [3, 2, 0, 1])], {
    kernel_shape: [side, side],
    strides: [stride, stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
    output_padding: unread,
  });
}

/** For each tap of the kernel, row by row, what it reads: [C, N, outputs, outputs]. */
function shiftedInputs(graph: Graph, { kernel: side, stride, rows, columns }: Geometry, input: Value): Value[] {
  const pads = [0, 0, rows.before, columns.before, 0, 0, rows.after, columns.after];
  const padded = graph.op('Pad', [graph.transpose(input, [1, 0, 2, 3]), graph.ints(pads)]);
  const reach = (padding: Padding) => (padding.output - 1) * stride + 1;
  const tap = (row: number, column: number) =>
    graph.op('Slice', [
      padded,
      graph.ints([row, column]),
      graph.ints([row + reach(rows), column + reach(columns)]),
      graph.ints([2, 3]),
      graph.ints([stride, stride]),
    ]);
  const sides = Array.from({ length: side }, (_, i) => i);
  return sides.flatMap((row) => sides.map((column) => tap(row, column)));
}
