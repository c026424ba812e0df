import { normEpsilon } from '@simili/learning/network/normalise';
import { orientation, orientationKernel } from '@simili/learning/network/orientation';
import type { LayerOf, LayerShape } from '@simili/learning/network/shapes';
import type { Tensor1D, Tensor2D, Tensor4D, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from './backend.ts';

/** Inputs of a network. Every tensor belongs to the caller. */
export type Inputs = {
  /** [n, S, S, 3], ink in [0, 1]. */
  readonly pictures: Tensor4D;
  /** Outputs of backbones by path: [n, length]. */
  readonly features: ReadonlyMap<string, Tensor2D>;
  /** Only in training. */
  readonly training?: {
    /** By `dropoutLayers` name: [n, length]. */
    readonly masks: ReadonlyMap<string, Tensor2D>;
    /** Is handed the mean and the biased variance of the batch, each [channels], by weight name. */
    readonly onStatistic: (name: string, value: Tensor1D) => void;
  };
};

/** Inputs of the layers of one path. */
export type Reading = {
  readonly tf: TensorFlow;
  readonly path: string;
  /** By the names of `weightShapes`. */
  readonly weights: ReadonlyMap<string, TfTensor>;
  readonly constants: ReadonlyMap<string, Tensor4D>;
  readonly inputs: Inputs;
};

/** @param x [n, height, width, channels], or [n, units] behind a dense layer. */
export function runLayer(reading: Reading, shape: LayerShape, x: TfTensor): TfTensor {
  const { tf, path, weights } = reading;
  const { layer } = shape;
  switch (layer.type) {
    case 'orientation':
      return orientedEnergies(reading, layer, x as Tensor4D);
    case 'conv':
      return convolve(reading, layer, x as Tensor4D);
    case 'maxPool': {
      const { size, stride = size, padding = 'valid' } = layer;
      return tf.maxPool(x as Tensor4D, size, stride, padding);
    }
    case 'averagePool':
      return tf.avgPool(x as Tensor4D, layer.size, layer.size, 'valid');
    case 'relu':
      return x.relu();
    case 'localResponseNorm':
      return normaliseResponses(reading, layer, x as Tensor4D);
    case 'batchNorm':
      return normaliseBatch(reading, layer, x);
    case 'residual':
      return shape.inner.reduce((inner, each) => runLayer(reading, each, inner), x).add(x);
    case 'dense':
      return linear(weights, `${path}.${layer.name}`, flatten(x));
    case 'dropout': {
      const mask = reading.inputs.training?.masks.get(`${path}.${layer.name}`);
      return mask ? x.mul(mask.reshape(x.shape)) : x;
    }
  }
}

/** x·W + b. [n, in] -> [n, out] */
export const linear = (weights: Reading['weights'], name: string, x: Tensor2D): Tensor2D =>
  x.matMul(weightOf(weights, `${name}.kernel`) as Tensor2D).add(weightOf(weights, `${name}.bias`));

/** [n, ...] -> [n, product of the rest]: HWC order. */
export const flatten = (x: TfTensor): Tensor2D => x.reshape([x.shape[0] ?? 0, -1]);

type Constant = { readonly key: string; readonly make: (tf: TensorFlow) => Tensor4D };

/** The kernel of learning/network/orientation.ts. */
export const orientationTensor = (bins: number): Constant => ({
  key: `orientation ${bins}`,
  make: (tf) => {
    const { data, shape } = orientationKernel(bins);
    return tf.tensor4d(data, shape as [number, number, number, number]);
  },
});

/** A 1x1 convolution that sums the `size` channels around each: [1, 1, channels, channels]. */
export const channelBand = (channels: number, size: number): Constant => ({
  key: `band ${channels} ${size}`,
  make: (tf) => {
    const band = new Float32Array(channels * channels);
    for (let i = 0; i < channels; i++) {
      for (let j = 0; j < channels; j++) band[i * channels + j] = Math.abs(i - j) <= (size - 1) / 2 ? 1 : 0;
    }
    return tf.tensor4d(band, [1, 1, channels, channels]);
  },
});

/** Padding by number is put there first: native TensorFlow's convolutions know only SAME and VALID. */
function convolve({ tf, path, weights }: Reading, layer: LayerOf<'conv'>, x: Tensor4D): TfTensor {
  const kernel = weightOf(weights, `${path}.${layer.name}.kernel`) as Tensor4D; // [k, k, in, out]
  const { stride, padding } = layer;
  const sides: [number, number] = [padding ?? 0, padding ?? 0];
  const padded = padding ? tf.pad4d(x, [[0, 0], sides, sides, [0, 0]]) : x;
  const mode = padding === undefined ? 'same' : 'valid';
  return tf.conv2d(padded, kernel, stride, mode).add(weightOf(weights, `${path}.${layer.name}.bias`));
}

/** The fixed front end: formula in learning/network/orientation.ts. No weight precedes it: never differentiated. */
function orientedEnergies(
  { tf, constants }: Reading,
  { bins, pool }: LayerOf<'orientation'>,
  pictures: Tensor4D,
): Tensor4D {
  const responses = tf.conv2d(pictures, constantOf(constants, orientationTensor(bins)), 1, 'same'); // [n, H, W, bins + 2]
  const [oriented, gradient] = tf.split(responses, [bins, 2], 3) as [Tensor4D, Tensor4D]; // [.., bins], [.., 2]
  const magnitude2 = gradient.square().sum(3, true).add(orientation.magnitudeFloor); // [n, H, W, 1]
  const cosine16 = oriented.square().div(magnitude2).square().square().square(); // [n, H, W, bins]: |cos|^16
  const energy = cosine16.mul(magnitude2.sqrt()) as Tensor4D; // [n, H, W, bins]
  const pooled = tf.avgPool(energy, pool, pool, 'valid').add(orientation.energyFloor).sqrt() as Tensor4D; // pooled
  return tf.concat4d([tf.avgPool(pictures, pool, pool, 'valid'), pooled], 3); // [n, H/pool, W/pool, 3 + bins]
}

/** The sum over channels is a convolution, which every backend can differentiate. */
function normaliseResponses(
  { tf, constants }: Reading,
  { size, k, alpha, beta }: LayerOf<'localResponseNorm'>,
  x: Tensor4D,
): TfTensor {
  const band = constantOf(constants, channelBand(x.shape[3], size));
  const sums = tf.conv2d(x.square(), band, 1, 'same'); // as x
  return x.mul(sums.mul(alpha).add(k).pow(-beta));
}

function normaliseBatch({ path, weights, inputs }: Reading, layer: LayerOf<'batchNorm'>, x: TfTensor): TfTensor {
  const name = `${path}.${layer.name}`;
  const { training } = inputs;
  const axes = x.shape.map((_, axis) => axis).slice(0, -1); // all but the channels
  const mean = training ? x.mean(axes) : weightOf(weights, `${name}.mean`); // [channels]
  const centred = x.sub(mean);
  const variance = training ? centred.square().mean(axes) : weightOf(weights, `${name}.variance`); // [channels]
  training?.onStatistic(`${name}.mean`, mean as Tensor1D);
  training?.onStatistic(`${name}.variance`, variance as Tensor1D);
  const scale = weightOf(weights, `${name}.scale`).div(variance.add(normEpsilon).sqrt()); // [channels]
  return centred.mul(scale).add(weightOf(weights, `${name}.bias`));
}

function constantOf(constants: Reading['constants'], { key }: Constant): Tensor4D {
  const constant = constants.get(key);
  if (!constant) throw new Error(`No constant ${key}`);
  return constant;
}

function weightOf(weights: Reading['weights'], name: string): TfTensor {
  const weight = weights.get(name);
  if (!weight) throw new Error(`No weight ${name}`);
  return weight;
}
