import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** How often a child is looked at. Milliseconds. */
const LOOK_MS = 50;
/** Share of the bound past which a child is ended: before the system gives it nothing more. */
const WATCHED = 7 / 8;

/**
 * Bounds what a process that is up may still allocate, by the system: one that is quicker than the watch fails in its own
 * allocation. The limit is that of data (RLIMIT_DATA), not of addresses: V8 and WebAssembly reserve gigabytes of those
 * and use none. Some of V8's data is mapped and not used, too (512 MiB for machine code in Node 24): so what counts is
 * what comes from now on. Where there is no `prlimit` the watch is alone; a cgroup is seldom ours to make.
 * @param maxMemoryMb MiB that may become resident, with what is so already.
 */
export async function limitData(pid: number, maxMemoryMb: number): Promise<void> {
  if (process.platform !== 'linux') return;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kbOf = (name: string) => Number(new RegExp(`${name}:\\s*(\\d+)`).exec(status)?.[1] ?? 0);
  const kb = kbOf('VmData') + maxMemoryMb * 1024 - kbOf('VmRSS');
  await new Promise<void>((resolve) =>
    execFile('prlimit', ['--pid', String(pid), `--data=${Math.floor(kb) * 1024}`], () => resolve()),
  );
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
