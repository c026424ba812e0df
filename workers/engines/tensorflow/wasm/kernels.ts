import type { KernelBackend, KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../backend.ts';

/**
 * The kernel that training needs and the WebAssembly backend lacks (Conv2DBackpropFilter), faster ones for those that it
 * has in a slow form, and a right one for one that it has wrong. Their values stay in its memory.
 */
export function registerTrainingKernels(tf: TensorFlow): void {
  replace(tf, 'BatchMatMul', (original) => plainMatMul(tf, original));
  replace(tf, 'Conv2DBackpropInput', (original) => convolveBack(tf, original));
  replace(tf, 'Conv2DBackpropFilter', () => filterGradient(tf));
  replace(tf, 'MaxPoolGrad', () => maxPoolGradient(tf));
}

const BACKEND = 'wasm';
type Args = Parameters<KernelFunc>[0];
type Make = (original: KernelFunc) => KernelFunc;
type Shape4D = [number, number, number, number];

function replace(tf: TensorFlow, kernelName: string, make: Make): void {
  const config = tf.getKernel(kernelName, BACKEND);
  const missing: KernelFunc = () => {
    throw new Error(`The WebAssembly backend has no kernel ${kernelName}`);
  };
  if (config) tf.unregisterKernel(kernelName, BACKEND);
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: make(config?.kernelFunc ?? missing),
    ...(config?.setupFunc && { setupFunc: config.setupFunc }),
  });
}

/** Runs other kernels for one; what they made is freed when it is done, but for the result. */
function scratch(tf: TensorFlow, backend: Args['backend']) {
  const made: TensorInfo[] = [];
  return {
    run(name: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
      const kernel = tf.getKernel(name, BACKEND);
      if (!kernel) throw new Error(`The WebAssembly backend has no kernel ${name}`);
      const output = kernel.kernelFunc({ inputs, backend, attrs }) as TensorInfo;
      made.push(output);
      return output;
    },
    finish(result: TensorInfo, shape: number[]): TensorInfo {
      for (const { dataId } of made) if (dataId !== result.dataId) (backend as KernelBackend).disposeData(dataId);
      return { dataId: result.dataId, dtype: result.dtype, shape };
    },
  };
}

/** Products with a transposed matrix are slow, transposing is not. */
const plainMatMul =
  (tf: TensorFlow, original: KernelFunc): KernelFunc =>
  (args: Args) => {
    const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
    const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
    const isSingle = a.shape.length === 3 && a.shape[0] === 1 && b.shape[0] === 1;
    if (!isSingle || (!transposeA && !transposeB)) return original(args);
    const { run, finish } = scratch(tf, args.backend);
    const upright = (matrix: TensorInfo, turned: boolean) =>
      turned ? run('Transpose', { x: matrix }, { perm: [0, 2, 1] }) : matrix;
    const inputs = { a: upright(a, transposeA), b: upright(b, transposeB) };
    const product = original({ ...args, inputs, attrs: { transposeA: false, transposeB: false } }) as TensorInfo;
    return finish(product, product.shape);
  };

/** dX of a convolution with stride 1: a convolution of dY with the kernel flipped and its channels swapped. */
const convolveBack =
  (tf: TensorFlow, original: KernelFunc): KernelFunc =>
  (args: Args) => {
    const { dy, filter } = args.inputs as { dy: TensorInfo; filter: TensorInfo };
    const info = convInfo(tf, args.attrs, args.attrs?.inputShape as Shape4D, filter.shape as Shape4D);
    if (info.strideHeight !== 1 || info.strideWidth !== 1) return original(args);
    const { run, finish } = scratch(tf, args.backend);
    const [height, width] = filter.shape as Shape4D;
    const { top, bottom, left, right } = info.padInfo;
    const pad = [
      [0, 0],
      [height - 1 - top, height - 1 - bottom],
      [width - 1 - left, width - 1 - right],
      [0, 0],
    ];
    if (pad.flat().some((pixels) => pixels < 0)) return original(args);
    const flipped = run('Reverse', { x: filter }, { dims: [0, 1] });
    const swapped = run('Transpose', { x: flipped }, { perm: [0, 1, 3, 2] });
    const attrs = { strides: [1, 1], pad, dataFormat: 'NHWC', dilations: [1, 1] };
    const dx = run('Conv2D', { x: dy, filter: swapped }, attrs as unknown as NamedAttrMap);
    return finish(dx, dx.shape);
  };

