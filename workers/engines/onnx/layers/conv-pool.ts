import type { LayerShape } from '@simili/learning/network/shapes';
import { geometryOf } from './conv.ts';
import { CHANNELS_LAST, channelsLast, type FeatureMap, withinChannel } from './feature-map.ts';
import { sharesOf } from './max-pool.ts';
import { type Products, windowsFromTiles, windowsToTiles } from './product-rows.ts';
import { products } from './products.ts';
import type { Site, Stage } from './stage.ts';

/**
 * A convolution and the largest of 2 x 2 behind it, where products compute it: they give the four pixels of a window apart, so
 * that nothing is ever put together and taken apart again. The largest is found before the bias is added, to a quarter of
 * the values.
 * @returns null where these two are not computed so
 */
export function convPool(
  site: Site,
  prefix: string,
  conv: LayerShape,
  pool: LayerShape,
  input: FeatureMap,
): Stage | null {
  if (conv.layer.type !== 'conv' || !halves(pool)) return null;
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const geometry = geometryOf(conv.layer, input.shape);
  const found = products(site, geometry, site.weight(names.kernel), input, conv.output, true);
  return found && pooled(site, names, found, pool);
}

const halves = ({ layer, input: [height, width] }: LayerShape): boolean =>
  layer.type === 'maxPool' && layer.size === 2 && (layer.stride ?? 2) === 2 && height % 2 === 0 && width % 2 === 0;

function pooled(
  { graph, weight }: Site,
  names: Record<'kernel' | 'bias', string>,
  found: Products,
  pool: LayerShape,
): Stage {
  const shape = pool.output;
  const largest = graph.op('Max', found.parts);
  const windows = graph.add(largest, weight(names.bias));
  const value = windowsFromTiles(graph, windows, pool.input, found.tile);
  return {
    output: { value, shape, block: CHANNELS_LAST },
    backward: (gradient) => {
      const last = channelsLast(graph, gradient);
      const rows = windowsToTiles(graph, last, pool.input, found.tile);
      const back = found.backward(sharesOf(graph, found.parts, largest, rows));
      const byBias = withinChannel(graph, 'sum', { value: last, shape, block: CHANNELS_LAST });
      return {
        input: back.input,
        weights: { [names.kernel]: back.kernel, [names.bias]: graph.reshape(byBias, [shape[2]]) },
      };
    },
  };
}
