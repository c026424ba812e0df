import { execFileSync } from 'node:child_process';
import { defineCommand } from 'citty';
import { expect, test } from 'vitest';
import { completionOf } from '../../../cli/completion.ts';
import type { Entries } from '../../../cli/dispatch.ts';

const load = defineCommand({
  args: {
    source: { type: 'positional', description: 'File', required: true },
    demo: { type: 'boolean', default: true },
    'dry-run': { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const missing = Object.assign(new Error("Cannot find package '@simili/lab'"), { code: 'ERR_MODULE_NOT_FOUND' });
const commands: Entries = {
  load: { about: 'Loads', load: async () => load },
  model: {
    about: 'Models',
    commands: {
      load: { about: 'Loads', load: async () => load },
      list: { about: 'Lists', load: async () => defineCommand({}) },
    },
  },
  evaluate: { about: 'Measures', load: () => Promise.reject(missing) },
};

/** Completions that bash gives behind these words, the last of which is being typed. */
function completed(script: string, words: readonly string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const run = `${script}\nCOMP_WORDS=(simili ${quoted}); COMP_CWORD=${words.length}; _simili; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', run], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

test('bash completes commands, commands of commands, and the options that a command has', async () => {
  const script = await completionOf(commands);
  expect(completed(script, [''])).toEqual(['load', 'model', 'evaluate', '--help']);
  expect(completed(script, ['lo'])).toEqual(['load']);
  expect(completed(script, ['load', '--'])).toEqual(['--no-demo', '--dry-run', '--out', '--help']);
  expect(completed(script, ['load', 'a b.csv', '--d'])).toEqual(['--dry-run']);
  expect(completed(script, ['model', ''])).toEqual(['load', 'list', '--help']);
  expect(completed(script, ['model', 'load', '--n'])).toEqual(['--no-demo']);
  expect(completed(script, ['load', 'load', '--n'])).toEqual(['--no-demo']);
  expect(completed(script, ['evaluate', ''])).toEqual([]);
  expect(completed(script, ['load', 'pictures/'])).toEqual([]); // files are bash's own
});
