import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { BatchPlan } from '@simili/learning/batches/batch';
import type { TrainingBatch } from '../../../engines/engine.ts';
import type { MemberOptions } from './member.ts';

export type BatchThreadData = Pick<MemberOptions, 'spec' | 'rows' | 'set' | 'augmentation'>;
export type BatchMaker = {
  /** Pictures and dropout masks of a plan, made on another thread; a plan gives the same batch whenever it is made. */
  make(plan: BatchPlan): Promise<TrainingBatch>;
  close(): Promise<void>;
};

/** Reads, augments and lays out pictures beside the training thread, which an engine blocks. */
export function openBatchMaker({ spec, rows, set, augmentation }: BatchThreadData): BatchMaker {
  const isSource = import.meta.url.endsWith('.ts');
  const url = new URL(isSource ? './batch-thread.ts' : './batch-thread.js', import.meta.url);
  const thread = openThread(url, { workerData: { spec, rows, set, augmentation } satisfies BatchThreadData });
  const waiting: { resolve(batch: TrainingBatch): void; reject(error: Error): void }[] = [];
  let broken: Error | null = null;
  const fail = (error: Error) => {
    broken ??= error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  thread.on('message', (answer: TrainingBatch | { error: Error }) => {
    const next = waiting.shift();
    if ('error' in answer) next?.reject(answer.error);
    else next?.resolve(answer);
  });
  thread.on('error', fail);
  thread.on('exit', (code) => fail(new Error(`The thread that makes batches ended with code ${code}`)));
  return {
    make(plan) {
      if (broken) return Promise.reject(broken);
      const batch = new Promise<TrainingBatch>((resolve, reject) => waiting.push({ resolve, reject }));
      batch.catch(() => {}); // told to whoever computes it
      thread.postMessage(plan);
      return batch;
    },
    async close() {
      await thread.terminate();
    },
  };
}

/**
 * A thread that runs a module of ours. From sources the thread has to load tsx itself: Node 20 does not take the loader
 * of the process over into threads.
 */
function openThread(url: URL, options: WorkerOptions): Worker {
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options);
  const load = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); })`;
  return new Worker(load, { ...options, eval: true });
}
