import type { SeenPair } from '../../src/learning/relevance.ts';
import type { Split } from '../../src/learning/split.ts';

/**
 * What crosses between a worker and its engine host (a child process that holds the engine, decoded pixels and weights,
 * and never the database, the queue or the network).
 */
export type EngineHostApi = {
  /** Fits a model version. Events while it runs: TrainingEvent. An aborted call ends within two seconds. */
  train(request: TrainingRequest): Promise<TrainingResult>;
  /** Served vectors of pictures under one artefact. */
  embed(request: EmbedRequest): Promise<EmbedResult>;
};

export type EngineChoice = { engine: 'auto' | 'onnx' | 'tensorflow'; requireGpu: boolean; threads: number };

/** One product as training sees it. */
export type TrainingItem = {
  id: string;
  /** Leaf category; null when it has none. */
  category: string | null;
  /** Frozen by the id; 'test' items take no part in fitting anything. */
  split: Split;
  /** Files of uint8 pixels, the compared picture first. */
  pictures: string[];
};

export type TrainingRequest = EngineChoice & {
  kind: 'GOLDEN' | 'NETWORK';
  items: TrainingItem[];
  /** `anchor` and `item` are indices into `items`. */
  feedback: SeenPair[];
  /** Length of the network's training. */
  seconds: number;
  seed: number;
  /** Longest time between two checkpoint events. */
  checkpointSeconds: number;
  /** Continue from here: the state of a checkpoint event of the same request. */
  checkpoint: Uint8Array | null;
};

export type TrainingEvent =
  | { type: 'progress' /** 0 to 1 */; done: number; etaSeconds: number | null; message: string; engine: string | null }
  | { type: 'loss'; step: number; loss: number; activeShare: number }
  | { type: 'checkpoint'; step: number; state: Uint8Array };

export type TrainingResult = {
  /** src/learning/artefact.ts */
  artefact: Uint8Array;
  dimensions: number;
  /** Facts for the model's record: mix weights, steps, triplets, engine … */
  summary: Record<string, unknown>;
};

export type EmbedRequest = EngineChoice & {
  /** File with the artefact, and its sha-256: any other content is refused. */
  artefactPath: string;
  checksum: string;
  /** Files of uint8 pixels. */
  pictures: string[];
};

export type EmbedResult = { /** [pictures, dimensions] row-major */ vectors: Float32Array; dimensions: number };
