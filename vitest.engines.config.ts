import { defineConfig } from 'vitest/config';
import { sources } from './test/support/sources.ts';

/**
 * Engines that need a driver or a library that most machines lack, each folder in a run of its own: on WebGPU (software
 * adapters compile shaders for minutes), on this machine's GPUs, on native TensorFlow. None passes without what it needs.
 */
export default defineConfig({
  resolve: { alias: sources },
  test: {
    include: ['test/{webgpu,gpu,native}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
