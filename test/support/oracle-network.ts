import type { Loss } from '../../learning/losses/loss.ts';
import type { Layer, NetworkSpec, Path, Weights } from '../../learning/network/spec.ts';
import type { TrainingBatch } from '../../workers/engines/engine.ts';
import { lossOf } from './oracle-loss.ts';

/**
 * The network written once more as plain loops over float64, straight from the definitions in spec.ts and orientation.ts
 * and sharing no code with any engine. Slow: for nets of a thousand weights.
 */
export type ExactWeights = Record<string, Float64Array>;
/** Values of one picture, `data[(y * width + x) * channels + c]`. */
type Volume = { height: number; width: number; channels: number; data: Float64Array };
type Masks = NonNullable<TrainingBatch['masks']>;
type Inputs = Pick<TrainingBatch, 'pictures'> & { features?: TrainingBatch['features'] | undefined };

/** Values that the layers of a path read besides its pictures. */
type Setting = {
  weights: ExactWeights;
  /** In training: dropout masks, and where the batch's own statistics are written. */
  training: { masks: Masks; statistics: Record<string, number[]> } | null;
};

export const exactWeights = (weights: Weights): ExactWeights =>
  Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, Float64Array.from(data)]));

/** @returns one row of length D for each of the pictures [n, S, S, 3], with running statistics and without dropout. */
export function embedExactly(spec: NetworkSpec, weights: ExactWeights, inputs: Inputs): number[][] {
  const setting = { weights, training: null };
  const outputs = pathsOf(spec).map((path) => runLayers(path, setting, inputsOf(spec, path, inputs)));
  return join(spec, weights, outputs).map(unit);
}

/** Loss, active share and statistics of a training batch. */
export function trainExactly(spec: NetworkSpec, weights: ExactWeights, batch: TrainingBatch, loss: Loss) {
  const statistics: Record<string, number[]> = {};
  const setting = { weights, training: { masks: batch.masks ?? {}, statistics } };
  const outputs = pathsOf(spec).map((path) => runLayers(path, setting, inputsOf(spec, path, batch)));
  return { ...costOf(spec, weights, outputs, loss), statistics };
}

