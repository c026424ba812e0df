import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** A checkout whose compiler looks whether dist/ is there while it works, and ends with the status given. */
function checkout(status: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'simili-build-'));
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'running.js'), 'old');
  const bin = join(folder, 'node_modules', 'typescript', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, 'tsc'),
    // Appended: the other compiler of the same build may be ended at any moment, and what it truncated would stay empty.
    `const fs = require('node:fs');
fs.appendFileSync('seen', fs.existsSync('dist/running.js') ? 'whole ' : 'gone ');
fs.mkdirSync('dist.next', { recursive: true });
process.exit(${status});`,
  );
  // What runs beside the compilers, until one of them fails.
  const tsx = join(folder, 'node_modules', 'tsx');
  mkdirSync(tsx);
  writeFileSync(join(tsx, 'package.json'), '{ "main": "index.mjs" }');
  writeFileSync(join(tsx, 'index.mjs'), 'await new Promise((resolve) => setTimeout(resolve, 600_000));');
  return folder;
}

test('While a build compiles, and after one that failed, a server that runs from dist/ finds its files', () => {
  const folder = checkout(2);
  const { status } = spawnSync(process.execPath, [resolve('scripts/build.mjs')], { cwd: folder });
  expect(status).toBe(2);
  expect(readFileSync(join(folder, 'seen'), 'utf8')).toMatch(/^(whole )+$/);
  expect(readdirSync(folder).sort()).toEqual(['dist', 'node_modules', 'seen']);
});
