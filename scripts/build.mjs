// A clean compile: a renamed source file must not live on in dist/.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

const packed = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/pack-demo.ts'], { stdio: 'inherit' });
if (packed.status !== 0) process.exit(packed.status ?? 1);

// GraphiQL as one ready file. Version 4 is the last with such a build: 5 is an editor of 8 MB with workers of its own.
mkdirSync('dist/graphiql');
const ready = [
  'graphiql/graphiql.min.js',
  'graphiql/graphiql.min.css',
  'react/umd/react.production.min.js',
  'react-dom/umd/react-dom.production.min.js',
];
for (const file of ready) copyFileSync(`node_modules/${file}`, `dist/graphiql/${basename(file)}`);
for (const name of ['graphiql', 'react', 'react-dom'])
  copyFileSync(`node_modules/${name}/LICENSE`, `dist/graphiql/LICENSE.${name}`);
