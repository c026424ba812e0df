// What is generated and not committed: the Prisma client and GraphQL types, from the two contracts, and what TensorFlow.js needs
// for training. `npm ci` makes all (prepare).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

/** Prisma's CLI looks for its schema engine at start, although `generate` never runs it: any executable will do. */
const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, ...process.env };

async function run(...args) {
  const [status] = await once(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env }), 'exit');
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * The gradients of operations, and operations as methods of tensors (`x.add(y)`). tfjs-core has both only as files that
 * Node.js cannot load; in one file they register with the core that is running, whose registries are global. The package that
 * brings them ready, @tensorflow/tfjs, is 200 MB more.
 */
async function bundleTensorflowTraining() {
  const parts = ['dist/register_all_gradients.js', 'dist/public/chained_ops/register_all_chained_ops.js'];
  mkdirSync('workers/generated', { recursive: true });
  await build({
    stdin: { contents: parts.map((file) => `import '@tensorflow/tfjs-core/${file}';`).join('\n'), resolveDir: '.' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    banner: { js: '// @ts-nocheck Parts of tfjs-core, Copyright Google LLC, Apache-2.0.' },
    footer: { js: 'export {};' },
    outfile: 'workers/generated/tensorflow-training.ts',
    allowOverwrite: true,
  });
}

// Side by side: whoever installs waits for it.
await Promise.all([
  run('node_modules/prisma/build/index.js', 'generate'),
  run('node_modules/@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts', '--silent'),
  bundleTensorflowTraining(),
]);
