import { orientation as constants, orientationKernel } from '@simili/learning/network/orientation';
import type { LayerOf, Shape } from '@simili/learning/network/shapes';
import { average } from './average-pool.ts';
import type { FeatureMap } from './feature-map.ts';
import type { Site, Stage } from './stage.ts';

/** The fixed front end on the picture. No weights come before it, so no gradient passes. */
export function orientation(
  { graph }: Site,
  { bins, pool }: LayerOf<'orientation'>,
  pictures: FeatureMap,
  shape: Shape,
): Stage {
  const kernel = graph.transpose(graph.constant(orientationKernel(bins)), [3, 2, 0, 1]);
  const slopes = graph.op('Conv', [pictures.value, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const oriented = graph.slice(slopes, 1, 0, bins);
  const gradient = graph.slice(slopes, 1, bins, bins + 2);
  const squares = graph.sum(graph.multiply(gradient, gradient), [1], 1);
  const magnitude2 = graph.add(squares, graph.scalar(constants.magnitudeFloor));
  const cosine2 = graph.divide(graph.multiply(oriented, oriented), magnitude2);
  const cosine16 = [1, 2, 3].reduce((power) => graph.multiply(power, power), cosine2);
  const energy = { ...pictures, value: graph.multiply(cosine16, graph.op('Sqrt', [magnitude2])) };
  const floored = graph.add(average(graph, energy, pool).value, graph.scalar(constants.energyFloor));
  const value = graph.concat([average(graph, pictures, pool).value, graph.op('Sqrt', [floored])], 1);
  return { output: { value, shape, block: 1 } };
}
