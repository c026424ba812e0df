import type { Layer, NetworkSpec, Path, Weights } from '../../src/learning/network/spec.ts';

/**
 * The network and its loss written once more as plain loops over float64, straight from the definitions in spec.ts and
 * orientation.ts and sharing no code with any engine. Slow: for nets of a thousand weights.
 */
export type ExactWeights = Record<string, number[]>;
/** Values of one picture, `data[(y * width + x) * channels + c]`. */
type Volume = { height: number; width: number; channels: number; data: number[] };

export const exactWeights = (weights: Weights): ExactWeights =>
  Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, [...data]]));

/** @returns one row of length D for each of the pictures [n, S, S, 3]. */
export function embedExactly(spec: NetworkSpec, weights: ExactWeights, pictures: ArrayLike<number>): number[][] {
  return embed(spec, weights, runPaths(spec, weights, cut(spec, pictures)));
}

/** Mean hinge of the triplets in [3B, S, S, 3] and the share of them that cost something. */
export function lossExactly(spec: NetworkSpec, weights: ExactWeights, pictures: ArrayLike<number>, gap: number) {
  return hinge(embedExactly(spec, weights, pictures), gap);
}

/** Gradient of the loss by every weight, from two evaluations each: right to about 1e-9 away from kinks. */
export function measuredGradients(spec: NetworkSpec, weights: ExactWeights, pictures: ArrayLike<number>, gap: number) {
  const step = 1e-6;
  const volumes = cut(spec, pictures);
  const atRest = runPaths(spec, weights, volumes);
  // Only the path that a weight belongs to changes with it.
  const lossBy = (name: string) => {
    const path = pathsOf(spec).find((each) => name.startsWith(`${each.name}.`));
    const inputs = path ? volumes.map((volume) => fixedPart(path, volume)) : [];
    return () => {
      const moved = path
        ? { ...atRest, [path.name]: inputs.map((input) => weightedPart(path, weights, input)) }
        : atRest;
      return hinge(embed(spec, weights, moved), gap).loss;
    };
  };
  return Object.fromEntries(
    Object.entries(weights).map(([name, values]) => {
      const loss = lossBy(name);
      const slopes = values.map((value, i) => {
        values[i] = value + step;
        const above = loss();
        values[i] = value - step;
        const below = loss();
        values[i] = value;
        return (above - below) / (2 * step);
      });
      return [name, slopes];
    }),
  );
}

/** |got - wanted| / |wanted|, Euclidean. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  const values = Array.from(wanted);
  return norm(values.map((value, i) => got[i]! - value)) / norm(values);
}

const norm = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const squaredDistance = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
const pathsOf = (spec: NetworkSpec) => spec.branches.flatMap(({ paths }) => paths);

function hinge(rows: number[][], gap: number) {
  const triplets = rows.length / 3;
  let loss = 0;
  let activeShare = 0;
  for (let i = 0; i < triplets; i++) {
    const [q, p, n] = [rows[i]!, rows[triplets + i]!, rows[2 * triplets + i]!];
    const cost = Math.max(0, gap + squaredDistance(q, p) - squaredDistance(q, n));
    loss += cost / triplets;
    if (cost > 0) activeShare += 1 / triplets;
  }
  return { loss, activeShare };
}

function cut({ inputSize: side }: NetworkSpec, pictures: ArrayLike<number>): Volume[] {
  const values = Array.from(pictures);
  const length = side * side * 3;
  return Array.from({ length: values.length / length }, (_, i) => {
    return { height: side, width: side, channels: 3, data: values.slice(i * length, (i + 1) * length) };
  });
}

/** Path name -> flattened output for each picture. */
const runPaths = (spec: NetworkSpec, weights: ExactWeights, pictures: Volume[]): Record<string, number[][]> =>
  Object.fromEntries(
    pathsOf(spec).map((path) => [
      path.name,
      pictures.map((picture) => weightedPart(path, weights, fixedPart(path, picture))),
    ]),
  );

function embed(spec: NetworkSpec, weights: ExactWeights, outputs: Record<string, number[][]>): number[][] {
  const pictures = outputs[pathsOf(spec)[0]!.name]!;
  return pictures.map((_, i) => {
    const joined = spec.branches.flatMap(({ paths }) => unit(paths.flatMap((path) => outputs[path.name]![i]!)));
    return unit(linear(joined, weights['embedding.kernel']!, weights['embedding.bias']!));
  });
}

function unit(values: number[]): number[] {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 1e-8));
  return values.map((value) => value / length);
}

