// node scripts/check-licences.mjs: is everything that a user of the package installs under a licence that goes with ours
// (Apache-2.0)? Follows package-lock.json from what the package depends on: peers too, optional peers not; and the weights in
// encoders/. Names what is under another licence or none, and fails. An SBOM of the same: npm sbom --sbom-format cyclonedx --omit dev
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
];
/** Packages whose lock entry says nothing, and libraries under the LGPL that are linked dynamically and may be exchanged. */
const KNOWN = [
  [/^@img\/sharp-(libvips-|win32-|wasm32)/, 'LGPL-3.0-or-later: libvips as a shared library'],
  [/^@msgpackr-extract\//, 'MIT: its platform packages are not on every registry'],
  [/^seq-queue$/, 'MIT: in its LICENSE file'],
];

/** @returns what is neither allowed nor known, as `name@version: licence`. */
export function offenders({ packages }) {
  const found = [...production(packages)].filter((path) => {
    const { license } = packages[path];
    return !isAllowed(license) && !KNOWN.some(([name]) => name.test(nameOf(path)));
  });
  return found
    .map((path) => `${nameOf(path)}@${packages[path].version}: ${packages[path].license ?? 'no licence'}`)
    .sort();
}

/** The same of pretrained networks, as their encoder.json says. They come with the package, not through the lock. */
export const encoderOffenders = (encoders) =>
  encoders
    .filter(({ licence }) => !isAllowed(licence))
    .map(({ name, licence }) => `encoder ${name}: ${licence ?? 'no licence'}`);

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Whether a licence will do: one of `A OR B` is enough, of `A AND B` both must do. */
function isAllowed(expression = '') {
  const flat = expression.replace(/[()]/g, '');
  return flat.split(' OR ').some((option) => option.split(/ AND | and /).every((id) => ALLOWED.includes(id.trim())));
}

/** Paths in the lock of all that is reached from the root's own dependencies. */
function production(packages) {
  const met = new Set();
  const follow = (path) => {
    const {
      dependencies = {},
      optionalDependencies = {},
      peerDependencies = {},
      peerDependenciesMeta = {},
    } = packages[path];
    const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]) {
      const found = resolve(packages, path, name);
      if (!found || met.has(found)) continue;
      met.add(found);
      follow(found);
    }
  };
  follow('');
  return met;
}

/** As Node does: in the package's own node_modules, then in that of each folder above. */
function resolve(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = `${at ? `${at}/` : ''}node_modules/${name}`;
    if (packages[path]) return path;
    if (!at) return null;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const encoders = readdirSync('encoders').map((name) =>
    JSON.parse(readFileSync(`encoders/${name}/encoder.json`, 'utf8')),
  );
  const found = [...offenders(lock), ...encoderOffenders(encoders)];
  const counts = `${production(lock.packages).size} packages and ${encoders.length} encoders are installed`;
  process.stdout.write(`${counts}; not allowed: ${found.length}\n`);
  for (const line of found) process.stderr.write(`${line}\n`);
  process.exitCode = found.length ? 1 : 0;
}
