import type { LayerOf, Shape } from '@simili/learning/network/shapes';
import { convPadding } from '@simili/learning/network/shapes';
import { convAttributes, inputGradient } from './conv-input-gradient.ts';
import { type Geometry, kernelGradient } from './conv-kernel-gradient.ts';
import { convolve } from './convolve.ts';
import { CHANNELS_LAST, channelsLast, type FeatureMap, inBlocks, withinChannel } from './feature-map.ts';
import { fromTiles, type Products, toTiles } from './product-rows.ts';
import { products } from './products.ts';
import type { Site, Stage } from './stage.ts';

/** Convolution with bias. Kernel HWIO. */
export function conv(site: Site, layer: LayerOf<'conv'>, prefix: string, input: FeatureMap, output: Shape): Stage {
  const geometry = geometryOf(layer, input.shape);
  const found = products(site, geometry, site.weight(`${prefix}.kernel`), input, output, false);
  return found ? byProducts(site, prefix, found, output) : direct(site, geometry, prefix, input, output);
}

export const geometryOf = (layer: LayerOf<'conv'>, [height, width]: Shape): Geometry => ({
  ...layer,
  rows: convPadding(height, layer),
  columns: convPadding(width, layer),
});

function direct(site: Site, geometry: Geometry, prefix: string, input: FeatureMap, output: Shape): Stage {
  const { graph, weight } = site;
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const kernel = weight(names.kernel);
  return {
    output: convolve(site, input, kernel, [weight(names.bias)], convAttributes(geometry), output),
    backward: (gradient) => {
      const pixels = graph.reshape(channelsLast(graph, gradient), [-1, geometry.filters]);
      return {
        input: inputGradient(site, geometry, kernel, gradient, input.shape),
        weights: {
          [names.kernel]: kernelGradient(graph, geometry, input, pixels),
          [names.bias]: graph.reshape(withinChannel(graph, 'sum', gradient), [geometry.filters]),
        },
      };
    },
  };
}

function byProducts({ graph, weight }: Site, prefix: string, found: Products, shape: Shape): Stage {
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const pixels = fromTiles(graph, found.output, shape, found.tile);
  return {
    output: { value: graph.add(pixels, weight(names.bias)), shape, block: CHANNELS_LAST },
    backward: (gradient) => {
      const last = inBlocks(graph, gradient, CHANNELS_LAST);
      const back = found.backward([toTiles(graph, last.value, shape, found.tile)]);
      return {
        input: back.input,
        weights: {
          [names.kernel]: back.kernel,
          [names.bias]: graph.reshape(withinChannel(graph, 'sum', last), [shape[2]]),
        },
      };
    },
  };
}