/** dW of a convolution: the patches that each tap of the kernel sees, side by side, transposed, times dY. */
const filterGradient =
  (tf: TensorFlow): KernelFunc =>
  ({ inputs, backend, attrs }: Args) => {
    const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
    const filterShape = attrs?.filterShape as unknown as Shape4D;
    const info = convInfo(tf, attrs, x.shape as Shape4D, filterShape);
    const { run, finish } = scratch(tf, backend);
    const { top, bottom, left, right } = info.padInfo;
    const sides = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    const padded = top + bottom + left + right > 0;
    const padAttrs = { paddings: sides, constantValue: 0 } as unknown as NamedAttrMap;
    const image = padded ? run('PadV2', { x }, padAttrs) : x;
    const [height, width, channels, filters] = filterShape;
    const taps: TensorInfo[] = [];
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) taps.push(seenBy(run, image, info, i, j));
    const inputsOfConcat = taps as unknown as NamedTensorInfoMap;
    const patches = taps.length > 1 ? run('Concat', inputsOfConcat, { axis: 3 }) : (taps[0] as TensorInfo);
    const rows = info.batchSize * info.outHeight * info.outWidth;
    const columns = height * width * channels;
    const matrix = (tensor: TensorInfo, length: number): TensorInfo => ({ ...tensor, shape: [1, rows, length] });
    const product = run(
      'BatchMatMul',
      { a: matrix(patches, columns), b: matrix(dy, filters) },
      { transposeA: true, transposeB: false },
    );
    return finish(product, [...filterShape]);
  };

type ConvInfo = ReturnType<TensorFlow['backend_util']['computeConv2DInfo']>;

/** The pixels that tap (i, j) of a kernel meets: [n, outHeight, outWidth, channels]. */
function seenBy(
  run: ReturnType<typeof scratch>['run'],
  x: TensorInfo,
  { batchSize, outHeight, outWidth, inChannels, strideHeight, strideWidth }: ConvInfo,
  i: number,
  j: number,
): TensorInfo {
  if (strideHeight === 1 && strideWidth === 1) {
    return run('Slice', { x }, { begin: [0, i, j, 0], size: [batchSize, outHeight, outWidth, inChannels] });
  }
  const end = [batchSize, i + (outHeight - 1) * strideHeight + 1, j + (outWidth - 1) * strideWidth + 1, inChannels];
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  return run('StridedSlice', { x }, { begin: [0, i, j, 0], end, strides: [1, strideHeight, strideWidth, 1], ...masks });
}

function convInfo(tf: TensorFlow, attrs: Args['attrs'], inputShape: Shape4D, filterShape: Shape4D): ConvInfo {
  const { strides, pad, dimRoundingMode } = attrs as unknown as {
    strides: number | [number, number];
    pad: Parameters<TensorFlow['backend_util']['computeConv2DInfo']>[4];
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  return tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode);
}

/** What the backend has besides the public interface: its tensors lie in one WebAssembly memory. */
type Heap = {
  makeOutput(shape: number[], dtype: 'float32'): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
};

/** Its own kernel takes the largest of the window and 0 where the window reaches into padding. */
const maxPoolGradient =
  (tf: TensorFlow): KernelFunc =>
  ({ inputs, backend, attrs }: Args) => {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const { filterSize, strides, pad } = attrs as unknown as {
      filterSize: number | [number, number];
      strides: number | [number, number];
      pad: 'same' | 'valid';
    };
    const info = tf.backend_util.computePool2DInfo(input.shape as Shape4D, filterSize, strides, 1, pad);
    const heap = backend as unknown as Heap;
    const dx = heap.makeOutput(input.shape, 'float32'); // Before the views: memory may move when it grows.
    const slopes = heap.typedArrayFromHeap(dx).fill(0);
    const values = heap.typedArrayFromHeap(input);
    heap.typedArrayFromHeap(dy).forEach((slope, output) => {
      const first = firstOfLargest(info, values, output);
      slopes[first] = (slopes[first] ?? 0) + slope;
    });
    return dx;
  };

type PoolInfo = ReturnType<TensorFlow['backend_util']['computePool2DInfo']>;

/** Index of the first of the largest values that an output of a max pool has seen. All NHWC. */
function firstOfLargest(info: PoolInfo, values: Float32Array, output: number): number {
  const { outWidth, outHeight, inWidth, inHeight, inChannels: channels, padInfo } = info;
  const column = Math.floor(output / channels) % outWidth;
  const row = Math.floor(output / channels / outWidth) % outHeight;
  const picture = Math.floor(output / channels / outWidth / outHeight);
  const top = row * info.strideHeight - padInfo.top;
  const left = column * info.strideWidth - padInfo.left;
  let best = -1;
  for (let y = Math.max(0, top); y < Math.min(inHeight, top + info.filterHeight); y++) {
    for (let x = Math.max(0, left); x < Math.min(inWidth, left + info.filterWidth); x++) {
      const at = ((picture * inHeight + y) * inWidth + x) * channels + (output % channels);
      if (best < 0 || (values[at] ?? 0) > (values[best] ?? 0)) best = at;
    }
  }
  return best;
}
