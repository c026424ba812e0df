import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { quickWasm } from './test/support/quick-wasm.ts';
import { serviceTags } from './test/support/services.ts';
import { sources } from './test/support/sources.ts';
import { UntriedReporter } from './test/support/untried.ts';
import { compilerFlags } from './workers/hosts/compiler-flags.ts';

const ALL = ['test/{unit,property,integration,e2e,browser}/**/*.test.ts'];
/** Ask what their process has loaded, cost it or changed for good: the decoder blocks parsers, the fuzz test measures, TensorFlow.js stays loaded. */
const OWN_PROCESS = [
  'test/unit/workers/{hosts,pictures}/**/*.test.ts',
  'test/property/src/graphql/**/*.test.ts',
  'test/integration/{demo-catalog,open-engine,tensorflow}.test.ts',
  'test/unit/src/db/remembered-filters.test.ts',
  'test/unit/src/http/kept-documents.test.ts',
];

export default defineConfig({
  // graphql ships both module systems; packages load the CommonJS one, and two copies of it refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }, ...sources] },
  test: {
    projects: [
      // Files share a process, which saves its start, what it imports, and databases, which are cleared and used again.
      { extends: true, test: { name: 'shared', include: ALL, exclude: OWN_PROCESS, isolate: false } },
      { extends: true, test: { name: 'own process', include: OWN_PROCESS } },
    ],
    globalSetup: ['test/support/global-setup.ts'],
    // Each service is a tag; where it is not given, its tests are skipped, and the second reporter says so at the end.
    tags: serviceTags(),
    reporters: ['default', new UntriedReporter()],
    // Processes, not threads: sharp, ONNX Runtime and PGlite's wasm keep global state, and a crash must name its file.
    pool: 'forks',
    execArgv: [...compilerFlags, ...quickWasm], // they train, as the processes with the first flags do
    sequence: { sequencer: LongestFirst },
    maxWorkers: 4, // of two cores: many tests wait for a process or a clock
    // Against hangs alone. A right test takes up to a minute; beside many busy processes ten times as long.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    restoreMocks: true,
    env: {
      ORT_DISABLE_TELEMETRY: '1', // for the tests that open the runtime themselves
      SIMILI_EXPLORE_SHARE: '0', // lists stand as they are ranked; the tests of exploration ask for it
      SIMILI_AUDIT_SHARE: '0', // nothing runs behind an answer; the tests of the audit ask for it
    },
  },
});
