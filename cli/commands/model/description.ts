import {
  describeNetwork,
  elements,
  type LayerShape,
  type PathShape,
  type Shape,
  weightShapes,
} from '@simili/learning/network/shapes';
import type { Layer, NetworkSpec } from '@simili/learning/network/spec';
import { grouped, short, table } from '../../table.ts';

/** Everything that `simili model describe` tells; with --json, as it is. */
export type Description = {
  name: string;
  inputSize: number;
  embedding: number;
  branches: { length: number; paths: PathDescription[] }[];
  joined: number;
  /** The linear layer behind the joined branches. */
  embeddingLayer: { parameters: number; flops: number };
  parameters: number;
  /** Forward pass of one picture, convolutions and dense layers. */
  flopsPerPicture: number;
  /** Bytes of float32. Training keeps weights, gradients and velocities, and the activations of every picture of a batch. */
  memory: { weights: number; training: number; activationsPerPicture: number };
};
type PathDescription = {
  name: string;
  subsample: number;
  backbone: boolean;
  input: Shape;
  output: Shape;
  layers: LayerDescription[];
};
type LayerDescription = {
  title: string;
  type: Layer['type'];
  /** 0: stands in the path; 1: in a residual block of it, and so on. */
  depth: number;
  output: Shape;
  parameters: number;
  flops: number;
};

/** @throws Error as `describeNetwork`. */
export function descriptionOf(spec: NetworkSpec): Description {
  const network = describeNetwork(spec);
  const weights = weightShapes(spec);
  const branches = network.branches.map(({ paths, length }) => ({
    length,
    paths: paths.map((path) => describePath(path, weights)),
  }));
  const outputs = branches.flatMap(({ paths }) =>
    paths.flatMap(({ input, layers }) => [input, ...layers.map(({ output }) => output)]),
  );
  const weightBytes = 4 * sum(Object.values(weights).map(elements));
  return {
    name: spec.name,
    inputSize: spec.inputSize,
    embedding: spec.embedding,
    branches,
    joined: network.joined,
    embeddingLayer: {
      parameters: parametersOf('embedding', weights),
      flops: 2 * elements(weights['embedding.kernel'] ?? [0]),
    },
    parameters: network.parameters,
    flopsPerPicture: network.flopsPerPicture,
    memory: {
      weights: weightBytes,
      training: weightBytes + 2 * 4 * network.parameters,
      activationsPerPicture: 4 * (sum(outputs.map(elements)) + network.joined + spec.embedding),
    },
  };
}

type Shapes = ReturnType<typeof weightShapes>;

function describePath({ path, input, output, layers }: PathShape, weights: Shapes): PathDescription {
  const { name, subsample, backbone } = path;
  const rows = layers.flatMap((layer) => describeLayer(name, layer, weights, 0));
  return { name, subsample, backbone: backbone !== undefined, input, output, layers: rows };
}

function describeLayer(
  path: string,
  { layer, output, inner }: LayerShape,
  weights: Shapes,
  depth: number,
): LayerDescription[] {
  const prefix = 'name' in layer ? `${path}.${layer.name}` : '';
  const kernel = elements(weights[`${prefix}.kernel`] ?? [0]);
  const own = { title: titleOf(layer), type: layer.type, depth, output };
  return [
    { ...own, parameters: parametersOf(prefix, weights), flops: 2 * kernel * output[0] * output[1] },
    ...inner.flatMap((each) => describeLayer(path, each, weights, depth + 1)),
  ];
}

const parametersOf = (prefix: string, weights: Shapes): number =>
  sum(['kernel', 'scale', 'bias'].map((kind) => elements(weights[`${prefix}.${kind}`] ?? [0])));

function titleOf(layer: Layer): string {
  switch (layer.type) {
    case 'orientation':
      return `orientation, ${layer.bins} directions, mean of ${layer.pool}x${layer.pool}`;
    case 'conv': {
      const stride = layer.stride > 1 ? `, stride ${layer.stride}` : '';
      return `conv ${layer.name}, ${layer.kernel}x${layer.kernel}${stride}`;
    }
    case 'maxPool': {
      const stride = layer.stride && layer.stride !== layer.size ? `, stride ${layer.stride}` : '';
      return `maxPool, ${layer.size}x${layer.size}${stride}`;
    }
    case 'averagePool':
      return `averagePool, ${layer.size}x${layer.size}`;
    case 'localResponseNorm':
      return `localResponseNorm, ${layer.size} channels`;
    case 'dropout':
      return `dropout ${layer.name}, keeps ${layer.keep}`;
    case 'dense':
    case 'batchNorm':
      return `${layer.type} ${layer.name}`;
    case 'relu':
    case 'residual':
      return layer.type;
  }
}

/** For people. */
export function describeForPeople(spec: NetworkSpec): string {
  const found = descriptionOf(spec);
  const { memory } = found;
  const rows = found.branches.flatMap(({ paths, length }, i) => [
    ...paths.flatMap(pathRows),
    [`branch ${i + 1}, unit length`, `${length}`, '', ''],
    ['', '', '', ''],
  ]);
  const { parameters, flops } = found.embeddingLayer;
  const last = ['embedding, unit length', `${found.embedding}`, grouped(parameters), short(flops)];
  const bytes = (value: number) => `${short(value)}B`;
  return [
    `${found.name}: pictures of ${found.inputSize}x${found.inputSize} pixels -> vectors of ${found.embedding} values`,
    '',
    ...table(['layer', 'output', 'parameters', 'FLOPs'], [...rows, last], [false, false, true, true]),
    '',
    `parameters  ${grouped(found.parameters)}`,
    `FLOPs       ${short(found.flopsPerPicture)} a picture forwards (convolutions, dense layers), about three times that to train`,
    `memory      ${bytes(memory.weights)} of weights; to train ${bytes(memory.training)}, and about ${bytes(memory.activationsPerPicture)} of layer outputs a picture`,
  ].join('\n');
}

function pathRows({ name, subsample, backbone, input, layers }: PathDescription): string[][] {
  const source = backbone ? 'the backbone' : `the picture${subsample > 1 ? `, mean of ${subsample}x${subsample}` : ''}`;
  return [
    [`${name}: ${source}`, shown(input), '', ''],
    ...layers.map(({ title, depth, output, parameters, flops }) => [
      `${'  '.repeat(depth + 1)}${title}`,
      shown(output),
      parameters ? grouped(parameters) : '',
      flops ? short(flops) : '',
    ]),
  ];
}

const shown = ([height, width, channels]: Shape): string =>
  height === 1 && width === 1 ? `${channels}` : `${height}x${width}x${channels}`;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
