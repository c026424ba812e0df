import { readdir } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { type CatalogEntry, toRow } from './row.ts';

const PICTURES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif']);

/** Files that storage devices and desktops put beside a shop's own pictures: thumbnails, waste bins, resource forks. */
const FOREIGN = new Set([
  ...['@eadir', '#recycle', '#snapshot', '@recycle', '@recently-snapshot', '@__thumb', '__macosx', '$recycle.bin'],
  ...['lost+found', 'system volume information'],
]);

/**
 * Every picture below a folder, in the order of their names: `shoes/red-boot.jpg` is the product `shoes/red-boot`,
 * "Red boot", of the category `shoes`, in Unicode's composed spelling (NFC). Hidden files, folders of the system's own and
 * links to folders are passed over; a link with the name of a picture is told.
 * @throws SimiliError IMPORT_UNREADABLE when there is none.
 */
export async function* readFolder(folder: string, tellId: (id: string | null) => void): AsyncGenerator<CatalogEntry> {
  let found = false;
  for await (const { parts, isLink } of picturesIn(folder, [])) {
    found = true;
    if (isLink) {
      tellId(null);
      yield { line: parts.join(sep), problem: 'it is a link, and links are not followed' };
      continue;
    }
    const [name, ...above] = parts.map((part) => part.normalize('NFC')).reverse() as [string, ...string[]];
    const bare = name.slice(0, -extname(name).length);
    const categories = above.reverse();
    const id = [...categories, bare].join('/');
    tellId(id);
    const result = toRow({ id, title: titleOf(bare), image: [join(folder, ...parts)], categories }, folder);
    yield { line: parts.join(sep), ...result };
  }
  if (!found)
    throw new SimiliError('IMPORT_UNREADABLE', {
      source: folder,
      why: `it holds no picture (${[...PICTURES].join(', ')})`,
    });
}

type Found = { parts: string[]; isLink: boolean };

/** Paths below `folder`, as parts. */
async function* picturesIn(folder: string, parts: string[]): AsyncGenerator<Found> {
  const entries = await readdir(join(folder, ...parts), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || FOREIGN.has(entry.name.toLowerCase())) continue;
    const path = [...parts, entry.name];
    if (entry.isDirectory()) yield* picturesIn(folder, path);
    else if (PICTURES.has(extname(entry.name).toLowerCase())) yield { parts: path, isLink: entry.isSymbolicLink() };
  }
}

function titleOf(name: string): string {
  const words = name.replace(/[-_\s]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
