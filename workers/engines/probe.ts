import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type EngineId, engines } from './engines.ts';
import type { Speed } from './probe-speed.ts';

/** Outcome of trying an engine on this machine. */
export type Probe =
  | {
      readonly works: true;
      readonly device: string;
      readonly onGpu: boolean;
      /** Where it was asked for. */
      readonly speed: Speed | null;
    }
  | {
      readonly works: false;
      /** A few words for a person. */
      readonly why: string;
    };

/** The first use of CUDA may compile kernels for a GPU newer than the library, and of WebGPU its shaders. Milliseconds. */
const PATIENCE_MS = 180_000;

const known = new Map<EngineId, Promise<Probe>>();

/**
 * Tries an engine in a process of its own, with one tiny step of training whose loss is checked: a driver that crashes
 * costs one line. Once in this process; the answer is kept. Never rejects.
 */
export function probe(id: EngineId): Promise<Probe> {
  const found = known.get(id) ?? tryOut(id);
  known.set(id, found);
  return found;
}

/** The same afresh, with a few seconds of training and embedding. */
export const probeSpeed = (id: EngineId, threads: number): Promise<Probe> => tryOut(id, threads);

/** @param name an engine's id, or a file that exports an `open` */
export async function tryOut(name: EngineId | (string & {}), threads?: number): Promise<Probe> {
  const absent = engines[name as EngineId]?.absent?.();
  if (absent) return { works: false, why: absent };
  const isSource = import.meta.url.endsWith('.ts');
  const args = threads === undefined ? [name] : [name, String(threads)];
  const child = fork(new URL(isSource ? './probe-child.ts' : './probe-child.js', import.meta.url), args, {
    execArgv: isSource ? ['--import', 'tsx'] : [],
    stdio: 'ignore',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  let answer: Probe | undefined;
  child.on('message', (message) => {
    answer = message as Probe;
  });
  const [code, signal] = await once(child, 'exit');
  return answer ?? { works: false, why: `ends its process (${signal ?? `exit code ${code}`})` };
}
