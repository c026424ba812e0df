import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Those of vitest.config.ts that have a process of their own. */
const OWN = [
  'test/unit/workers/hosts/',
  'test/unit/workers/pictures/',
  'test/property/src/graphql/',
  ...['demo-catalog', 'open-engine', 'tensorflow'].map((name) => `test/integration/${name}.test.ts`),
  'test/unit/src/db/remembered-filters.test.ts',
  'test/unit/src/http/kept-documents.test.ts',
  'test/unit/repository/shared-process.test.ts', // names what the others may not
];

const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => `test/${file}`);
const files = all.filter((file) => file.endsWith('.test.ts') && !OWN.some((own) => file.startsWith(own)));
const thatSay = (words: RegExp) => files.filter((file) => words.test(readFileSync(file, 'utf8')));

test('files are found', () => expect(files.length).toBeGreaterThan(220));

test('no test that shares its process loads the decoder, which blocks parsers for all of it (vitest.config.ts)', () => {
  expect(thatSay(/from '.*pictures\/decode\.ts'/)).toEqual([]);
});

// What was loaded, is listened to or was used before depends on the files that came first, which no machine has in the same order.
test('no test that shares its process asks what the process has loaded or used', () => {
  const asks = /in globalThis|require\.cache|memoryUsage|resourceUsage|listenerCount|getActiveResourcesInfo/;
  expect(thatSay(asks)).toEqual([]);
});
