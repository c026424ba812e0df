import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Those of vitest.config.ts that have a process of their own. */
const OWN = ['test/unit/workers/pictures/', 'test/integration/demo-catalog.test.ts'];

test('no test that shares its process loads the decoder, which blocks parsers for all of it (vitest.config.ts)', () => {
  const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => `test/${file}`);
  const files = all.filter((file) => file.endsWith('.test.ts') && !OWN.some((own) => file.startsWith(own)));
  expect(files.length).toBeGreaterThan(230);
  expect(files.filter((file) => /from '.*pictures\/decode\.ts'/.test(readFileSync(file, 'utf8')))).toEqual([]);
});
