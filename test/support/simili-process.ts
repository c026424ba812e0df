import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFailed, TestRunner } from 'vitest';
import { builtFile } from './built.ts';
import { quickWasm } from './quick-wasm.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type SimiliProcess = {
  url: string;
  adminKey: string | null;
  pid: number;
  output(): string;
  /** The process and, with it, its children end as in a power cut. */
  kill(): Promise<void>;
  stop(): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

const STARTED = /Open http|Listening on/;

/** Runs `simili <args>`, compiled as a user's is, and waits until it says that it is up. */
export async function startSimili(
  args: string[],
  env: Record<string, string>,
  started = STARTED,
): Promise<SimiliProcess> {
  const child = spawnSimili(args, env);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const tell = () => console.error(`simili ${args.join(' ')}, ${child.exitCode ?? child.signalCode}:\n${output}`);
  if (TestRunner.getCurrentTest()) onTestFailed(tell); // in a hook there is no test yet that could fail
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  await waitFor(
    child,
    () => started.exec(output),
    () => output,
  ).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  const url = (/(?:API at|Listening on) (\S+)/.exec(output)?.[1] ?? '').replace(/\/$/, '');
  return {
    url,
    kill,
    pid: child.pid ?? 0,
    output: () => output,
    adminKey: /shown this once: (\S+)/.exec(output)?.[1] ?? null,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      return (await gone)[0] as number | null;
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** Runs a command to its end. */
export async function runSimili(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawnSimili(args, env);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** The same, not waited for. */
export function spawnSimili(args: string[], env: Record<string, string>): ChildProcess {
  const { DATABASE_URL: _d, REDIS_URL: _r, SIMILI_DATA_DIR: _s, ...inherited } = process.env;
  return spawn(process.execPath, [...quickWasm, builtFile('cli/main'), ...args], {
    cwd: root,
    env: {
      ...inherited,
      NODE_ENV: 'production',
      PORT: '0',
      SIMILI_DRAIN_SECONDS: '0',
      ...env,
    } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function waitFor<T>(child: ChildProcess, read: () => T | null, output: () => string, seconds = 300): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    const value = read();
    if (value !== null) return value;
    if (child.exitCode !== null) throw new Error(`simili ended with ${child.exitCode}:\n${output()}`);
    if (Date.now() > end) throw new Error(`simili did not start in ${seconds} s:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
