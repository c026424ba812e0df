import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folders = [
  'src',
  'learning',
  'workers',
  'lab',
  'client',
  'hooks',
  'cli',
  'bench',
  'test',
  'scripts',
  'examples',
  'demo',
  'onnxruntime',
  'web',
];
const sources = folders
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs|js)$/.test(file) && !/(^|\/)(generated|node_modules|dist)\//.test(file))
      .map((file) => join(folder, file)),
  );

/** Places in the sources, as file:line. */
const placesOf = (pattern: RegExp) =>
  sources.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...text.matchAll(pattern)].map(({ index }) => `${file}:${text.slice(0, index).split('\n').length}`);
  });

test('a doc comment says its subject: none begins with "Of" or "What"', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(placesOf(/\/\*\*\s+(\*\s+)?(Of|What)\b/g)).toEqual([]);
});

test('a doc comment stands before the field that it describes, not behind the one before it', () => {
  expect(placesOf(/\S[ \t]+\/\*\*(?! @)[^\n*]*\*\/;/g)).toEqual([]);
});
