import type { Loss } from '@simili/learning/losses/loss';
import { describeNetwork, dropoutLayers, isStatistic, PROXIES, weightShapes } from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { fold } from './fold.ts';
import { Graph, opsets, type Value } from './graph.ts';
import { lossGraphs } from './losses/index.ts';
import { withProxies } from './losses/proxies.ts';
import { network } from './network.ts';
import type { Device } from './runtime.ts';

/** Names of what goes into the graphs and comes out; weights go by their own names, which all have a dot. */
export const port = {
  pictures: 'pictures',
  featuresOf: (path: string) => `features of ${path}`,
  maskOf: (layer: string) => `mask of ${layer}`,
  embeddings: 'embeddings',
  loss: 'loss',
  activeShare: 'activeShare',
  gradientOf: (weight: string) => `gradient of ${weight}`,
  /** Name of the statistic of a batch, by that of the running one. */
  statisticOf: (weight: string) => `batch ${weight}`,
} as const;

/**
 * Weights and graph in one portable ONNX file: pictures [n, S, S, 3], for a path with a backbone its features [n, length]
 * -> embeddings [n, D], unit rows, for any n.
 * @param opset 13 to 22.
 * @throws RangeError for another one.
 */
export function embeddingModel(spec: NetworkSpec, weights: Weights, opset: number = opsets.usual): Uint8Array {
  const graph = new Graph(opset);
  const folded = fold(spec, weights);
  const site = { graph, weight: once((name) => graph.constant(weightOf(folded.weights, name))) };
  const { unit } = network(site, folded.spec, {
    pictures: graph.input(port.pictures, ['n', spec.inputSize, spec.inputSize, 3]),
    features: (path, length) => graph.input(port.featuresOf(path), ['n', length]),
  });
  graph.output(port.embeddings, unit.output, ['n', spec.embedding]);
  return graph.bytes(spec.name);
}

/**
 * Pictures [N, S, S, 3], masks, features, weights and what the loss reads -> loss, active share, the gradient of the loss
 * by every trained weight and the batch's statistics.
 * @param on `Device.block`, `Device.gathers`; 1 and false: standard operators only.
 */
export function trainingModel(
  spec: NetworkSpec,
  kind: Loss['kind'],
  batch: number,
  { block, gathers }: Pick<Device, 'block' | 'gathers'>,
): Uint8Array {
  const graph = new Graph();
  const shapes = weightShapes(spec);
  const shapeOf = (name: string) => shapes[name] ?? [];
  const lengths = new Map(dropoutLayers(describeNetwork(spec)).map(({ name, length }) => [name, length]));
  const training = {
    batch,
    block,
    gathers,
    shapeOf,
    mask: (layer: string) => graph.input(port.maskOf(layer), [batch, lengths.get(layer) ?? 0]),
    statistic: (name: string, value: Value) => graph.output(port.statisticOf(name), value, shapeOf(name)),
  };
  const site = { graph, weight: once((name) => graph.input(name, shapeOf(name))), training };
  const towers = network(site, spec, {
    pictures: graph.input(port.pictures, [batch, spec.inputSize, spec.inputSize, 3]),
    features: (path, length) => graph.input(port.featuresOf(path), [batch, length]),
  });
  const part = kind === 'softmax' ? towers.linear : towers.unit;
  const ranking = lossGraphs[kind](graph, part.output, batch, spec.embedding);
  const { proxies: classes } = spec;
  const beside = { rows: towers.unit.output, batch, classes: classes ?? 0 };
  const cost =
    classes === undefined
      ? { ...ranking, proxyGradient: '' }
      : withProxies(graph, ranking, { ...beside, proxies: site.weight(PROXIES) });
  const { loss, activeShare, gradient } = cost;
  graph.output(port.loss, loss, []);
  graph.output(port.activeShare, activeShare, []);
  const gradients: Record<string, Value> = { ...part.weightGradients(gradient), [PROXIES]: cost.proxyGradient };
  for (const name of Object.keys(shapes).filter((each) => !isStatistic(each)))
    graph.output(port.gradientOf(name), gradients[name] as Value, shapeOf(name));
  return graph.bytes(`${spec.name} training`);
}

/** Every weight is declared once, where it is first used. */
function once(declare: (name: string) => Value): (name: string) => Value {
  const declared = new Map<string, Value>();
  return (name) => {
    const value = declared.get(name) ?? declare(name);
    declared.set(name, value);
    return value;
  };
}

function weightOf(weights: Weights, name: string) {
  const tensor = weights[name];
  if (!tensor) throw new Error(`There is no weight ${name}`);
  return tensor;
}
