import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Times of day: of files, and of an HTTP date. */
const OF_THE_DAY = [
  'src/catalog/picture-copies.ts',
  'workers/evidence/feature-files.ts',
  'workers/pictures/asked-pictures.ts',
  'workers/pictures/host-gate.ts',
];

const files = ['src', 'workers', 'learning', 'cli', 'lab'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ts$/.test(file) && !/node_modules|^generated/.test(file))
    .map((file) => `${folder}/${file}`),
);

// A clock that is set back would stretch a rest by as much. performance.now() never is.
test('how long ago something was is not told by the time of day', () => {
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => /\bDate\.now\b/.test(readFileSync(file, 'utf8'))).sort()).toEqual(OF_THE_DAY);
});