/** Gradient of the loss by every trained weight, from two evaluations each: right to about 1e-9 away from kinks. */
export function measuredGradients(
  spec: NetworkSpec,
  weights: ExactWeights,
  batch: TrainingBatch,
  loss: Loss,
): Record<string, number[]> {
  const step = 1e-6;
  const setting = { weights, training: { masks: batch.masks ?? {}, statistics: {} } };
  // What each layer reads: only the layers from a weight's own on change with it.
  const stages = pathsOf(spec).map((path) => {
    const inputs = [inputsOf(spec, path, batch)];
    for (const layer of path.layers) inputs.push(runLayer(path, layer, setting, inputs.at(-1)!));
    return inputs;
  });
  const atRest = stages.map((inputs) => inputs.at(-1)!);
  const lossBy = (name: string) => () => {
    const outputs = pathsOf(spec).map((path, i) => {
      const first = path.layers.findIndex((layer) =>
        namesIn(layer).some((own) => name.startsWith(`${path.name}.${own}.`)),
      );
      return first < 0 ? atRest[i]! : runLayers(path, setting, stages[i]![first]!, first);
    });
    return costOf(spec, weights, outputs, loss).loss;
  };
  const trained = Object.entries(weights).filter(([name]) => !/\.(mean|variance)$/.test(name));
  return Object.fromEntries(
    trained.map(([name, values]) => {
      const lossNow = lossBy(name);
      const slopes = Array.from(values, (value, i) => {
        values[i] = value + step;
        const above = lossNow();
        values[i] = value - step;
        const below = lossNow();
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

const pathsOf = (spec: NetworkSpec) => spec.branches.flatMap(({ paths }) => paths);
const namesIn = (layer: Layer): string[] =>
  layer.type === 'residual' ? layer.layers.flatMap(namesIn) : 'name' in layer ? [layer.name] : [];

/** Inputs of a path's first layer, for each picture. */
function inputsOf(spec: NetworkSpec, path: Path, { pictures, features }: Inputs) {
  if (path.backbone) return cut(features![path.name]!, 1, path.backbone.length);
  return cut(pictures, spec.inputSize, 3).map((picture) => meanOver(picture, path.subsample));
}

function cut(values: Float32Array, side: number, channels: number): Volume[] {
  const length = side * side * channels;
  return Array.from({ length: values.length / length }, (_, i) => ({
    height: side,
    width: side,
    channels,
    data: Float64Array.from(values.subarray(i * length, (i + 1) * length)),
  }));
}

const runLayers = (path: Path, setting: Setting, inputs: Volume[], first = 0): Volume[] =>
  path.layers.slice(first).reduce((volumes, layer) => runLayer(path, layer, setting, volumes), inputs);

/** The linear embedding of each picture. @param outputs of each path, for each picture */
function join(spec: NetworkSpec, weights: ExactWeights, outputs: Volume[][]): number[][] {
  const paths = pathsOf(spec);
  return outputs[0]!.map((_, i) => {
    const joined = spec.branches.flatMap((branch) =>
      unit(branch.paths.flatMap((path) => [...outputs[paths.indexOf(path)]![i]!.data])),
    );
    return [...linear(Float64Array.from(joined), weights['embedding.kernel']!, weights['embedding.bias']!)];
  });
}

function costOf(spec: NetworkSpec, weights: ExactWeights, outputs: Volume[][], loss: Loss) {
  const rows = join(spec, weights, outputs);
  const proxies = spec.proxies ? cutRows(weights['proxies.rows']!, spec.embedding).map(unit) : [];
  return lossOf(loss, loss.kind === 'softmax' ? rows : rows.map(unit), proxies);
}

const cutRows = (values: Float64Array, length: number): number[][] =>
  Array.from({ length: values.length / length }, (_, i) => [...values.subarray(i * length, (i + 1) * length)]);

function unit(values: number[]): number[] {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 1e-8));
  return values.map((value) => value / length);
}

function runLayer(path: Path, layer: Layer, setting: Setting, inputs: Volume[]): Volume[] {
  const { weights, training } = setting;
  const name = 'name' in layer ? `${path.name}.${layer.name}` : '';
  const weight = (kind: string) => weights[`${name}.${kind}`]!;
  const each = (run: (input: Volume, i: number) => Volume) => inputs.map(run);
  switch (layer.type) {
    case 'orientation':
      return each((input) => orient(input, layer.bins, layer.pool));
    case 'conv':
      return each((input) => convolve(input, layer, weight('kernel'), weight('bias')));
    case 'maxPool': {
      const { size, stride = size, padding = 'valid' } = layer;
      return each((input) => pool(input, size, stride, padding, (window) => Math.max(...window)));
    }
    case 'averagePool':
      return each((input) => meanOver(input, layer.size));
    case 'relu':
      return each((input) => mapped(input, (value) => Math.max(0, value)));
    case 'localResponseNorm':
      return each((input) => respond(input, layer));
    case 'dense':
      return each((input) => vector(linear(input.data, weight('kernel'), weight('bias'))));
    case 'residual': {
      const outputs = layer.layers.reduce((volumes, inner) => runLayer(path, inner, setting, volumes), inputs);
      return each((input, i) => mapped(input, (value, j) => value + outputs[i]!.data[j]!));
    }
    case 'dropout': {
      const mask = training?.masks[name];
      return each((input, i) => mapped(input, (value, j) => value * (mask ? mask[i * input.data.length + j]! : 1)));
    }
    case 'batchNorm': {
      const found = training ? statisticsOf(inputs) : { mean: weight('mean'), variance: weight('variance') };
      if (training) {
        training.statistics[`${name}.mean`] = [...found.mean];
        training.statistics[`${name}.variance`] = [...found.variance];
      }
      const [scale, bias] = [weight('scale'), weight('bias')];
      return each((input) =>
        mapped(input, (value, j) => {
          const c = j % input.channels;
          return (scale[c]! * (value - found.mean[c]!)) / Math.sqrt(found.variance[c]! + 1e-5) + bias[c]!;
        }),
      );
    }
  }
}

const vector = (data: Float64Array): Volume => ({ height: 1, width: 1, channels: data.length, data });
const mapped = (input: Volume, to: (value: number, i: number) => number): Volume => ({
  ...input,
  data: input.data.map(to),
});

function linear(input: Float64Array, kernel: Float64Array, bias: Float64Array): Float64Array {
  return bias.map((start, out) => {
    let sum = start;
    for (let i = 0; i < input.length; i++) sum += input[i]! * kernel[i * bias.length + out]!;
    return sum;
  });
}

/** Mean and biased variance of each channel over all pixels of all pictures. */
function statisticsOf(inputs: Volume[]) {
  const { channels } = inputs[0]!;
  const count = (inputs.length * inputs[0]!.data.length) / channels;
  const meanOf = (value: (raw: number, c: number) => number) => {
    const sums = new Array<number>(channels).fill(0);
    for (const { data } of inputs) {
      data.forEach((raw, j) => {
        const c = j % channels;
        sums[c] = sums[c]! + value(raw, c);
      });
    }
    return sums.map((sum) => sum / count);
  };
  const mean = meanOf((raw) => raw);
  const variance = meanOf((raw, c) => (raw - mean[c]!) ** 2);
  return { mean, variance };
}

function respond(input: Volume, { size, k, alpha, beta }: Extract<Layer, { type: 'localResponseNorm' }>): Volume {
  const reach = (size - 1) / 2;
  return build(input.height, input.width, input.channels, (y, x, c) => {
    let sum = 0;
    for (let i = Math.max(0, c - reach); i <= Math.min(input.channels - 1, c + reach); i++)
      sum += at(input, y, x, i) ** 2;
    return at(input, y, x, c) / (k + alpha * sum) ** beta;
  });
}

const inside = ({ height, width }: Volume, y: number, x: number) => y >= 0 && x >= 0 && y < height && x < width;

/** Zero outside. */
const at = (volume: Volume, y: number, x: number, c: number): number =>
  inside(volume, y, x) ? volume.data[(y * volume.width + x) * volume.channels + c]! : 0;

function build(
  height: number,
  width: number,
  channels: number,
  value: (y: number, x: number, c: number) => number,
): Volume {
  const data = new Float64Array(height * width * channels);
  let i = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) data[i++] = value(y, x, c);
  }
  return { height, width, channels, data };
}

/** SAME: as many outputs as strides begin, as much padding as the last one needs; half of it, rounded down, comes before. */
function same(length: number, size: number, stride: number) {
  const outputs = Math.floor((length - 1) / stride) + 1;
  return { outputs, before: Math.floor(Math.max(0, (outputs - 1) * stride + size - length) / 2) };
}

/** A window holds only the pixels that there are. */
function pool(
  input: Volume,
  size: number,
  stride: number,
  padding: 'same' | 'valid',
  reduce: (window: number[]) => number,
): Volume {
  const layout = (length: number) =>
    padding === 'same' ? same(length, size, stride) : { outputs: Math.floor((length - size) / stride) + 1, before: 0 };
  const [rows, columns] = [layout(input.height), layout(input.width)];
  return build(rows.outputs, columns.outputs, input.channels, (y, x, c) => {
    const window: number[] = [];
    for (let dy = 0; dy < size; dy++) {
      for (let dx = 0; dx < size; dx++) {
        const [row, column] = [y * stride - rows.before + dy, x * stride - columns.before + dx];
        if (inside(input, row, column)) window.push(at(input, row, column, c));
      }
    }
    return reduce(window);
  });
}

const meanOver = (input: Volume, size: number) =>
  pool(input, size, size, 'same', (window) => window.reduce((sum, value) => sum + value, 0) / window.length);

function convolve(
  input: Volume,
  layer: Extract<Layer, { type: 'conv' }>,
  kernel: Float64Array,
  bias: Float64Array,
): Volume {
  const { kernel: side, stride, filters, padding } = layer;
  const layout = (length: number) =>
    padding === undefined
      ? same(length, side, stride)
      : { outputs: Math.floor((length + 2 * padding - side) / stride) + 1, before: padding };
  const [rows, columns] = [layout(input.height), layout(input.width)];
  return build(rows.outputs, columns.outputs, filters, (y, x, filter) => {
    let sum = bias[filter]!;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        const [row, column] = [y * stride - rows.before + i, x * stride - columns.before + j];
        if (!inside(input, row, column)) continue;
        const pixel = (row * input.width + column) * input.channels;
        const tap = (i * side + j) * input.channels;
        for (let c = 0; c < input.channels; c++) {
          sum += input.data[pixel + c]! * kernel[(tap + c) * filters + filter]!;
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
