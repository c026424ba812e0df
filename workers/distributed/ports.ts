import type { WorkerContext } from '../context.ts';
import type { Asked } from '../training/engine-client.ts';
import type { TrainingRequest } from '../training/protocol.ts';

/** The part of a worker that rounds need. */
export type RoundContext = Pick<WorkerContext, 'repositories' | 'queue' | 'config' | 'log'> & {
  readonly trainer: Pick<WorkerContext['trainer'], 'beginRounds' | 'round' | 'finishRounds'>;
};

/** Makes the request to the trainer from Postgres: every worker makes the same. */
export type MakeRequest = (signal: AbortSignal) => Promise<Asked<TrainingRequest>>;
