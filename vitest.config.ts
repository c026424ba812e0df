import { defineConfig } from 'vitest/config';
import { chromiumPath } from './test/support/services.ts';

/** Without a browser its tests are not part of the run; where SIMILI_TEST_REQUIRE asks for one, the run fails by name. */
const kinds = ['unit', 'property', 'integration', 'e2e', ...(chromiumPath() ? ['browser'] : [])];

export default defineConfig({
  // graphql ships both module systems; packages load the CommonJS one, and two copies of it refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: [`test/{${kinds}}/**/*.test.ts`],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: sharp, ONNX Runtime and PGlite's wasm keep global state, and a crash must name its file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    env: { ORT_DISABLE_TELEMETRY: '1' }, // for the tests that open the runtime themselves
  },
});
