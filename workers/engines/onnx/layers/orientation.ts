import { orientation as constants, orientationKernel } from '../../../../src/learning/network/orientation.ts';
import type { Graph, Value } from '../graph.ts';

/** The fixed front end. [N, 3, H, W] -> [N, 3 + bins, H/pool, W/pool]. No weights come before it, so no gradients. */
export function orientation(graph: Graph, bins: number, pool: number, pictures: Value): Value {
  const kernel = graph.transpose(graph.constant(orientationKernel(bins)), [3, 2, 0, 1]);
  const slopes = graph.op('Conv', [pictures, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const oriented = graph.slice(slopes, 1, 0, bins);
  const gradient = graph.slice(slopes, 1, bins, bins + 2);
  const squares = graph.sum(graph.multiply(gradient, gradient), [1], 1);
  const magnitude2 = graph.add(squares, graph.scalar(constants.magnitudeFloor));
  const cosine2 = graph.divide(graph.multiply(oriented, oriented), magnitude2);
  const cosine16 = [1, 2, 3].reduce((power) => graph.multiply(power, power), cosine2);
  const energy = graph.multiply(cosine16, graph.op('Sqrt', [magnitude2]));
  const floored = graph.add(average(graph, energy, pool), graph.scalar(constants.energyFloor));
  return graph.concat([average(graph, pictures, pool), graph.op('Sqrt', [floored])], 1);
}

/** Mean over size x size pixels. [N, C, H, W] -> [N, C, H/size, W/size]. */
export const average = (graph: Graph, input: Value, size: number): Value =>
  size === 1 ? input : graph.op('AveragePool', [input], { kernel_shape: [size, size], strides: [size, size] });
