import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import { type Split, splits } from '@simili/learning/metrics/split';
import { readTable, reasonOf } from 'simili/internal/catalog/import/table';
import { SimiliError } from 'simili/internal/errors';
import type { Problem } from './problem.ts';

/** A picture and what people say of it. */
export type LabelRow = {
  /** As it is written in the file, which is its name everywhere. */
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly identity: string | null;
  readonly subgroup: string | null;
  readonly category: string | null;
  readonly split: Split | null;
  readonly line: number;
};

/** @throws SimiliError IMPORT_UNREADABLE where there is no such folder. */
export async function checkFolder(images: string): Promise<void> {
  const folder = await stat(images).catch(() => null);
  if (!folder?.isDirectory()) throw new SimiliError('IMPORT_UNREADABLE', { source: images, why: 'it is no folder' });
}

const COLUMNS = ['path', 'identity', 'subgroup', 'category', 'split'];

/**
 * The rows of a labels.csv that can be used, in its order. Left out with a reason: a row without a path, one that leaves the
 * folder, a file that is not there, a path that was there before, an unknown split.
 * @throws SimiliError IMPORT_UNREADABLE when the file cannot be read or has no column `path`
 */
export async function readLabels(
  imagesDir: string,
  labelsPath: string,
): Promise<{ rows: LabelRow[]; problems: Problem[] }> {
  const rows: LabelRow[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const shape = { needed: ['path'], known: COLUMNS, isRow: (cells: Record<string, string>) => cells.path !== '' };
  for await (const entry of readTable(labelsPath, shape)) {
    const { line } = entry;
    const row = 'cells' in entry ? await toRow(line, entry.cells, imagesDir, seen) : reasonOf(entry);
    if (typeof row === 'string') problems.push({ file: labelsPath, line, reason: row });
    else rows.push(row);
  }
  return { rows, problems };
}

/** @returns the reason why a line is no row. */
async function toRow(
  line: number,
  cells: Record<string, string>,
  imagesDir: string,
  seen: Map<string, number>,
): Promise<LabelRow | string> {
  const { path = '', split = '' } = cells;
  if (path === '') return 'it has no path';
  const root = resolve(imagesDir);
  const file = resolve(root, path);
  if (isAbsolute(path) || !file.startsWith(root + sep)) return `${path} is not inside ${imagesDir}`;
  const before = seen.get(file);
  if (before !== undefined) return `${path} was on line ${before} before`;
  if (split !== '' && !isSplit(split)) return `split is ${split}, and may be ${splits.join(', ')} or nothing`;
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) return `there is no file ${path} in ${imagesDir}`;
  seen.set(file, line);
  const known = (name: string): string | null => cells[name] || null;
  return {
    // Whoever measures on pictures of their own may have put links there.
    path,
    file: await realpath(file),
    line,
    split: split === '' ? null : (split as Split),
    identity: known('identity'),
    subgroup: known('subgroup'),
    category: known('category'),
  };
}

const isSplit = (name: string): name is Split => (splits as readonly string[]).includes(name);
