import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';

export const KEY = 'the-key-of-the-benchmark';

/** `npm start` on a data directory of its own. */
export const startDemo = (dataDir: string, settings: Record<string, string> = {}) =>
  startCommand(['start'], /API at (\S+)/, { SIMILI_DATA_DIR: dataDir, ...settings });

/**
 * A command, as it was built (`npm ci` builds), once it says that it is up.
 * @param ready what it says then, and the address where it has one
 */
export async function startCommand(args: readonly string[], ready: RegExp, settings: Record<string, string>) {
  const since = performance.now();
  const child = spawnCommand(args, settings);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const said = await until(async () => {
    const found = ready.exec(output);
    if (!found && child.exitCode !== null) throw new Error(`simili ${args.join(' ')} ended with ${child.exitCode}`);
    return found;
  }, 60);
  return {
    url: (said[1] ?? '').replace(/\/$/, ''),
    pid: child.pid!,
    /** Seconds since the process was started. */
    elapsed: () => (performance.now() - since) / 1000,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    /** Ends it as a power cut does. */
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A command to its end. @throws Error when it fails */
export async function runCommand(args: readonly string[], settings: Record<string, string>): Promise<void> {
  const child = spawnCommand(args, settings);
  child.stdout.resume();
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`simili ${args.join(' ')} ended with ${code}`);
}

const spawnCommand = (args: readonly string[], settings: Record<string, string>) =>
  spawn(process.execPath, ['dist/cli/main.js', ...args], {
    env: { PATH: process.env.PATH, PORT: '0', SIMILI_DRAIN_SECONDS: '0', SIMILI_ADMIN_KEY: KEY, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

export async function temporaryDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'simili-bench-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field
export async function ask(url: string, query: string, key?: string): Promise<any> {
  const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: { message: string }[] };
  if (errors) throw new Error(errors[0]?.message);
  return data;
}

export const answered = (url: string, kind?: string) =>
  until(async () => {
    const { similarItems } = await ask(`${url}/graphql`, '{ similarItems(id: "pizza") { status modelVersionId } }');
    if (similarItems?.status !== 'OK') return null;
    if (!kind) return similarItems;
    const { activeModel } = await ask(`${url}/admin/graphql`, '{ activeModel { kind } }', KEY);
    return activeModel?.kind === kind && similarItems;
  }, 600);

/** The time that a share (0 to 1) of them are under. */
export const percentile = (times: readonly number[], share: number): number =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
