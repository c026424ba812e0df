import type { WorkerContext } from '../context.ts';
import type { Asked } from '../training/engine-client.ts';
import type { TrainingRequest } from '../training/protocol.ts';

/** What rounds need of a worker. */
export type RoundContext = Pick<WorkerContext, 'repositories' | 'queue' | 'config' | 'log'> & {
  readonly trainer: Pick<WorkerContext['trainer'], 'beginRounds' | 'round' | 'finishRounds'>;
};

/** What is asked of the trainer, made from Postgres: every worker makes the same. */
export type MakeRequest = (signal: AbortSignal) => Promise<Asked<TrainingRequest>>;
