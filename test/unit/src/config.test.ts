import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configReference, loadConfig } from '../../../src/config.ts';
import { type ActionValues, valuesText } from '../../../src/feedback-worth.ts';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const cells = (row: string): string[] => row.split('|').map((cell) => cell.trim().replaceAll('`', ''));

test('docs/configuration.md lists every variable with its meaning and its default, and no other', () => {
  const defaults = loadConfig({}) as Record<string, unknown>;
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+`/.test(line));
  const expected = configReference.map(({ name, meaning }) => {
    const value = name === 'SIMILI_ACTION_VALUES' ? valuesText(defaults[name] as ActionValues) : defaults[name];
    return [name, meaning, value === undefined || Array.isArray(value) ? '' : String(value)];
  });
  expect(rows.map((row) => cells(row).slice(1, 4))).toEqual(expected);
});

test('a bad environment is refused at once, every variable by name', () => {
  const bad = { PORT: '70000', DATABASE_URL: 'mysql://x', SIMILI_ADMIN_KEY: 'short' };
  for (const name of Object.keys(bad)) expect(() => loadConfig(bad)).toThrow(name);
});

test('a schedule is a cron expression, and what is none is told with its reason', () => {
  expect(loadConfig({ SIMILI_RETRAIN_SCHEDULE: '0 3 * * 1' }).SIMILI_RETRAIN_SCHEDULE).toBe('0 3 * * 1');
  expect(loadConfig({}).SIMILI_RETRAIN_SCHEDULE).toBeUndefined();
  expect(() => loadConfig({ SIMILI_RETRAIN_SCHEDULE: 'every day' })).toThrow(
    expect.objectContaining({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(/is no cron expression: .*\n.*SIMILI_RETRAIN_SCHEDULE/),
    }),
  );
});
