import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** How often a child is looked at. Milliseconds. */
const LOOK_MS = 50;
/** Share of the bound past which a child is ended: before the system gives it nothing more. */
const WATCHED = 7 / 8;

export type Program = { execPath: string; execArgv: string[] };

/**
 * Node with a bound on what it may allocate, kept by the system: a child that is quicker than the watch fails in its
 * own allocation. The limit is that of data (RLIMIT_DATA), not of addresses: V8 and WebAssembly reserve gigabytes of
 * those and use none. It counts no code (about 45 MB) and stacks that are not used (about 80 MB), so what is resident
 * stays below it. Where it does not exist the watch is alone; a cgroup would do the same, but is seldom ours to make.
 */
export function boundedProgram(execArgv: string[], maxMemoryMb: number | undefined): Program {
  if (maxMemoryMb === undefined || process.platform !== 'linux') return { execPath: process.execPath, execArgv };
  const limit = `ulimit -d ${Math.floor(maxMemoryMb * 1024)} 2>/dev/null; exec "$0" "$@"`;
  return { execPath: '/bin/sh', execArgv: ['-c', limit, process.execPath, ...execArgv] };
}

/**
 * Calls `onExceeded` once, when the process holds about as much as it may.
 * @param maxMemoryMb MiB of resident memory.
 * @returns ends the watch.
 */
export function watchMemory(pid: number, maxMemoryMb: number, onExceeded: () => void): () => void {
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    const held = await residentMb(pid);
    looking = false;
    if (held <= WATCHED * maxMemoryMb) return;
    clearInterval(timer);
    onExceeded();
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** MiB of a process; 0 when it is gone, or on Windows, which has neither source. */
export async function residentMb(pid: number): Promise<number> {
  if (process.platform === 'win32') return 0;
  try {
    const kb =
      process.platform === 'linux'
        ? /VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
        : await residentByPs(pid);
    return Number(kb ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const residentByPs = (pid: number): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], (error, output) => (error ? reject(error) : resolve(output))),
  );
