import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { otherGraphQL } from '../support/other-graphql.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packages = join(root, 'node_modules');
/** Packages of a scope are links of their own: so a link inside is followed no further. */
const names = readdirSync(packages).flatMap((name) =>
  name.startsWith('@') ? readdirSync(join(packages, name)).map((inner) => `${name}/${inner}`) : [name],
);

test('a project with a copy of graphql of its own extends its schema, in an Apollo Server of that copy', async () => {
  using project = otherGraphQL();
  const inside = (path: string) => join(project.folder, 'node_modules', path);
  for (const name of names.filter((name) => !name.startsWith('.') && !['graphql', 'simili'].includes(name))) {
    mkdirSync(join(inside(name), '..'), { recursive: true });
    symlinkSync(join(packages, name), inside(name));
  }
  // As `npm link` does it: our own packages, graphql among them, lie in the checkout.
  symlinkSync(root, inside('checkout'));
  mkdirSync(inside('simili'));
  writeFileSync(inside('simili/package.json'), '{ "type": "module", "exports": "./index.js" }');
  writeFileSync(inside('simili/index.js'), "export * from '../checkout/dist/src/index.js';\n");
  cpSync(join(root, '.ci/try-host.mjs'), join(project.folder, 'host.mjs'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--preserve-symlinks', 'host.mjs', join(root, 'examples/demo-shop.mjs'), '@apollo/server'],
    { cwd: project.folder },
  );
  expect(stdout).toMatch(/^@apollo\/server on graphql 16[.0-9]+: ok\n$/);
});
