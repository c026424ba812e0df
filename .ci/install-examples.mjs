// Installs the examples that are projects of their own, as a stranger would: their files in a folder of their own, our packages from tarballs.
// node .ci/install-examples.mjs PACKS FOLDER: the folder of the tarballs, and where each example gets a folder of its name.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [packs, folder] = process.argv.slice(2).map((path) => resolve(path));
const examples = fileURLToPath(new URL('../examples', import.meta.url));
const tarballs = readdirSync(packs).filter((file) => file.endsWith('.tgz'));

/** `@simili/client` is packed as simili-client-0.1.0.tgz. */
function tarballOf(name, version) {
  const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
  return tarballs.includes(file) ? `file:${join(packs, file)}` : version;
}

async function install(name) {
  const cwd = join(folder, name);
  cpSync(join(examples, name), cwd, { recursive: true, filter: (path) => !/node_modules|[.]test[.]/.test(path) });
  const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
  const { dependencies = {} } = manifest;
  for (const [of, version] of Object.entries(dependencies)) dependencies[of] = tarballOf(of, version);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  const since = Date.now();
  const [status] = await once(
    spawn('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, stdio: 'inherit' }),
    'exit',
  );
  process.stdout.write(`${name}: installed in ${((Date.now() - since) / 1000).toFixed(1)} s\n`);
  if (status !== 0) process.exitCode = 1;
}

/** Tried by hand, as their README says: 750 MB and a minute of CPU are too much for each run. */
const byHand = ['medusa'];
const projects = readdirSync(examples).filter(
  (name) => existsSync(join(examples, name, 'package.json')) && !byHand.includes(name),
);
await Promise.all(projects.map(install)); // side by side: much of the time goes into waiting
