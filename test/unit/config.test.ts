import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configReference, loadConfig } from '../../src/config.ts';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const cells = (row: string): string[] => row.split('|').map((cell) => cell.trim().replaceAll('`', ''));

test('docs/configuration.md lists every variable with its meaning and its default, and no other', () => {
  const defaults = loadConfig({}) as Record<string, unknown>;
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+`/.test(line));
  const expected = configReference.map(({ name, meaning }) => {
    const value = defaults[name];
    return [name, meaning, value === undefined || Array.isArray(value) ? '' : String(value)];
  });
  expect(rows.map((row) => cells(row).slice(1, 4))).toEqual(expected);
});

test('a bad environment is refused at once, every variable by name', () => {
  const bad = { PORT: '70000', DATABASE_URL: 'mysql://x', SIMILI_ADMIN_KEY: 'short' };
  for (const name of Object.keys(bad)) expect(() => loadConfig(bad)).toThrow(name);
});
