import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, sep } from 'node:path';
import { canonicalPath } from '../local-picture.ts';
import type { CatalogEntry } from './row.ts';

/**
 * A catalog may name pictures below these folders only, whatever `..`, absolute paths and links say: a file that somebody
 * sent must not publish what else lies on this machine. Paths come out canonical (`canonicalPath`).
 * @param allowed folders; one that does not exist holds nothing
 */
export async function* onlyInside(
  entries: AsyncIterable<CatalogEntry>,
  allowed: readonly string[],
): AsyncGenerator<CatalogEntry> {
  const roots = (await Promise.all(allowed.map((folder) => realpath(folder).catch(() => null)))).filter(
    (root) => root !== null,
  );
  const folders = new Map<string, Promise<string>>();
  const canonical = async (path: string): Promise<string> => {
    const folder = dirname(path);
    if (folders.size > MOST_FOLDERS) folders.clear();
    const real = folders.get(folder) ?? canonicalPath(path).then(dirname);
    folders.set(folder, real);
    return `${(await real).replace(/\/$/, '')}${path.slice(path.lastIndexOf(sep))}`;
  };
  const isInside = (path: string) => roots.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep));
  for await (const entry of entries) {
    if (!('row' in entry)) {
      yield entry;
      continue;
    }
    const { row, ...place } = entry;
    const images = await Promise.all(row.images.map((image) => (isAbsolute(image) ? canonical(image) : image)));
    const stranger = images.findIndex((image) => isAbsolute(image) && !isInside(image));
    if (stranger < 0) yield { ...place, row: { ...row, images } };
    else
      yield { ...place, problem: `image ${row.images[stranger]} is outside ${allowed.join(', ')} (--allow-outside)` };
  }
}

/** Folders whose real path is remembered. */
const MOST_FOLDERS = 10_000;
