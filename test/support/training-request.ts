import { SeenPairs } from '../../learning/relevance/seen-pairs.ts';
import type { TrainingRequest, TrainingSet } from '../../workers/training/protocol.ts';

/**
 * A training of the preset `tiny` by one process of one thread, without feedback, ratings or anything to go on from.
 * @param asked what a test or a benchmark asks for besides, or otherwise
 */
export const trainingRequest = (
  set: TrainingSet,
  asked: Pick<TrainingRequest, 'recipe' | 'steps'> & Partial<TrainingRequest>,
): TrainingRequest => ({
  engine: 'onnx',
  requireGpu: false,
  threads: 1,
  gpus: [],
  kind: 'NETWORK',
  set,
  feedback: SeenPairs.from([]).columns,
  ratings: [],
  preset: 'tiny',
  backbone: null,
  processes: 1,
  seconds: 600,
  seed: 1,
  checkpointSeconds: 600,
  checkpoint: null,
  ...asked,
});
