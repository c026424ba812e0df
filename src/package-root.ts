import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file that ships with the package; the same from src/ and from dist/src/. */
export function packageFile(path: string): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return join(dir, path);
}

/** What package.json says of the package. */
export const packageFacts = (): { readonly version: string; readonly description: string } =>
  JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
