import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { compilerFlags } from './compiler-flags.ts';
import type { HostOptions } from './options.ts';

const STDERR_LINES = 8;

export function forkProcess(url: URL, { nice = 10, maxOldSpaceMb, env }: HostOptions): ChildProcess {
  const flags = [
    ...compilerFlags,
    ...(url.pathname.endsWith('.ts') ? ['--import', 'tsx'] : []),
    ...(maxOldSpaceMb === undefined ? [] : [`--max-old-space-size=${maxOldSpaceMb}`]),
  ];
  const child = fork(url, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: flags,
    ...(env && { env }),
  });
  try {
    // At once: on Linux niceness belongs to a thread, and the child's other threads inherit it when they start.
    if (child.pid !== undefined) setPriority(child.pid, nice);
  } catch {
    // The child is gone already, which is reported elsewhere, or this system forbids it: it runs as any process then.
  }
  return child;
}

/** Collects the end of what the child writes to stderr. @returns it on one line, once it has all been read. */
export function collectLastWords({ stderr }: ChildProcess): () => Promise<string> {
  let tail = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-4000);
  });
  return async () => {
    // The limit: a grandchild may hold the pipe open.
    if (stderr && !stderr.closed) await once(stderr, 'close', { signal: AbortSignal.timeout(200) }).catch(() => {});
    return tail
      .trim()
      .split('\n')
      .slice(-STDERR_LINES)
      .map((line) => line.trim())
      .join(' | ');
  };
}
