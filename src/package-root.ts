import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Absolute path of a file that ships with a package; the same from its sources and from its dist/.
 * @param of a module of that package; without it, this one.
 */
export function packageFile(path: string, of: string = import.meta.url): string {
  let dir = dirname(fileURLToPath(of));
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return join(dir, path);
}

export const packageFacts = (): { readonly version: string; readonly description: string } =>
  JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
