import type { EncoderFacts } from '@simili/learning/models/encoder-facts';
import type { SeenColumns } from '@simili/learning/relevance/seen-pairs';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import type { AnyEye } from '../encoders/eyes.ts';
import type { Choice } from '../engines/open-engine.ts';

/**
 * Calls of a worker to its engine host (a child process that holds the engine, decoded pixels and weights,
 * and never the database, the queue or the network).
 */
export type EngineHostApi = {
  /** Fits a model version. Events while it runs: TrainingEvent. An aborted call ends within two seconds. */
  train(request: TrainingRequest): Promise<TrainingResult>;
  /** Served vectors of products, by their pictures, under one artefact. */
  embed(request: EmbedRequest): Promise<EmbedResult>;
  /** Vectors of an encoder, or the hand-made features, of pictures. */
  encode(request: EncodeRequest): Promise<EncodeResult>;
  /** Trains a small network to see as an encoder does. Events as of `train`. */
  distil(request: DistilRequest): Promise<DistilResult>;
  /** A training over several machines (rounds.ts): its start, one member's part of a round, and its end. */
  beginRounds(request: TrainingRequest): Promise<{ state: Uint8Array; plannedSteps: number }>;
  round(request: RoundRequest): Promise<RoundResult>;
  finishRounds(request: { request: TrainingRequest; state: Uint8Array }): Promise<TrainingResult>;
};

export type RoundRequest = {
  request: TrainingRequest;
  /** All members of a round start from this one (state.ts). */
  state: Uint8Array;
  /** Steps of this round. */
  steps: number;
  /** Steps of the whole training: the learning rate follows them. */
  totalSteps: number;
  /** Both from 0: with the request's seed they make the member's own batches. */
  round: number;
  member: number;
};

export type RoundResult = {
  state: Uint8Array;
  loss: number;
  activeShare: number;
  /** Pictures trained on. */
  rows: number;
};

export type EngineChoice = {
  /** As SIMILI_ENGINE. */
  engine: Choice;
  requireGpu: boolean;
  threads: number;
  /** CUDA's numbers of the GPUs to use, one engine process each; []: whatever the engine finds. */
  gpus: string[];
};

/** How this machine computes a training. */
export type Computing = EngineChoice & {
  /** Engine processes that share the work, each with one thread or one GPU. */
  processes: number;
};

/**
 * The catalog as training sees it, in columns: n items and their pictures, a few dozen bytes each, so that a million of
 * them cross to a host and stay in its memory. Items are named by their index everywhere.
 */
export type TrainingSet = {
  /** [n + 1]: pictures of item i are starts[i] to starts[i + 1] - 1; the first of them is the one that is shown. */
  starts: Int32Array;
  /** [pictures, 32]: sha-256 of each picture's bytes, its key in the pixel cache. */
  hashes: Uint8Array;
  /** [n]: leaf category, counted from 0; -1 where an item has none. */
  categories: Int32Array;
  /** [n]: index in `splits` (learning/metrics/split.ts), frozen by the id; 'test' items take no part in fitting anything. */
  splits: Uint8Array;
  /** Folder of the pixel cache by side of its pictures: PICTURE_SIZE always, and what the network reads besides. */
  pixels: Record<number, string>;
  /** Vectors of an encoder; absent: there is none. */
  encoded?: EncodedPictures;
  /** File of their hand-made features, as in `encoded` (GOLDEN.dimensions); absent: they are taken of the pixels. */
  golden?: string;
};

/** Vectors of all pictures of a set, in their order. */
export type EncodedPictures = {
  readonly encoder: EncoderFacts;
  /** File of float16 [pictures, dimensions], little-endian. */
  readonly path: string;
};

export type Sampling = {
  /** Share of triplets whose negative is of another category, in [0, 1]; the paper's is 0.2 (table 1, fig. 6). */
  outOfClassShare: number;
  /** Queries and positives are drawn uniformly instead of by relevance (fig. 6). */
  uniform: boolean;
};

export type TrainingRequest = Computing & {
  kind: 'GOLDEN' | 'NETWORK';
  set: TrainingSet;
  /** `anchor` and `item` are items of the set. */
  feedback: SeenColumns;
  /** Triplets of pictures that people have answered, none of a 'test' item. */
  ratings: readonly Triplet[];
  /** A preset's name (learning/network/presets.ts). */
  preset: string;
  /** How it is trained: a recipe's name (learning/recipes/recipe.ts). */
  recipe: string;
  /** Sampling of recipes that draw triplets, where it is not the paper's own: an evaluation compares several. */
  sampling?: Sampling;
  /** A user's pretrained network in front of it: the bytes of an ONNX file; null for none. */
  backbone: Uint8Array | null;
  /** Artefact of the version that serves, from which training goes on where it fits; absent: from fresh weights. */
  serving?: Uint8Array;
  /** Length of the network's training. */
  seconds: number;
  /** The same in steps, which makes two trainings comparable; null: as many as fit into `seconds`. */
  steps: number | null;
  seed: number;
  /** Longest time between two checkpoint events. */
  checkpointSeconds: number;
  /** Continue from here: the state of a checkpoint event of the same request. */
  checkpoint: Uint8Array | null;
};

export type TrainingEvent =
  | {
      type: 'progress';
      /** 0 to 1 */
      done: number;
      etaSeconds: number | null;
      message: string;
      engine: string | null;
    }
  | {
      type: 'loss';
      step: number;
      loss: number;
      activeShare: number;
      /** Precision on held-out triplets, where they were just looked at. */
      precision?: number;
    }
  | { type: 'checkpoint'; step: number; state: Uint8Array };

export type TrainingResult = {
  /** learning/models/artefact.ts */
  artefact: Uint8Array;
  dimensions: number;
  /** Facts for the model's record: mix weights, steps, triplets, engine … */
  summary: Record<string, unknown>;
};

export type EmbedRequest = EngineChoice & {
  /** File with the artefact, and its sha-256: any other content is refused. */
  artefactPath: string;
  checksum: string;
  /** sha-256 of the pictures' bytes, hex: keys in the pixel cache. */
  pictures: string[];
  /** Pictures of each product, in the order of `pictures`; absent: one each. */
  counts?: readonly number[];
  /** As in `TrainingSet`: PICTURE_SIZE, and what the model's network reads. {}: all that it needs is in `encoded`. */
  pixels: Record<number, string>;
  /** float16 [pictures, dimensions] by the id of each encoder that the model uses; of GOLDEN, where it is stored. */
  encoded?: Readonly<Record<string, Uint16Array>>;
};

export type EncodeRequest = {
  encoder: AnyEye;
  /** sha-256 of the pictures' bytes, hex. */
  pictures: string[];
  /** Folder of the pixel cache, for the side that the encoder reads. */
  folder: string;
  threads: number;
};
export type EncodeResult = { /** float16 [pictures, dimensions] */ vectors: Uint16Array };

export type DistilRequest = Computing &
  Pick<TrainingRequest, 'preset' | 'seconds' | 'steps' | 'seed'> & {
    /** With vectors of the teacher (`encoded`). */
    set: TrainingSet;
  };

export type DistilResult = {
  /** ONNX, an encoder (workers/encoders/student.ts). */
  model: Uint8Array;
  dimensions: number;
  steps: number;
  /** Pictures trained on. */
  pictures: number;
  /** Engine and device. */
  engine: string;
  /** Exponential means at the end; `elsewhere`: share of the neighbourhoods that is not where the teacher has it. */
  loss: number;
  elsewhere: number;
};

export type EmbedResult = { /** [products, dimensions] row-major */ vectors: Float32Array; dimensions: number };
