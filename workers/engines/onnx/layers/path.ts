import type { LayerShape, PathShape } from '@simili/learning/network/shapes';
import { average, averagePool } from './average-pool.ts';
import { batchNorm } from './batch-norm.ts';
import { conv } from './conv.ts';
import { convPool } from './conv-pool.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { type FeatureMap, inBlocks } from './feature-map.ts';
import { chunkSize, inChunks, pictureByPicture } from './in-chunks.ts';
import { localResponseNorm } from './local-response-norm.ts';
import { maxPool } from './max-pool.ts';
import { orientation } from './orientation.ts';
import { relu } from './relu.ts';
import type { Backward, Site, Stage } from './stage.ts';

/** A path as one stage. @param input the pictures, or the features of its backbone. */
export function path(site: Site, { path, layers }: PathShape, input: FeatureMap): Stage {
  return chain(site, path.name, rectifiersLast(layers), average(site.graph, input, path.subsample));
}

/** Layers one behind the other; those that treat each picture by itself a few pictures at a time, where they convolve. */
function chain(site: Site, path: string, layers: readonly LayerShape[], input: FeatureMap): Stage {
  const stages: Stage[] = [];
  let output = input;
  for (let done = 0; done < layers.length; ) {
    const apart = layers.slice(done, done + pictureByPicture(layers.slice(done)));
    const isChunked = apart.some(({ layer }) => layer.type === 'conv');
    const taken = isChunked ? apart : layers.slice(done, done + Math.max(1, apart.length));
    const links = (part: Site, map: FeatureMap) => linked(part, path, taken, map);
    const stage = isChunked
      ? inChunks(site, site.training ? chunkSize(site.training, taken) : 1, output, links)
      : links(site, output);
    stages.push(stage);
    output = stage.output;
    done += taken.length;
  }
  return { output, backward: (gradient) => backThrough(stages, gradient) };
}

function linked(site: Site, path: string, layers: readonly LayerShape[], input: FeatureMap): Stage {
  const stages: Stage[] = [];
  let output = input;
  for (let i = 0; i < layers.length; i++) {
    const [shape, next] = [layers[i] as LayerShape, layers[i + 1]];
    const both = next && convPool(site, nameOf(path, shape), shape, next, output);
    const stage = both ?? build(site, path, shape, output);
    if (both) i++;
    stages.push(stage);
    output = stage.output;
  }
  return { output, backward: (gradient) => backThrough(stages, gradient) };
}

const nameOf = (path: string, { layer }: LayerShape): string => ('name' in layer ? `${path}.${layer.name}` : '');

function backThrough(stages: readonly Stage[], gradient: FeatureMap): Backward {
  const weights: Backward['weights'] = {};
  let input = gradient;
  for (const stage of stages.toReversed()) {
    if (!stage.backward) break;
    const back = stage.backward(input);
    Object.assign(weights, back.weights);
    input = back.input;
  }
  return { input, weights };
}

function build(site: Site, path: string, shape: LayerShape, value: FeatureMap): Stage {
  const { layer, output, inner } = shape;
  const name = nameOf(path, shape);
  switch (layer.type) {
    case 'orientation':
      return orientation(site, layer, value, output);
    case 'conv':
      return conv(site, layer, name, value, output);
    case 'maxPool':
      return maxPool(site, layer, value, output);
    case 'averagePool':
      return averagePool(site, layer.size, value);
    case 'relu':
      return relu(site, value);
    case 'localResponseNorm':
      return localResponseNorm(site, layer, value);
    case 'batchNorm':
      return batchNorm(site, name, value);
    case 'residual':
      return beside(site, value, chain(site, path, rectifiersLast(inner), value));
    case 'dense':
      return dense(site, name, layer.units, value);
    case 'dropout':
      return dropout(site, name, value);
  }
}

/** x + layers(x): the gradient takes both ways. */
function beside({ graph }: Site, input: FeatureMap, inner: Stage): Stage {
  const sum = (a: FeatureMap, b: FeatureMap): FeatureMap => ({
    ...a,
    value: graph.add(a.value, inBlocks(graph, b, a.block).value),
  });
  return {
    output: sum(input, inner.output),
    backward: (gradient) => {
      const own = inBlocks(graph, gradient, input.block);
      const back = inner.backward?.(gradient);
      return back ? { input: sum(own, back.input), weights: back.weights } : { input: own, weights: {} };
    },
  };
}

/** max(0, largest) is the largest of max(0, ·), gradients included, and rectifies fewer values. */
function rectifiersLast(layers: readonly LayerShape[]): LayerShape[] {
  const ordered = [...layers];
  for (let i = 1; i < ordered.length; i++) {
    const [before, after] = [ordered[i - 1], ordered[i]] as [LayerShape, LayerShape];
    if (before.layer.type === 'relu' && after.layer.type === 'maxPool') {
      ordered[i - 1] = after;
      ordered[i] = { ...before, input: after.output, output: after.output };
    }
  }
  return ordered;
}
