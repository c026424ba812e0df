import type { Tensor2D, Tensor4D, Tensor as TfTensor } from '@tensorflow/tfjs';
import { normFloor } from '../../../src/learning/network/normalise.ts';
import { orientation } from '../../../src/learning/network/orientation.ts';
import type { Branch, Layer, NetworkSpec, Path } from '../../../src/learning/network/spec.ts';
import type { TensorFlow } from './backend.ts';

/** What the network reads besides the pictures. Every tensor belongs to the caller. */
export type Parameters = {
  /** By the names of `weightShapes`. */
  readonly weights: ReadonlyMap<string, TfTensor>;
  /** `orientationKernel(bins)` by number of bins, for every orientation layer of the spec. */
  readonly orientationKernels: ReadonlyMap<number, Tensor4D>;
};

/**
 * The network of a spec as TensorFlow.js operations; the library differentiates it. Call inside `tf.tidy`.
 * @param pictures [n, S, S, 3], ink in [0, 1].
 * @returns [n, D], unit rows.
 */
export function embedPictures(tf: TensorFlow, spec: NetworkSpec, parameters: Parameters, pictures: Tensor4D): Tensor2D {
  const branches = spec.branches.map((branch) => runBranch(tf, branch, parameters, pictures)); // each [n, its length]
  const joined = tf.concat2d(branches, 1); // [n, joined]
  return unitRows(dense(tf, joined, parameters, 'embedding')); // [n, D]
}

/**
 * Hinge of each triplet (paper, section 3): max(0, gap + |q-p|^2 - |q-n|^2).
 * @param q,p,n [B, D], unit rows.
 * @returns [B], >= 0. Not reduced: a mean taken before the hinge lets easy triplets hide hard ones.
 */
export function tripletHinge(tf: TensorFlow, q: Tensor2D, p: Tensor2D, n: Tensor2D, gap: number): TfTensor {
  const toPositive = tf.squaredDifference(q, p).sum(1); // [B]
  const toNegative = tf.squaredDifference(q, n).sum(1); // [B]
  return toPositive.sub(toNegative).add(gap).relu(); // [B]
}

function runBranch(tf: TensorFlow, branch: Branch, parameters: Parameters, pictures: Tensor4D): Tensor2D {
  const paths = branch.paths.map((path) => flatten(runPath(tf, path, parameters, pictures))); // each [n, its length]
  return unitRows(tf.concat2d(paths, 1)); // [n, branch length]
}

function runPath(tf: TensorFlow, path: Path, parameters: Parameters, pictures: Tensor4D): TfTensor {
  const { subsample } = path;
  const input: TfTensor = subsample === 1 ? pictures : tf.avgPool(pictures, subsample, subsample, 'valid'); // [n, S/s, S/s, 3]
  return path.layers.reduce((x, layer) => runLayer(tf, layer, parameters, path.name, x), input);
}

function runLayer(tf: TensorFlow, layer: Layer, parameters: Parameters, path: string, x: TfTensor): TfTensor {
  switch (layer.type) {
    case 'orientation':
      return orientedEnergies(tf, layer, parameters, x as Tensor4D); // [n, H/pool, W/pool, 3 + bins]
    case 'conv': {
      const { kernel, bias } = weightsOf(parameters, `${path}.${layer.name}`); // [k, k, in, out], [out]
      return tf.conv2d(x as Tensor4D, kernel as Tensor4D, layer.stride, 'same').add(bias); // [n, H/s, W/s, out]
    }
    case 'maxPool':
      return tf.maxPool(x as Tensor4D, layer.size, layer.size, 'valid'); // [n, H/size, W/size, c]
    case 'relu':
      return x.relu(); // as x
    case 'dense':
      return dense(tf, flatten(x), parameters, `${path}.${layer.name}`); // [n, units]
  }
}

/** The fixed front end: formula in src/learning/network/orientation.ts. No weight precedes it: never differentiated. */
function orientedEnergies(
  tf: TensorFlow,
  { bins, pool }: Extract<Layer, { type: 'orientation' }>,
  { orientationKernels }: Parameters,
  pictures: Tensor4D,
): Tensor4D {
  const kernel = orientationKernels.get(bins);
  if (!kernel) throw new Error(`No orientation kernel for ${bins} bins`);
  const responses = tf.conv2d(pictures, kernel, 1, 'same'); // [n, H, W, bins + 2]
  const [oriented, gradient] = tf.split(responses, [bins, 2], 3) as [Tensor4D, Tensor4D]; // [.., bins], [.., 2]
  const magnitude2 = gradient.square().sum(3, true).add(orientation.magnitudeFloor); // [n, H, W, 1]
  const cosine16 = oriented.square().div(magnitude2).square().square().square(); // [n, H, W, bins]: |cos|^16
  const energy = cosine16.mul(magnitude2.sqrt()) as Tensor4D; // [n, H, W, bins]
  const pooled = tf.avgPool(energy, pool, pool, 'valid').add(orientation.energyFloor).sqrt() as Tensor4D; // pooled
  return tf.concat4d([tf.avgPool(pictures, pool, pool, 'valid'), pooled], 3); // [n, H/pool, W/pool, 3 + bins]
}

function dense(tf: TensorFlow, x: Tensor2D, parameters: Parameters, name: string): Tensor2D {
  const { kernel, bias } = weightsOf(parameters, name); // [in, out], [out]
  return tf.matMul(x, kernel as Tensor2D).add(bias); // [n, out]
}

function weightsOf({ weights }: Parameters, name: string): { kernel: TfTensor; bias: TfTensor } {
  const kernel = weights.get(`${name}.kernel`);
  const bias = weights.get(`${name}.bias`);
  if (!kernel || !bias) throw new Error(`No weights for ${name}`);
  return { kernel, bias };
}

/** [n, ...] -> [n, product of the rest]: HWC order. */
const flatten = (x: TfTensor): Tensor2D => x.reshape([x.shape[0] ?? 0, -1]);

/** [n, d] -> [n, d], rows of unit length. */
const unitRows = (x: Tensor2D): Tensor2D => x.div(x.square().sum(1, true).add(normFloor).sqrt());
