import { readFileSync } from 'node:fs';
import { SeenPairs } from '../learning/relevance/seen-pairs.ts';
import { openHost } from '../workers/hosts/rpc.ts';
import type { EngineHostApi, TrainingEvent, TrainingRequest } from '../workers/training/protocol.ts';
import { generatedSet } from './generated-set.ts';
import { temporaryDir } from './running.ts';

/** Steps of the whole training: one before the checkpoint, one after it. */
const STEPS = 2;

/**
 * The paper's own network (225 px, 86 million weights) through the whole path of a training: one step, its checkpoint
 * taken out, and in a fresh process the checkpoint put back and a second step.
 */
export async function paper() {
  const dir = await temporaryDir();
  try {
    const set = await generatedSet(dir.path, { items: 240, categories: 6, sides: [64, 225] });
    const request: TrainingRequest = {
      engine: 'auto',
      requireGpu: false,
      threads: 2,
      gpus: [],
      kind: 'NETWORK',
      set,
      feedback: SeenPairs.from([]).columns,
      ratings: [],
      preset: 'paper',
      recipe: 'relevanceGap',
      backbone: null,
      processes: 1,
      seconds: 600,
      steps: STEPS,
      seed: 1,
      checkpointSeconds: 0,
      checkpoint: null,
    };
    const first = await trained(request, 'checkpoint');
    const second = await trained({ ...request, checkpoint: first.checkpoint, checkpointSeconds: 600 }, 'end');
    return [
      { what: 'first step and checkpoint', ...told(first), checkpoint: `${mib(first.checkpoint?.length ?? 0)} MiB` },
      { what: 'checkpoint restored, second step, model', ...told(second), checkpoint: '' },
    ];
  } finally {
    await dir.remove();
  }
}

type Trained = { seconds: number; peakBytes: number; engine: string; checkpoint: Uint8Array | null; loss: number };

/** @param until the training ends by itself, or its process is killed when it has given a checkpoint. */
async function trained(request: TrainingRequest, until: 'checkpoint' | 'end'): Promise<Trained> {
  const url = new URL('../workers/training/engine-host.ts', import.meta.url);
  const host = openHost<EngineHostApi>(url, { label: 'the trainer', nice: 0 });
  const seen: Trained = { seconds: 0, peakBytes: 0, engine: '', checkpoint: null, loss: Number.NaN };
  const started = performance.now();
  const stop = new AbortController();
  const onEvent = (data: unknown) => {
    const event = data as TrainingEvent;
    if (event.type === 'progress' && event.engine) seen.engine = event.engine;
    if (event.type === 'loss') seen.loss = event.loss;
    if (event.type === 'checkpoint') seen.checkpoint = event.state;
    seen.peakBytes = Math.max(seen.peakBytes, peakOf(host.pid));
    if (event.type === 'checkpoint' && until === 'checkpoint') stop.abort();
  };
  await host.call('train', request, { signal: stop.signal, onEvent }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  seen.seconds = (performance.now() - started) / 1000;
  await host.close();
  return seen;
}

/** Largest resident memory of a process so far, bytes; 0 when it is gone or this is no Linux. */
export function peakOf(pid: number | undefined): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
const told = ({ seconds, peakBytes, engine, loss }: Trained) => ({
  seconds: Number(seconds.toFixed(1)),
  peakMemory: `${mib(peakBytes)} MiB`,
  loss: Number(loss.toFixed(4)),
  engine,
});
