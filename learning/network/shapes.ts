import { PICTURE_SIZE } from '../picture.ts';
import type { Backbone, Layer, NetworkSpec, Path, Weights } from './spec.ts';

/** Height, width and channels of one picture's values; a flattened vector of n is [1, 1, n]. */
export type Shape = readonly [height: number, width: number, channels: number];

export type LayerShape = {
  readonly layer: Layer;
  readonly input: Shape;
  readonly output: Shape;
  /** Layers of a residual block; else empty. */
  readonly inner: readonly LayerShape[];
};
export type PathShape = {
  readonly path: Path;
  /** After subsampling; of a backbone: its output. */
  readonly input: Shape;
  readonly layers: readonly LayerShape[];
  readonly output: Shape;
  /** Length of the flattened output. */
  readonly length: number;
};
export type BranchShape = {
  readonly paths: readonly PathShape[];
  /** Length of its paths joined. */
  readonly length: number;
};

export type NetworkShape = {
  readonly branches: readonly BranchShape[];
  /** Length of all branches joined: what the embedding layer reads. */
  readonly joined: number;
  /** Trained values; running statistics are not among them. */
  readonly parameters: number;
  /** Forward pass, convolutions and dense layers only: 2 x multiply-adds. A training step costs about three times this. */
  readonly flopsPerPicture: number;
};

/**
 * Walks a spec and tells every size in it. The one place that knows the shape rules: engines read sizes from here.
 * @throws Error that names the path and the layer (counted from 1) when the spec does not describe a network.
 */
export function describeNetwork(spec: NetworkSpec): NetworkShape {
  check(isSize(spec.inputSize), `network ${spec.name}: inputSize ${spec.inputSize} is no positive integer`);
  check(isSize(spec.embedding), `network ${spec.name}: embedding ${spec.embedding} is no positive integer`);
  check(isSize(spec.proxies ?? 1), `network ${spec.name}: proxies ${spec.proxies} is no positive integer`);
  check(spec.branches.length > 0, `network ${spec.name} has no branches`);
  checkNames(
    spec.branches.flatMap((branch) => branch.paths.map((path) => path.name)),
    `network ${spec.name}: path`,
  );
  backbonePathOf(spec);
  const branches = spec.branches.map((branch, i) => {
    check(branch.paths.length > 0, `network ${spec.name}: branch ${i + 1} has no paths`);
    const paths = branch.paths.map((path) => describePath(path, spec.inputSize));
    return { paths, length: sum(paths.map((path) => path.length)) };
  });
  const joined = sum(branches.map((branch) => branch.length));
  const macs =
    sum(branches.flatMap((b) => b.paths.flatMap((p) => p.layers.map(multiplyAdds)))) + joined * spec.embedding;
  const trained = Object.entries(weightShapesOf(spec, branches)).filter(([name]) => !isStatistic(name));
  const parameters = sum(trained.map(([, shape]) => elements(shape)));
  return { branches, joined, parameters, flopsPerPicture: 2 * macs };
}

/**
 * Name -> shape of every weight, in canonical order: branch by branch, path by path, layer by layer, then the embedding.
 * `<path>.<layer>.kernel` is HWIO or [in, out]; `.bias` is [out]. Batch normalisation has `.scale`, `.bias`, and the
 * running statistics `.mean` and `.variance`, all [channels]. Proxies of categories come last.
 * @throws Error as `describeNetwork`.
 */
export function weightShapes(spec: NetworkSpec): Record<string, readonly number[]> {
  return weightShapesOf(spec, describeNetwork(spec).branches);
}

/** Running means and variances are carried along, not trained: they have no gradient. */
export const isStatistic = (weight: string): boolean => weight.endsWith('.mean') || weight.endsWith('.variance');

/** The path that has a backbone, which at most one has. @throws Error when two have one. */
export function backbonePathOf(spec: NetworkSpec): (Path & { readonly backbone: Backbone }) | null {
  const paths = spec.branches.flatMap((branch) => branch.paths);
  const having = paths.flatMap((path) => (path.backbone ? [{ ...path, backbone: path.backbone }] : []));
  check(
    having.length <= 1,
    `network ${spec.name}: paths ${having.map(({ name }) => name).join(' and ')} have backbones`,
  );
  return having[0] ?? null;
}

export type DropoutLayer = {
  /** `<path>.<layer>` */
  readonly name: string;
  /** Values of one picture that its mask covers. */
  readonly length: number;
  readonly keep: number;
};

/** Every dropout layer, in the order of the network. A training batch brings a mask [n, length] for each. */
export const dropoutLayers = ({ branches }: NetworkShape): DropoutLayer[] =>
  branches.flatMap(({ paths }) =>
    paths.flatMap(({ path, layers }) =>
      flattened(layers).flatMap(({ layer, output }) =>
        layer.type === 'dropout'
          ? [{ name: `${path.name}.${layer.name}`, length: elements(output), keep: layer.keep }]
          : [],
      ),
    ),
  );

