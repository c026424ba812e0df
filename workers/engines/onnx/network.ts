import type { BranchShape, PathShape } from '../../../src/learning/network/shapes.ts';
import { describeNetwork, weightShapes } from '../../../src/learning/network/shapes.ts';
import type { NetworkSpec, Weights } from '../../../src/learning/network/spec.ts';
import { Graph, type Value } from './graph.ts';
import { conv } from './layers/conv.ts';
import { dense } from './layers/dense.ts';
import { average, orientation } from './layers/orientation.ts';
import type { Stage, WeightNamed } from './layers/stage.ts';
import { flatten, l2Norm, maxPool, relu } from './layers/weightless.ts';
import { tripletHinge } from './triplet-hinge.ts';

/** Names of what goes into the graphs and comes out; weights go by their own names, which all have a dot. */
export const port = {
  pictures: 'pictures',
  embeddings: 'embeddings',
  gap: 'gap',
  loss: 'loss',
  activeShare: 'activeShare',
  gradientOf: (weight: string) => `gradient of ${weight}`,
} as const;

/** Weights and graph in one portable ONNX file: pictures [n, S, S, 3] -> embeddings [n, D], for any n. */
export function embeddingModel(spec: NetworkSpec, weights: Weights): Uint8Array {
  const graph = new Graph();
  const pictures = graph.input(port.pictures, ['n', spec.inputSize, spec.inputSize, 3]);
  const { output } = network(
    { graph, weight: once((name) => graph.constant(weightOf(weights, name))) },
    spec,
    pictures,
  );
  graph.output(port.embeddings, output, ['n', spec.embedding]);
  return graph.bytes(spec.name);
}

/** Pictures [3B, S, S, 3], gap and weights -> loss, active share and the gradient of the loss by every weight. */
export function trainingModel(spec: NetworkSpec, triplets: number): Uint8Array {
  const graph = new Graph();
  const batch = 3 * triplets;
  const shapes = weightShapes(spec);
  const pictures = graph.input(port.pictures, [batch, spec.inputSize, spec.inputSize, 3]);
  const gap = graph.input(port.gap, []);
  const weight = once((name) => graph.input(name, shapes[name] ?? []));
  const towers = network({ graph, weight, batch }, spec, pictures);
  const { loss, activeShare, gradient } = tripletHinge(graph, towers.output, triplets, gap);
  graph.output(port.loss, loss, []);
  graph.output(port.activeShare, activeShare, []);
  const gradients = towers.weightGradients(gradient);
  for (const [name, shape] of Object.entries(shapes)) graph.output(port.gradientOf(name), pick(gradients, name), shape);
  return graph.bytes(`${spec.name} training`);
}

/** Where a network is being built. `batch`: pictures in a training batch; absent when the graph only embeds. */
type Site = { readonly graph: Graph; readonly weight: WeightNamed; readonly batch?: number };
/** A part of the network: its value, and the gradients of all weights in it given the gradient by that value. */
type Part = {
  readonly output: Value;
  weightGradients(gradient: Value): Record<string, Value>;
};

function network(site: Site, spec: NetworkSpec, pictures: Value): Part {
  const { graph } = site;
  const { branches } = describeNetwork(spec);
  const channelsFirst = graph.transpose(pictures, [0, 3, 1, 2]);
  const joined = join(graph, branches, (shape) => branch(site, shape, channelsFirst));
  const linear = dense(graph, 'embedding', joined.output, site.weight);
  const unit = l2Norm(graph, linear.output);
  return {
    output: unit.output,
    weightGradients: (gradient) => {
      const byLinear = unit.inputGradient(gradient);
      return { ...joined.weightGradients(linear.inputGradient(byLinear)), ...linear.weightGradients?.(byLinear) };
    },
  };
}

function branch(site: Site, { paths }: BranchShape, pictures: Value): Part {
  const joined = join(site.graph, paths, (shape) => path(site, shape, pictures));
  const unit = l2Norm(site.graph, joined.output);
  return {
    output: unit.output,
    weightGradients: (gradient) => joined.weightGradients(unit.inputGradient(gradient)),
  };
}

/** Parts side by side along axis 1. */
function join<S extends { readonly length: number }>(
  graph: Graph,
  shapes: readonly S[],
  build: (shape: S) => Part,
): Part {
  const parts = shapes.map(build);
  const starts = shapes.map((_, i) => shapes.slice(0, i).reduce((start, { length }) => start + length, 0));
  return {
    output: graph.concat(
      parts.map((part) => part.output),
      1,
    ),
    weightGradients: (gradient) =>
      Object.assign(
        {},
        ...parts.map((part, i) => {
          const start = starts[i] ?? 0;
          return part.weightGradients(graph.slice(gradient, 1, start, start + (shapes[i]?.length ?? 0)));
        }),
      ),
  };
}

function path(site: Site, shape: PathShape, pictures: Value): Part {
  const stages = stagesOf(site, shape, average(site.graph, pictures, shape.path.subsample));
  const first = stages.findIndex((stage) => stage.weightGradients);
  return {
    output: stages.at(-1)?.output ?? pictures,
    weightGradients: (gradient) => {
      const gradients: Record<string, Value> = {};
      if (first < 0) return gradients;
      for (let i = stages.length - 1; i >= first; i--) {
        const stage = stages[i] as Stage;
        Object.assign(gradients, stage.weightGradients?.(gradient));
        // Nothing before the first weights needs a gradient.
        if (i > first) gradient = stage.inputGradient(gradient);
      }
      return gradients;
    },
  };
}

/** The path's layers, each behind the one before, ending in a flat value [N, length]. */
function stagesOf({ graph, weight, batch }: Site, { path, layers, output }: PathShape, pictures: Value): Stage[] {
  const stages: Stage[] = [];
  let value = pictures;
  let flat = false;
  const push = (stage: Stage) => {
    stages.push(stage);
    value = stage.output;
  };
  const flattenOnce = (shape: PathShape['output']) => {
    if (!flat) push(flatten(graph, shape, value));
    flat = true;
  };
  for (const { layer, input } of layers) {
    if (layer.type === 'orientation') value = orientation(graph, layer.bins, layer.pool, value);
    if (layer.type === 'conv') push(conv(graph, layer, `${path.name}.${layer.name}`, input, value, weight));
    if (layer.type === 'maxPool') push(maxPool(graph, layer.size, input, value, batch));
    if (layer.type === 'relu') push(relu(graph, value));
    if (layer.type === 'dense') {
      flattenOnce(input);
      push(dense(graph, `${path.name}.${layer.name}`, value, weight));
    }
  }
  flattenOnce(output);
  return stages;
}

/** Every weight is declared once, where it is first used. */
function once(declare: WeightNamed): WeightNamed {
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

function pick(gradients: Record<string, Value>, name: string): Value {
  const value = gradients[name];
  if (value === undefined) throw new Error(`The graph has no gradient of ${name}`);
  return value;
}
