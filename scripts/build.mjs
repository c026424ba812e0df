// A clean compile: a renamed source file must not live on in a dist/. All is made in dist.next/ and takes its places when it is
// whole: the first `npx simili` in a checkout builds (npm runs `prepare`), and a server may be running from dist/ then.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

const next = 'dist.next';
/** Workspaces that are compiled; each gets a dist/ of its own. What is left over is the root's. */
const WORKSPACES = ['learning', 'workers', 'lab', 'client', 'hooks'];

function remove(folder) {
  rmSync(folder, { recursive: true, force: true });
}

const failed = new AbortController();
let status = 0;

/** Runs Node.js beside the other steps; the first that fails ends them. */
const run = (...args) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit', signal: failed.signal });
    child.on('error', () => {}); // ended by another one's failure: `close` follows
    child.on('close', (code) => {
      if (code !== 0 && status === 0) {
        status = code ?? 1;
        failed.abort();
      }
      resolve();
    });
  });

function takePlace(from, to) {
  const last = `${to}.last`;
  remove(last);
  if (existsSync(to)) renameSync(to, last);
  renameSync(from, to);
  remove(last);
}

const since = new Date();
remove(next);
// Types are checked by `npm run typecheck`: whoever installs does not wait for it.
const compile = (config) => run('node_modules/typescript/bin/tsc', '-p', config, '--outDir', next, '--noCheck');
await Promise.all([
  compile('tsconfig.build.json'),
  compile('tsconfig.browser.json'),
  run('--import', 'tsx', 'scripts/pack-demo.ts', 'demo'),
]);
if (status !== 0) {
  remove(next);
  process.exit(status);
}

// GraphiQL as one ready file. Version 4 is the last with such a build: 5 is an editor of 8 MB with workers of its own.
mkdirSync(`${next}/graphiql`);
const ready = [
  'graphiql/graphiql.min.js',
  'graphiql/graphiql.min.css',
  'react/umd/react.production.min.js',
  'react-dom/umd/react-dom.production.min.js',
];
// Compressed, as browsers take them: a server without a browser has them too.
for (const file of ready)
  writeFileSync(`${next}/graphiql/${basename(file)}.gz`, gzipSync(readFileSync(`node_modules/${file}`), { level: 9 }));
for (const name of ['graphiql', 'react', 'react-dom'])
  copyFileSync(`node_modules/${name}/LICENSE`, `${next}/graphiql/LICENSE.${name}`);

// The client as pages without a bundler load it: GET /client.js.
const { buildSync } = await import('esbuild');
const served = { entryPoints: ['client/served.ts'], outfile: `${next}/client.js` };
buildSync({ ...served, bundle: true, minify: true, format: 'esm', target: 'es2022', legalComments: 'none' });

for (const name of WORKSPACES) takePlace(`${next}/${name}`, `${name}/dist`);
// The tests look at it: is the build newer than the sources?
writeFileSync(`${next}/built`, since.toISOString());
takePlace(next, 'dist');