/** Layers with those inside residual blocks, in order. */
export const flattened = (layers: readonly LayerShape[]): LayerShape[] =>
  layers.flatMap((shape) => [shape, ...flattened(shape.inner)]);

/** Number of values in a tensor of this shape. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/**
 * SAME padding along one side: output = ceil(input / stride); the odd pixel of padding goes to the end.
 * @returns pixels of zeros before and after, and the output's side.
 */
export function samePadding(input: number, kernel: number, stride: number): Padding {
  const output = Math.ceil(input / stride);
  const total = Math.max(0, (output - 1) * stride + kernel - input);
  const before = Math.floor(total / 2);
  return { output, before, after: total - before };
}

/** Pixels added at both ends of one side, and the side of what comes out. */
export type Padding = { readonly output: number; readonly before: number; readonly after: number };

/** Padding of a convolution along one side. */
export function convPadding(input: number, { kernel, stride, padding }: LayerOf<'conv'>): Padding {
  if (padding === undefined) return samePadding(input, kernel, stride);
  return { output: Math.floor((input + 2 * padding - kernel) / stride) + 1, before: padding, after: padding };
}

/** Padding of a max pool along one side. */
export function poolPadding(input: number, { size, stride = size, padding = 'valid' }: LayerOf<'maxPool'>): Padding {
  if (padding === 'same') return samePadding(input, size, stride);
  return { output: Math.floor((input - size) / stride) + 1, before: 0, after: 0 };
}

export type LayerOf<T extends Layer['type']> = Extract<Layer, { type: T }>;

function weightShapesOf(spec: NetworkSpec, branches: readonly BranchShape[]): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  for (const { path, layers } of branches.flatMap((branch) => branch.paths)) {
    for (const { layer, input } of flattened(layers)) {
      const weights = layerWeights(layer, input);
      for (const [kind, shape] of Object.entries(weights)) {
        shapes[`${path.name}.${(layer as LayerOf<'conv'>).name}.${kind}`] = shape;
      }
    }
  }
  shapes['embedding.kernel'] = [sum(branches.map((branch) => branch.length)), spec.embedding];
  shapes['embedding.bias'] = [spec.embedding];
  if (spec.proxies !== undefined) shapes[PROXIES] = [spec.proxies, spec.embedding];
  return shapes;
}

/** The proxies of categories [C, D]: no kernel, so that decay leaves them alone. */
export const PROXIES = 'proxies.rows';

/** A network and its weights as they are served: without what only trains it. */
export function withoutProxies({ proxies: _trained, ...spec }: NetworkSpec, { [PROXIES]: _rows, ...weights }: Weights) {
  return { spec, weights };
}

function layerWeights(layer: Layer, input: Shape): Record<string, readonly number[]> {
  if (layer.type === 'conv') {
    return { kernel: [layer.kernel, layer.kernel, input[2], layer.filters], bias: [layer.filters] };
  }
  if (layer.type === 'dense') return { kernel: [elements(input), layer.units], bias: [layer.units] };
  if (layer.type !== 'batchNorm') return {};
  const channels = [input[2]];
  return { scale: channels, bias: channels, mean: channels, variance: channels };
}

function multiplyAdds({ layer, input, output, inner }: LayerShape): number {
  const kernel = layerWeights(layer, input).kernel ?? [0];
  return elements(kernel) * output[0] * output[1] + sum(inner.map(multiplyAdds));
}

function describePath(path: Path, inputSize: number): PathShape {
  const say = `path ${path.name}`;
  check(isSize(path.subsample), `${say}: subsample ${path.subsample} is no positive integer`);
  checkNames(namesIn(path.layers), `${say}: layer`);
  const input = pathInput(path, inputSize, say);
  const { layers, output } = describeLayers(path.layers, input, say, path.backbone !== undefined);
  return { path, input, layers, output, length: elements(output) };
}

function pathInput({ subsample, backbone }: Path, inputSize: number, say: string): Shape {
  const side = Math.ceil(inputSize / subsample);
  if (!backbone) return [side, side, 3];
  check(subsample === 1, `${say}: a backbone reads the whole picture, so subsample must be 1`);
  checkSizes({ length: backbone.length }, `${say}, backbone`);
  return [1, 1, backbone.length];
}

/** @param inside a block or behind a backbone: not at the picture. */
function describeLayers(layers: readonly Layer[], input: Shape, say: string, inside: boolean) {
  const shapes: LayerShape[] = [];
  let shape = input;
  let flat = inside && input[0] === 1 && input[1] === 1;
  layers.forEach((layer, i) => {
    const here = `${say}, layer ${i + 1} (${title(layer)})`;
    check(
      layer.type !== 'orientation' || (i === 0 && !inside),
      `${here}: reads the picture, so it must be the first layer`,
    );
    check(!flat || !spatial.has(layer.type), `${here}: its input was flattened by a dense layer`);
    const inner = layer.type === 'residual' ? describeLayers(layer.layers, shape, here, true).layers : [];
    const output = outputShape(layer, shape, inner, here);
    shapes.push({ layer, input: shape, output, inner });
    shape = output;
    flat ||= layer.type === 'dense';
  });
  return { layers: shapes, output: shape };
}

