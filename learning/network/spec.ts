/**
 * A multi-scale ranking network as plain data (Wang et al. 2014, section 4 and fig. 3). Three towers with shared weights
 * are one network over query, positive and negative pictures stacked in one batch.
 *
 *   picture [S, S, 3] -> branches, each: its paths, flattened, joined, ONE L2 norm -> concatenate -> linear -> L2 norm
 *
 * The paper: branch 1 is the ConvNet path; branch 2 joins the two low-resolution paths under one norm.
 * Canonical layout of values: NHWC. Of weights: conv HWIO, dense [in, out] with `in` in HWC order.
 */
export type NetworkSpec = {
  readonly name: string;
  /** S: side of the square input in pixels. Values are ink = 1 - rgb/255, so that a white background is 0. */
  readonly inputSize: number;
  readonly branches: readonly Branch[];
  /** D: length of the embedding, a unit vector. */
  readonly embedding: number;
  /** C: categories that have a proxy beside the embedding while it is trained (`ProxyCost`, loss.ts); nothing serves them. */
  readonly proxies?: number;
};

/** Paths whose flattened outputs are concatenated and scaled to unit length together. */
export type Branch = { readonly paths: readonly Path[] };

export type Path = {
  /** Unique in the spec; prefixes the names of its weights. */
  readonly name: string;
  /**
   * The picture is averaged over `subsample` x `subsample` pixels first; 1 leaves it. Where it does not divide S the
   * side is rounded up (SAME), and a cell at the edge is the mean of the pixels that it has.
   */
  readonly subsample: number;
  readonly layers: readonly Layer[];
  /**
   * A frozen pretrained network in front of the layers, which then read its output vector instead of the picture. It is
   * run outside of the engine (workers/engines/backbone.ts); `subsample` is 1.
   */
  readonly backbone?: Backbone;
};

/** Input and output of a pretrained ONNX network, which reads whole pictures of S x S pixels. */
export type Backbone = {
  /** sha-256 of the ONNX file, hex. */
  readonly checksum: string;
  /** Values of its output for one picture. */
  readonly length: number;
  /** Its input is (rgb - mean) / deviation, rgb in [0, 1], per channel. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
  readonly layout: 'NCHW' | 'NHWC';
};

export type Layer =
  /** Fixed gradient-orientation front end, no weights: RGB and `bins` oriented energies, both averaged over `pool`². */
  | { readonly type: 'orientation'; readonly bins: number; readonly pool: number }
  /**
   * Convolution with bias. Default padding is SAME (output = ceil(input / stride), the odd pixel goes to the end); a
   * number is that many zeros on every side, output = floor((input + 2 padding - kernel) / stride) + 1.
   */
  | {
      readonly type: 'conv';
      readonly name: string;
      readonly kernel: number;
      readonly stride: number;
      readonly filters: number;
      readonly padding?: number;
    }
  /**
   * Largest of size x size. Without `stride`: stride = size, and its input must divide evenly. With it: 'valid' (default)
   * drops what does not fill a window, 'same' pads (never with the largest value): output = ceil(input / stride).
   */
  | {
      readonly type: 'maxPool';
      readonly size: number;
      readonly stride?: number;
      readonly padding?: 'valid' | 'same';
    }
  /** Mean of size x size, stride = size; its input must divide evenly. */
  | { readonly type: 'averagePool'; readonly size: number }
  | { readonly type: 'relu' }
  /**
   * Local response normalisation across channels (Krizhevsky et al. 2012, section 3.3): x / (k + alpha sum x²)^beta, the
   * sum over the `size` (odd) channels around each.
   */
  | {
      readonly type: 'localResponseNorm';
      readonly size: number;
      readonly k: number;
      readonly alpha: number;
      readonly beta: number;
    }
  /**
   * Batch normalisation per channel (Ioffe and Szegedy 2015) with the batch's own mean and variance (biased) in training,
   * running ones when embedding: x' = scale (x - mean) / sqrt(variance + `normEpsilon`) + bias.
   */
  | { readonly type: 'batchNorm'; readonly name: string }
  /** x + layers(x), which must keep its shape (He et al. 2016). Its layers' names are unique in the path. */
  | { readonly type: 'residual'; readonly layers: readonly Layer[] }
  /** Flattens (HWC), then x·W + b. */
  | { readonly type: 'dense'; readonly name: string; readonly units: number }
  /**
   * In training each value is kept with probability `keep` and then divided by it; nothing happens when embedding. The
   * mask is an input (`dropoutLayers` names it), so that every engine drops the same and a training can be repeated.
   */
  | { readonly type: 'dropout'; readonly name: string; readonly keep: number };

/** Row-major float32 values with their shape. */
export type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };
/** Name -> value, in the order of `weightShapes`. */
export type Weights = Record<string, Tensor>;
