import { defineConfig } from 'vitest/config';
import { sources } from './test/support/sources.ts';

/** The engines on WebGPU, in a run of their own: they need an adapter, and software ones compile shaders for minutes. */
export default defineConfig({
  resolve: { alias: sources },
  test: {
    include: ['test/webgpu/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
