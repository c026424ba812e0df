import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'dist.tests');
const stamp = join(folder, '.built');

/** Absolute path of a module of ours, compiled: `cli/main` gives that of cli/main.js. */
export const builtFile = (module: string): string => join(folder, `${module}.js`);

/**
 * Compiles src, workers and cli for the processes that tests start, unless that was done since the last change, by a test
 * or by the build. They then start as a user's do, and each a second of CPU sooner than from the sources. Types are not
 * checked here.
 */
export function buildForTests(): void {
  const changed = Math.max(...['src', 'workers', 'cli'].map((name) => newestIn(join(root, name))));
  if (modifiedAt(stamp) > changed) return;
  const since = new Date();
  rmSync(folder, { recursive: true, force: true });
  const dist = join(root, 'dist');
  if (modifiedAt(join(dist, 'cli', 'main.js')) > changed) cpSync(dist, folder, { recursive: true });
  else compile();
  writeFileSync(stamp, since.toISOString());
}

function compile(): void {
  mkdirSync(folder);
  const how = ['-p', 'tsconfig.build.json', '--outDir', folder, '--noCheck', '--declaration', 'false'];
  const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', ...how], {
    ...{ cwd: root, encoding: 'utf8' },
  });
  if (status !== 0) throw new Error(`Cannot compile for the tests:\n${stdout}`);
}

function newestIn(dir: string): number {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return Math.max(...entries.map((entry) => modifiedAt(join(entry.parentPath, entry.name))));
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