/** Layers that look at neighbouring pixels. */
const spatial = new Set<Layer['type']>(['orientation', 'conv', 'maxPool', 'averagePool', 'localResponseNorm']);

const namesIn = (layers: readonly Layer[]): string[] =>
  layers.flatMap((layer) => {
    if (layer.type === 'residual') return namesIn(layer.layers);
    return 'name' in layer ? [layer.name] : [];
  });

function outputShape(layer: Layer, shape: Shape, inner: readonly LayerShape[], here: string): Shape {
  const [height, width, channels] = shape;
  switch (layer.type) {
    case 'orientation':
      checkSizes({ bins: layer.bins, pool: layer.pool }, here);
      checkDivides(layer.pool, height, width, here);
      return [height / layer.pool, width / layer.pool, 3 + layer.bins];
    case 'conv':
      checkSizes({ kernel: layer.kernel, stride: layer.stride, filters: layer.filters }, here);
      checkPadding(layer.padding, layer.kernel, here);
      return fits([convPadding(height, layer).output, convPadding(width, layer).output, layer.filters], shape, here);
    case 'maxPool':
      checkSizes({ size: layer.size, stride: layer.stride ?? layer.size }, here);
      if (layer.stride === undefined) checkDivides(layer.size, height, width, here);
      return fits([poolPadding(height, layer).output, poolPadding(width, layer).output, channels], shape, here);
    case 'averagePool':
      checkSizes({ size: layer.size }, here);
      checkDivides(layer.size, height, width, here);
      return [height / layer.size, width / layer.size, channels];
    case 'localResponseNorm':
      checkSizes({ size: layer.size }, here);
      check(layer.size % 2 === 1, `${here}: size ${layer.size} is not odd, so no channel is in its middle`);
      check(
        layer.k > 0 && layer.alpha >= 0 && layer.beta > 0,
        `${here}: k and beta must be positive, alpha not negative`,
      );
      return shape;
    case 'residual': {
      check(inner.length > 0, `${here}: has no layers`);
      const output = inner.at(-1)?.output ?? shape;
      check(`${output}` === `${shape}`, `${here}: turns [${shape}] into [${output}], so the two cannot be added`);
      return shape;
    }
    case 'dropout':
      check(layer.keep > 0 && layer.keep <= 1, `${here}: keep ${layer.keep} is not in (0, 1]`);
      return shape;
    case 'relu':
    case 'batchNorm':
      return shape;
    case 'dense':
      checkSizes({ units: layer.units }, here);
      return [1, 1, layer.units];
    default:
      throw new Error(`${here}: there is no such layer type`);
  }
}

/** Name of a layer in an error message. */
function title(layer: Layer): string {
  if ('name' in layer) return `${layer.type} ${layer.name}`;
  if (layer.type === 'orientation') return `orientation ${layer.bins}`;
  return 'size' in layer ? `${layer.type} ${layer.size}` : layer.type;
}

function fits(output: Shape, input: Shape, here: string): Shape {
  check(output[0] > 0 && output[1] > 0, `${here}: is larger than its input ${input[0]}x${input[1]}`);
  return output;
}

function checkPadding(padding: number | undefined, kernel: number, here: string): void {
  const fine = padding === undefined || (Number.isInteger(padding) && padding >= 0 && padding < kernel);
  check(fine, `${here}: padding ${padding} is no integer from 0 to ${kernel - 1}`);
}

function checkNames(names: readonly string[], what: string): void {
  names.forEach((name, i) => {
    check(/^[A-Za-z][A-Za-z0-9]*$/.test(name), `${what} name "${name}": use letters and digits, a letter first`);
    check(names.indexOf(name) === i, `${what} name "${name}" is used twice`);
  });
}

function checkSizes(sizes: Record<string, number>, here: string): void {
  for (const [name, size] of Object.entries(sizes))
    check(isSize(size), `${here}: ${name} ${size} is no positive integer`);
}

function checkDivides(size: number, height: number, width: number, here: string): void {
  check(height % size === 0 && width % size === 0, `${here}: input ${height}x${width} does not divide`);
}

function check(fine: boolean, why: string): void {
  if (!fine) throw new Error(why);
}

const isSize = (value: number): boolean => Number.isInteger(value) && value > 0;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Side of the cached picture that a network of this input size is fed from: the common one wherever it can be halved to it. */
export const pictureSizeFor = (inputSize: number): number =>
  PICTURE_SIZE % inputSize === 0 ? PICTURE_SIZE : inputSize;
