// Prisma client and GraphQL types, from the two contracts. Neither is committed; both are made by `npm ci` (prepare).
import { spawnSync } from 'node:child_process';

/** Prisma's CLI looks for its schema engine at start, although `generate` never runs it: any executable will do. */
const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, ...process.env };

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  if (status !== 0) process.exit(status ?? 1);
}

run('node_modules/prisma/build/index.js', 'generate');
run('node_modules/@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts', '--silent');
