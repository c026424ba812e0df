import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';

/** Folders of the tests of one unit each, as paths of the source. */
const folders = ['test/unit', 'test/property'].flatMap((dir) =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map(dirname),
);

test('a unit test stands where its unit stands; those of the repository itself stand together', () => {
  expect(folders.length).toBeGreaterThan(140);
  const strays = new Set(folders.filter((folder) => folder !== 'repository' && !existsSync(folder)));
  expect([...strays]).toEqual([]);
  expect(folders).not.toContain('.');
});
