import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'cli', 'learning', 'workers', 'lab', 'client', 'hooks'];
/** Whose compiled files lie in the dist/ of the root. */
const OF_ROOT = ['src', 'cli'];

/** Absolute path of a module of ours, compiled: `cli/main` gives that of dist/cli/main.js. */
export function builtFile(module: string): string {
  const [folder = '', ...rest] = module.split('/');
  return OF_ROOT.includes(folder)
    ? join(root, 'dist', `${module}.js`)
    : join(root, folder, 'dist', `${rest.join('/')}.js`);
}

/**
 * Builds for the processes that tests start, unless that was done since the last change. They then start as a user's do, and
 * each a second of CPU sooner than from the sources. Types are not checked here.
 */
export function buildForTests(): void {
  const changed = Math.max(...SOURCES.map((name) => newestIn(join(root, name))));
  if (modifiedAt(join(root, 'dist', 'built')) > changed) return;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Cannot build for the tests:\n${stdout}${stderr}`);
}

/** When the newest TypeScript file below a folder was changed, in milliseconds. */
function newestIn(dir: string): number {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const sources = entries.filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
  return Math.max(...sources.map((entry) => modifiedAt(join(entry.parentPath, entry.name))));
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
