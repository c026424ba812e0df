import { expect, test } from 'vitest';
import { memoryIn } from '../../../../../src/db/indexes/server-memory.ts';

const MEMINFO =
  'MemTotal:       25000000 kB\nMemFree:          100000 kB\nMemAvailable:   20000000 kB\nBuffers:           1000 kB\n';
const NONE = { limit: null, olderLimit: null };
/** No limit, as control groups of the first version say it. */
const NO_OLDER_LIMIT = '9223372036854771712\n';

test.each([
  ['the machine’s, which pages of files do not lessen', { meminfo: MEMINFO, ...NONE }, 20_480_000_000],
  ['without a limit', { meminfo: MEMINFO, limit: 'max\n', olderLimit: NO_OLDER_LIMIT }, 20_480_000_000],
  ['within that of a container', { meminfo: MEMINFO, limit: '1073741824\n', olderLimit: null }, 2 ** 30],
  ['within that of an older one', { meminfo: MEMINFO, limit: null, olderLimit: '536870912\n' }, 2 ** 29],
  ['on another system', { meminfo: null, ...NONE }, null],
  ['of a kernel that does not tell', { meminfo: 'MemTotal: 1000 kB\n', ...NONE }, null],
])('available memory: %s', (_what, files, bytes) => {
  expect(memoryIn(files)).toBe(bytes);
});
