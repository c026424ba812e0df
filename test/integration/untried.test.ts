import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { chromiumPath, services } from '../support/services.ts';
import { untried } from '../support/untried.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One file of this suite, run as somebody does who has Node and npm alone. */
function runWithoutServices(file: string, env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const { DATABASE_URL: _d, REDIS_URL: _r, SIMILI_TEST_REQUIRE: _s, ...inherited } = process.env;
  const clean = Object.entries(inherited).filter(([name]) => !name.startsWith('VITEST'));
  const options = { cwd: root, env: { ...Object.fromEntries(clean), CHROMIUM_PATH: '', NO_COLOR: '1', ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', file], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

describe('a run without services', () => {
  test('passes, and its last lines name what was not tried for want of which service and how to have it', async () => {
    const { code, output } = await runWithoutServices('test/e2e/distributed.test.ts');
    expect(code, output).toBe(0);
    expect(output).toContain('2 skipped');
    expect(output.trimEnd().split('\n').slice(-8)).toEqual([
      'Not tried here:',
      '  no postgres: 2 tests in test/e2e/distributed.test.ts',
      expect.stringMatching(/^ {4}To try them set DATABASE_URL/),
      '  no redis: 1 test in test/e2e/distributed.test.ts',
      expect.stringMatching(/^ {4}To try them set REDIS_URL/),
      '  no long-tests: 2 tests in test/e2e/distributed.test.ts',
      expect.stringMatching(/^ {4}To try them set SIMILI_TEST_LONG/),
      expect.stringContaining('scripts/services.sh start'),
    ]);
  });

  test('fails, by name, where SIMILI_TEST_REQUIRE asks for a service', async () => {
    const { code, output } = await runWithoutServices('test/integration/redis.test.ts', {
      SIMILI_TEST_REQUIRE: 'redis',
    });
    expect(code).toBe(1);
    expect(output).toContain('redis is required and not given: set REDIS_URL');
  });
});

test('what was skipped for another reason, or for a service that is there, is not told as missing', () => {
  const given = services().map((service) => ({ ...service, address: 'somewhere' }));
  expect(untried([{ file: 'a.test.ts', tags: ['redis'] }], given)).toEqual([]);
  const none = given.map((service) => ({ ...service, address: undefined }));
  expect(untried([{ file: 'a.test.ts', tags: [] }], none)).toEqual([]);
});

test('of encoders that are not made no script of services is told', () => {
  const lines = untried(
    [{ file: 'a.test.ts', tags: ['encoders'] }],
    services().map((service) => ({ ...service, address: undefined })),
  );
  expect(lines).toEqual([
    'Not tried here:',
    '  no encoders: 1 test in a.test.ts',
    expect.stringContaining('scripts/pretrained.sh'),
  ]);
});

test('a file that asks whether a service is given, to define no test without it, fails instead', async () => {
  const before = process.env.CHROMIUM_PATH;
  process.env.CHROMIUM_PATH = '';
  try {
    expect(chromiumPath).toThrow("give the test { tags: ['chromium'] }");
  } finally {
    if (before === undefined) delete process.env.CHROMIUM_PATH;
    else process.env.CHROMIUM_PATH = before;
  }
});
