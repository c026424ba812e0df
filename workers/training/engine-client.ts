import { availableParallelism } from 'node:os';
import type { Config } from 'simili/internal/config';
import { SimiliError } from 'simili/internal/errors';
import { isTimeout } from '../hosts/options.ts';
import { openHost } from '../hosts/rpc.ts';
import type {
  Computing,
  DistilRequest,
  DistilResult,
  EmbedRequest,
  EmbedResult,
  EncodeRequest,
  EncodeResult,
  EngineChoice,
  EngineHostApi,
  RoundRequest,
  RoundResult,
  TrainingEvent,
  TrainingRequest,
  TrainingResult,
} from './protocol.ts';

/** A worker's request; how it is computed is this machine's configuration. */
export type Asked<Request> = Omit<Request, keyof Computing>;
type OnEvent = (event: TrainingEvent) => Promise<void>;

/** A worker's view of its engine process. Starts it with the first call, again after a crash. */
export type EngineHost = {
  train(request: Asked<TrainingRequest>, signal: AbortSignal, onEvent: OnEvent): Promise<TrainingResult>;
  embed(
    request: Pick<EmbedRequest, 'pictures' | 'counts' | 'checksum' | 'pixels' | 'encoded'> & { path: string },
    signal: AbortSignal,
  ): Promise<EmbedResult>;
  encode(request: Omit<EncodeRequest, 'threads'>, signal: AbortSignal): Promise<EncodeResult>;
  distil(request: Asked<DistilRequest>, signal: AbortSignal, onEvent: OnEvent): Promise<DistilResult>;
  /** See workers/training/rounds.ts. */
  beginRounds(
    request: Asked<TrainingRequest>,
    signal: AbortSignal,
    onEvent: OnEvent,
  ): Promise<{ state: Uint8Array; plannedSteps: number }>;
  round(
    request: Omit<RoundRequest, 'request'> & { request: Asked<TrainingRequest> },
    signal: AbortSignal,
    onEvent: OnEvent,
  ): Promise<RoundResult>;
  finishRounds(
    request: { request: Asked<TrainingRequest>; state: Uint8Array },
    signal: AbortSignal,
    onEvent: OnEvent,
  ): Promise<TrainingResult>;
  close(): Promise<void>;
};

type EngineConfig = Pick<
  Config,
  'SIMILI_ENGINE' | 'SIMILI_REQUIRE_GPU' | 'SIMILI_THREADS' | 'SIMILI_TRAIN_PROCESSES' | 'SIMILI_GPUS'
>;

/** Longest work for the pictures of one call, ms: a network that never ends must not hold up all others. */
const ENCODE_MS = 600_000;

const source = import.meta.url.endsWith('.ts') ? './engine-host.ts' : './engine-host.js';

/**
 * `label` is what logs call it. Niced: whoever asks the API goes first. A process remembers probes and modules that could
 * not be loaded, so one without an engine is ended: what was missing for a moment must not be so until a restart.
 */
export function openEngineHost(
  label: string,
  config: EngineConfig,
  url: URL = new URL(source, import.meta.url),
  encodeMs: number = ENCODE_MS,
): EngineHost {
  const host = openHost<EngineHostApi>(url, { label, nice: 10, endsAfter: ['ENGINE_UNAVAILABLE'] });
  const choice: EngineChoice = {
    engine: config.SIMILI_ENGINE,
    requireGpu: config.SIMILI_REQUIRE_GPU,
    threads: config.SIMILI_THREADS,
    gpus: config.SIMILI_GPUS,
  };
  const computing: Computing = { ...choice, processes: processesFor(config) };
  const told = async <M extends 'train' | 'distil' | 'beginRounds' | 'round' | 'finishRounds'>(
    method: M,
    args: Parameters<EngineHostApi[M]>[0],
    signal: AbortSignal,
    onEvent: OnEvent,
  ): Promise<Awaited<ReturnType<EngineHostApi[M]>>> => {
    const events = inOrder(onEvent);
    const result = await host.call(method, args, { signal, onEvent: (data) => events.push(data as TrainingEvent) });
    await events.settled();
    return result;
  };
  return {
    train: (request, signal, onEvent) => told('train', { ...request, ...computing }, signal, onEvent),
    embed: ({ path, ...request }, signal) =>
      host.call('embed', { ...request, artefactPath: path, ...choice }, { signal }),
    encode: (request, signal) =>
      host
        .call('encode', { ...request, threads: choice.threads }, { signal, timeoutMs: encodeMs })
        .catch((error: unknown) => {
          if (!isTimeout(error)) throw error;
          const why = `${request.pictures.length} pictures took more than ${encodeMs / 1000} s`;
          throw new SimiliError('MODEL_TOO_COSTLY', { source: `the encoder ${request.encoder.facts.id}`, why });
        }),
    distil: (request, signal, onEvent) => told('distil', { ...request, ...computing }, signal, onEvent),
    beginRounds: (request, signal, onEvent) => told('beginRounds', { ...request, ...computing }, signal, onEvent),
    round: ({ request, ...round }, signal, onEvent) =>
      told('round', { ...round, request: { ...request, ...computing } }, signal, onEvent),
    finishRounds: ({ request, state }, signal, onEvent) =>
      told('finishRounds', { state, request: { ...request, ...computing } }, signal, onEvent),
    close: () => host.close(),
  };
}

/** One core stays free for whoever asks the API, or for the worker's own work. */
function processesFor({
  SIMILI_TRAIN_PROCESSES: asked,
  SIMILI_GPUS: gpus,
  SIMILI_THREADS: threads,
}: EngineConfig): number {
  if (asked > 0) return asked;
  if (gpus.length > 0) return gpus.length;
  return Math.max(1, Math.floor((availableParallelism() - 1) / threads));
}

/** One event after the other: a checkpoint is stored before a later one overtakes it. The first failure is kept for `settled`. */
function inOrder<Event>(handle: (event: Event) => Promise<void>) {
  let last: Promise<void> = Promise.resolve();
  return {
    push(event: Event): void {
      last = last.then(() => handle(event));
      last.catch(() => {}); // told by settled()
    },
    settled: () => last,
  };
}
