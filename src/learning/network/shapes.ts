import type { Layer, NetworkSpec, Path } from './spec.ts';

/** Height, width and channels of one picture's values; a flattened vector of n is [1, 1, n]. */
export type Shape = readonly [height: number, width: number, channels: number];

export type LayerShape = { readonly layer: Layer; readonly input: Shape; readonly output: Shape };
export type PathShape = {
  readonly path: Path;
  /** After subsampling. */
  readonly input: Shape;
  readonly layers: readonly LayerShape[];
  readonly output: Shape;
  /** Of the flattened output. */
  readonly length: number;
};
export type BranchShape = {
  readonly paths: readonly PathShape[];
  /** Of its paths joined. */
  readonly length: number;
};

export type NetworkShape = {
  readonly branches: readonly BranchShape[];
  /** Length of all branches joined: what the embedding layer reads. */
  readonly joined: number;
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
  check(spec.branches.length > 0, `network ${spec.name} has no branches`);
  checkNames(
    spec.branches.flatMap((branch) => branch.paths.map((path) => path.name)),
    `network ${spec.name}: path`,
  );
  const branches = spec.branches.map((branch, i) => {
    check(branch.paths.length > 0, `network ${spec.name}: branch ${i + 1} has no paths`);
    const paths = branch.paths.map((path) => describePath(path, spec.inputSize));
    return { paths, length: sum(paths.map((path) => path.length)) };
  });
  const joined = sum(branches.map((branch) => branch.length));
  const macs =
    sum(branches.flatMap((b) => b.paths.flatMap((p) => p.layers.map(multiplyAdds)))) + joined * spec.embedding;
  const parameters = sum(Object.values(weightShapesOf(spec, branches)).map(elements));
  return { branches, joined, parameters, flopsPerPicture: 2 * macs };
}

/**
 * Name -> shape of every weight, in canonical order: branch by branch, path by path, layer by layer, then the embedding.
 * `<path>.<layer>.kernel` is HWIO or [in, out]; `<path>.<layer>.bias` is [out].
 * @throws Error as `describeNetwork`.
 */
export function weightShapes(spec: NetworkSpec): Record<string, readonly number[]> {
  return weightShapesOf(spec, describeNetwork(spec).branches);
}

/** Number of values in a tensor of this shape. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/**
 * SAME padding along one side: output = ceil(input / stride); the odd pixel of padding goes to the end.
 * @returns pixels of zeros before and after, and the output's side.
 */
export function samePadding(input: number, kernel: number, stride: number) {
  const output = Math.ceil(input / stride);
  const total = Math.max(0, (output - 1) * stride + kernel - input);
  const before = Math.floor(total / 2);
  return { output, before, after: total - before };
}

function weightShapesOf(spec: NetworkSpec, branches: readonly BranchShape[]): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  for (const { path, layers } of branches.flatMap((branch) => branch.paths)) {
    for (const { layer, input } of layers) {
      if (layer.type !== 'conv' && layer.type !== 'dense') continue;
      const kernel = kernelShape(layer, input);
      shapes[`${path.name}.${layer.name}.kernel`] = kernel;
      shapes[`${path.name}.${layer.name}.bias`] = kernel.slice(-1);
    }
  }
  shapes['embedding.kernel'] = [sum(branches.map((branch) => branch.length)), spec.embedding];
  shapes['embedding.bias'] = [spec.embedding];
  return shapes;
}

function kernelShape(layer: Extract<Layer, { type: 'conv' | 'dense' }>, input: Shape): readonly number[] {
  if (layer.type === 'dense') return [elements(input), layer.units];
  return [layer.kernel, layer.kernel, input[2], layer.filters];
}

function multiplyAdds({ layer, input, output }: LayerShape): number {
  if (layer.type !== 'conv' && layer.type !== 'dense') return 0;
  return elements(kernelShape(layer, input)) * output[0] * output[1];
}

function describePath(path: Path, inputSize: number): PathShape {
  const say = `path ${path.name}`;
  check(isSize(path.subsample), `${say}: subsample ${path.subsample} is no positive integer`);
  check(inputSize % path.subsample === 0, `${say}: subsample ${path.subsample} does not divide inputSize ${inputSize}`);
  checkNames(
    path.layers.flatMap((layer) => ('name' in layer ? [layer.name] : [])),
    `${say}: layer`,
  );
  const side = inputSize / path.subsample;
  const input: Shape = [side, side, 3];
  const layers: LayerShape[] = [];
  let shape = input;
  let flat = false;
  path.layers.forEach((layer, i) => {
    const here = `${say}, layer ${i + 1} (${title(layer)})`;
    check(layer.type !== 'orientation' || i === 0, `${here}: reads the picture, so it must be the first layer`);
    check(
      !flat || layer.type === 'dense' || layer.type === 'relu',
      `${here}: its input was flattened by a dense layer`,
    );
    const output = outputShape(layer, shape, here);
    layers.push({ layer, input: shape, output });
    shape = output;
    flat ||= layer.type === 'dense';
  });
  return { path, input, layers, output: shape, length: elements(shape) };
}

function outputShape(layer: Layer, [height, width, channels]: Shape, here: string): Shape {
  switch (layer.type) {
    case 'orientation':
      checkSizes({ bins: layer.bins, pool: layer.pool }, here);
      checkDivides(layer.pool, height, width, here);
      return [height / layer.pool, width / layer.pool, 3 + layer.bins];
    case 'conv':
      checkSizes({ kernel: layer.kernel, stride: layer.stride, filters: layer.filters }, here);
      return [Math.ceil(height / layer.stride), Math.ceil(width / layer.stride), layer.filters];
    case 'maxPool':
      checkSizes({ size: layer.size }, here);
      checkDivides(layer.size, height, width, here);
      return [height / layer.size, width / layer.size, channels];
    case 'relu':
      return [height, width, channels];
    case 'dense':
      checkSizes({ units: layer.units }, here);
      return [1, 1, layer.units];
    default:
      throw new Error(`${here}: there is no such layer type`);
  }
}

/** What an error message calls a layer. */
function title(layer: Layer): string {
  switch (layer.type) {
    case 'orientation':
      return `orientation ${layer.bins}`;
    case 'conv':
    case 'dense':
      return `${layer.type} ${layer.name}`;
    case 'maxPool':
      return `maxPool ${layer.size}`;
    default:
      return layer.type;
  }
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
