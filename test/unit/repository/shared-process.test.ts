import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('no test that shares its process loads the decoder, which blocks parsers for all of it (vitest.config.ts)', () => {
  const all = ['test/unit', 'test/property'].flatMap((dir) =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((file) => `${dir}/${file}`),
  );
  const files = all.filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/unit/workers/pictures/'));
  expect(files.length).toBeGreaterThan(80);
  expect(files.filter((file) => /from '.*pictures\/decode\.ts'/.test(readFileSync(file, 'utf8')))).toEqual([]);
});
