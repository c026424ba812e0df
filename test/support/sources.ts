import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const { paths } = JSON.parse(readFileSync(new URL('tsconfig.json', root), 'utf8')).compilerOptions as {
  paths: Record<string, [string]>;
};

/** Aliases for Vite: our own packages are tested as sources, not as what was compiled last (the paths of tsconfig.json). */
export const sources = Object.entries(paths).map(([specifier, [file]]) => ({
  find: new RegExp(`^${specifier.replace('*', '(.+)')}$`),
  replacement: fileURLToPath(new URL(file, root)).replace('*', '$1'),
}));
