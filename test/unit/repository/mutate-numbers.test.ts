import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutations } from '../../../scripts/mutate-numbers.mjs';

const inRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

test('every number that scripts/mutate-numbers.mjs changes stands where it says, and so do the tests that guard it', () => {
  for (const { name, file, from, to, tests } of mutations) {
    expect(readFileSync(inRoot(file), 'utf8'), name).toContain(from);
    expect(from, name).not.toBe(to);
    for (const path of tests.filter((each) => each.endsWith('.ts'))) expect(existsSync(inRoot(path)), path).toBe(true);
  }
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
