import { normFloor } from '@simili/learning/network/normalise';
import { describeNetwork, flattened, type LayerShape, PROXIES, type Shape } from '@simili/learning/network/shapes';
import type { NetworkSpec, Path } from '@simili/learning/network/spec';
import type { Tensor2D, Tensor4D, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from './backend.ts';
import { channelBand, flatten, type Inputs, linear, orientationTensor, type Reading, runLayer } from './layers.ts';
import type { Rows } from './losses.ts';

/** The network of a spec as TensorFlow.js operations; the library differentiates it. */
export type Network = {
  /**
   * Call inside `tf.tidy`.
   * @returns the linear embedding and its unit rows, each [n, D], and the unit proxies.
   */
  run(weights: ReadonlyMap<string, TfTensor>, inputs: Inputs): Rows;
  /** Frees the constants. */
  dispose(): void;
};

/** Puts the fixed kernels of a spec on the device. @throws Error when the spec does not describe a network. */
export function buildNetwork(tf: TensorFlow, spec: NetworkSpec): Network {
  const { branches } = describeNetwork(spec);
  const constants = constantsOf(
    tf,
    branches.flatMap(({ paths }) => paths.flatMap(({ layers }) => flattened(layers))),
  );
  return {
    run(weights, inputs) {
      const joined = branches.map(({ paths }) => {
        const outputs = paths.map(({ path, input, layers }) => {
          const reading = { tf, path: path.name, weights, constants, inputs };
          return flatten(runPath(reading, path, input, layers)); // [n, its length]
        });
        return unitRows(tf.concat2d(outputs, 1)); // [n, branch length]
      });
      const embedding = linear(weights, 'embedding', tf.concat2d(joined, 1)); // [n, D]
      const proxies = weights.get(PROXIES) as Tensor2D | undefined;
      return { linear: embedding, embeddings: unitRows(embedding), proxies: proxies ? unitRows(proxies) : null };
    },
    dispose: () => tf.dispose([...constants.values()]),
  };
}

function runPath(reading: Reading, path: Path, [height, width]: Shape, layers: readonly LayerShape[]): TfTensor {
  const { tf, inputs } = reading;
  const features = inputs.features.get(path.name);
  const side = path.subsample;
  // A window at the edge holds the pixels that there are.
  const small = side === 1 ? inputs.pictures : tf.avgPool(inputs.pictures, side, side, 'same'); // [n, height, width, 3]
  const start = features?.reshape([-1, height, width, features.shape[1] ?? 0]) ?? small;
  return layers.reduce((x, layer) => runLayer(reading, layer, x), start);
}

/** Fixed kernels by the key that `runLayer` asks for. */
function constantsOf(tf: TensorFlow, layers: readonly LayerShape[]): Map<string, Tensor4D> {
  const constants = new Map<string, Tensor4D>();
  const add = ({ key, make }: { key: string; make: (tf: TensorFlow) => Tensor4D }) => {
    if (!constants.has(key)) constants.set(key, make(tf));
  };
  for (const { layer, input } of layers) {
    if (layer.type === 'orientation') add(orientationTensor(layer.bins));
    if (layer.type === 'localResponseNorm') add(channelBand(input[2], layer.size));
  }
  return constants;
}

/** [n, d] -> [n, d], rows of unit length. */
const unitRows = (x: Tensor2D): Tensor2D => x.div(x.square().sum(1, true).add(normFloor).sqrt());