/** What a path does before its first weight can have a say. */
function fixedPart(path: Path, picture: Volume): Volume {
  const input = meanOver(picture, path.subsample);
  const first = path.layers[0];
  return first?.type === 'orientation' ? orient(input, first.bins, first.pool) : input;
}

function weightedPart(path: Path, weights: ExactWeights, input: Volume): number[] {
  const layers = path.layers.filter((layer) => layer.type !== 'orientation');
  return layers.reduce((value, layer) => runLayer(path.name, layer, weights, value), input).data;
}

function runLayer(
  path: string,
  layer: Exclude<Layer, { type: 'orientation' }>,
  weights: ExactWeights,
  input: Volume,
): Volume {
  const weight = (kind: string) => ('name' in layer ? weights[`${path}.${layer.name}.${kind}`]! : []);
  switch (layer.type) {
    case 'conv':
      return convolve(input, layer, weight('kernel'), weight('bias'));
    case 'maxPool':
      return pool(input, layer.size, (window) => Math.max(...window));
    case 'relu':
      return { ...input, data: input.data.map((value) => Math.max(0, value)) };
    case 'dense':
      return vector(linear(input.data, weight('kernel'), weight('bias')));
  }
}

const vector = (data: number[]): Volume => ({ height: 1, width: 1, channels: data.length, data });

function linear(input: number[], kernel: number[], bias: number[]): number[] {
  return bias.map((start, out) => input.reduce((sum, value, i) => sum + value * kernel[i * bias.length + out]!, start));
}

/** Zero outside. */
function at({ height, width, channels, data }: Volume, y: number, x: number, c: number): number {
  return y < 0 || x < 0 || y >= height || x >= width ? 0 : data[(y * width + x) * channels + c]!;
}

function build(
  height: number,
  width: number,
  channels: number,
  value: (y: number, x: number, c: number) => number,
): Volume {
  const data: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) data.push(value(y, x, c));
  }
  return { height, width, channels, data };
}

function pool(input: Volume, size: number, reduce: (window: number[]) => number): Volume {
  return build(input.height / size, input.width / size, input.channels, (y, x, c) => {
    const window: number[] = [];
    for (let dy = 0; dy < size; dy++)
      for (let dx = 0; dx < size; dx++) window.push(at(input, y * size + dy, x * size + dx, c));
    return reduce(window);
  });
}

const meanOver = (input: Volume, size: number) =>
  pool(input, size, (window) => window.reduce((sum, value) => sum + value, 0) / window.length);

function convolve(input: Volume, layer: Extract<Layer, { type: 'conv' }>, kernel: number[], bias: number[]): Volume {
  const { kernel: side, stride, filters } = layer;
  // As much padding as the last output needs; half of it, rounded down, comes before.
  const layout = (length: number) => {
    const outputs = Math.floor((length - 1) / stride) + 1;
    return { outputs, before: Math.floor(Math.max(0, (outputs - 1) * stride + side - length) / 2) };
  };
  const [rows, columns] = [layout(input.height), layout(input.width)];
  return build(rows.outputs, columns.outputs, filters, (y, x, filter) => {
    let sum = bias[filter]!;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        for (let c = 0; c < input.channels; c++) {
          const value = at(input, y * stride - rows.before + i, x * stride - columns.before + j, c);
          sum += value * kernel[((i * side + j) * input.channels + c) * filters + filter]!;
        }
      }
    }
    return sum;
  });
}

function orient(input: Volume, bins: number, size: number): Volume {
  const grey = build(
    input.height,
    input.width,
    1,
    (y, x) => (at(input, y, x, 0) + at(input, y, x, 1) + at(input, y, x, 2)) / 3,
  );
  const energy = build(input.height, input.width, bins, (y, x, k) => {
    const gx = at(grey, y, x + 1, 0) - at(grey, y, x - 1, 0);
    const gy = at(grey, y + 1, x, 0) - at(grey, y - 1, x, 0);
    const angle = ((k + 0.5) * Math.PI) / bins;
    const along = gx * Math.cos(angle) + gy * Math.sin(angle);
    const square = gx * gx + gy * gy + 1e-6;
    return Math.sqrt(square) * (along ** 2 / square) ** 8;
  });
  const [colour, energies] = [meanOver(input, size), meanOver(energy, size)];
  return build(colour.height, colour.width, 3 + bins, (y, x, c) =>
    c < 3 ? at(colour, y, x, c) : Math.sqrt(at(energies, y, x, c - 3) + 1e-4),
  );
}
