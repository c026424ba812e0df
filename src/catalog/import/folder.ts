import { readdir } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { type CatalogEntry, toRow } from './row.ts';

const PICTURES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif']);

/**
 * Every picture below a folder, in the order of their names: `shoes/red-boot.jpg` is the product `shoes/red-boot`,
 * "Red boot", of the category `shoes`. Hidden files and links to folders are passed over.
 * @throws SimiliError IMPORT_UNREADABLE when there is none.
 */
export async function* readFolder(folder: string): AsyncGenerator<CatalogEntry> {
  let found = false;
  for await (const parts of picturesIn(folder, [])) {
    found = true;
    const name = parts.at(-1) as string;
    const bare = name.slice(0, -extname(name).length);
    const categories = parts.slice(0, -1);
    const id = [...categories, bare].join('/');
    const result = toRow({ id, title: titleOf(bare), image: [join(folder, ...parts)], categories }, folder);
    yield { line: parts.join(sep), ...result };
  }
  if (!found)
    throw new SimiliError('IMPORT_UNREADABLE', {
      source: folder,
      why: `it holds no picture (${[...PICTURES].join(', ')})`,
    });
}

/** Paths below `folder`, as parts. */
async function* picturesIn(folder: string, parts: string[]): AsyncGenerator<string[]> {
  const entries = await readdir(join(folder, ...parts), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = [...parts, entry.name];
    if (entry.isDirectory()) yield* picturesIn(folder, path);
    else if (PICTURES.has(extname(entry.name).toLowerCase())) yield path;
  }
}

function titleOf(name: string): string {
  const words = name.replace(/[-_\s]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
