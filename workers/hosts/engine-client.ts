import type { Config } from '../../src/config.ts';
import type {
  EmbedRequest,
  EmbedResult,
  EngineChoice,
  EngineHostApi,
  TrainingEvent,
  TrainingRequest,
  TrainingResult,
} from '../training/protocol.ts';
import { openHost } from './rpc.ts';

/** A worker's view of its engine process. Starts it with the first call, again after a crash. */
export type EngineHost = {
  train(
    request: Omit<TrainingRequest, keyof EngineChoice>,
    signal: AbortSignal,
    onEvent: (event: TrainingEvent) => Promise<void>,
  ): Promise<TrainingResult>;
  embed(
    request: Pick<EmbedRequest, 'pictures' | 'checksum'> & { path: string },
    signal: AbortSignal,
  ): Promise<EmbedResult>;
  close(): Promise<void>;
};

type EngineConfig = Pick<Config, 'SIMILI_ENGINE' | 'SIMILI_REQUIRE_GPU' | 'SIMILI_THREADS'>;

/** `label` is what logs call it. Niced: whoever asks the API goes first. */
export function openEngineHost(label: string, config: EngineConfig): EngineHost {
  const source = import.meta.url.endsWith('.ts') ? './engine-host.ts' : './engine-host.js';
  const host = openHost<EngineHostApi>(new URL(source, import.meta.url), { label, nice: 10 });
  const choice: EngineChoice = {
    engine: config.SIMILI_ENGINE,
    requireGpu: config.SIMILI_REQUIRE_GPU,
    threads: config.SIMILI_THREADS,
  };
  return {
    async train(request, signal, onEvent) {
      const events = inOrder(onEvent);
      const result = await host.call(
        'train',
        { ...request, ...choice },
        { signal, onEvent: (data) => events.push(data as TrainingEvent) },
      );
      await events.settled();
      return result;
    },
    embed({ path, ...request }, signal) {
      return host.call('embed', { ...request, artefactPath: path, ...choice }, { signal });
    },
    close: () => host.close(),
  };
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
