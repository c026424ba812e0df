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

test.each([
  ['PORT', 'abc', 'PORT (given: "abc"): must be a number'],
  ['PORT', '70000', 'PORT (given: "70000"): must be at most 65535'],
  ['PORT', '1.5', 'PORT (given: "1.5"): must be a whole number'],
  ['SIMILI_THREADS', '0', 'SIMILI_THREADS (given: "0"): must be at least 1'],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL (given: "loud"): must be one of fatal, error, warn, info, debug, trace, silent'],
  ['SIMILI_BACKGROUND', 'blue', 'SIMILI_BACKGROUND (given: "blue"): must be a colour like #ffffff'],
])('%s=%s is told with what was given and what is wanted', (name, value, sentence) => {
  expect(() => loadConfig({ [name]: value })).toThrow(`Bad configuration\n✖ ${sentence}`);
});

test('no key is shown, and no address, which may hold a password', () => {
  const bad = {
    SIMILI_ADMIN_KEY: 'hunter2',
    SIMILI_SIGNING_KEY: 'hunter2',
    DATABASE_URL: 'mysql://u:hunter2@h/x',
    REDIS_URL: 'http://:hunter2@h',
  };
  const told = expect.objectContaining({ message: expect.not.stringContaining('hunter2') });
  expect(() => loadConfig(bad)).toThrow(told);
  expect(() => loadConfig(bad)).toThrow('SIMILI_ADMIN_KEY: must be at least 16 characters');
  const names = configReference.map(({ name }) => name).filter((name) => /KEY$|URL$|SECRET|PASSWORD|TOKEN/.test(name));
  expect(names.sort()).toEqual(Object.keys(bad).sort()); // another one must be hidden too
});

test('a schedule is a cron expression, and what is none is told with its reason', () => {
  expect(loadConfig({ SIMILI_RETRAIN_SCHEDULE: '0 3 * * 1' }).SIMILI_RETRAIN_SCHEDULE).toBe('0 3 * * 1');
  expect(loadConfig({}).SIMILI_RETRAIN_SCHEDULE).toBeUndefined();
  expect(() => loadConfig({ SIMILI_RETRAIN_SCHEDULE: 'every day' })).toThrow(
    expect.objectContaining({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(/SIMILI_RETRAIN_SCHEDULE .*: is no cron expression: /),
    }),
  );
});
