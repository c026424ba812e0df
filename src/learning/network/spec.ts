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
};

/** Paths whose flattened outputs are concatenated and scaled to unit length together. */
export type Branch = { readonly paths: readonly Path[] };

export type Path = {
  /** Unique in the spec; prefixes the names of its weights. */
  readonly name: string;
  /** The picture is averaged over `subsample` x `subsample` pixels first; 1 leaves it. Must divide S. */
  readonly subsample: number;
  readonly layers: readonly Layer[];
};

export type Layer =
  /** Fixed gradient-orientation front end, no weights: RGB and `bins` oriented energies, both averaged over `pool`². */
  | { readonly type: 'orientation'; readonly bins: number; readonly pool: number }
  /** SAME padding (the odd pixel goes to the end), bias. */
  | {
      readonly type: 'conv';
      readonly name: string;
      readonly kernel: number;
      readonly stride: number;
      readonly filters: number;
    }
  /** size x size, stride = size; its input must divide evenly. */
  | { readonly type: 'maxPool'; readonly size: number }
  | { readonly type: 'relu' }
  /** Flattens (HWC), then x·W + b. */
  | { readonly type: 'dense'; readonly name: string; readonly units: number };

/** Row-major float32 values with their shape. */
export type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };
/** Name -> value, in the order of `weightShapes`. */
export type Weights = Record<string, Tensor>;
