import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { readTable, reasonOf } from 'simili/internal/catalog/import/table';
import type { Problem } from './problem.ts';

const COLUMNS = ['query', 'positive', 'negative'];

/**
 * Triplets of pictures that people answered: the positive looks more like the query than the negative. Left out with a reason: a
 * picture that is not among the labelled ones, one that is there twice in a line, a line that was there before.
 * @param indexOf of a picture by its path in labels.csv
 * @throws SimiliError IMPORT_UNREADABLE when the file cannot be read or lacks a column
 */
export async function readTriplets(
  path: string,
  indexOf: ReadonlyMap<string, number>,
): Promise<{ triplets: Triplet[]; problems: Problem[] }> {
  const triplets: Triplet[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const isRow = (cells: Record<string, string>): boolean => COLUMNS.every((column) => indexOf.has(cells[column] ?? ''));
  for await (const entry of readTable(path, { needed: COLUMNS, known: COLUMNS, isRow })) {
    const triplet = 'cells' in entry ? toTriplet(entry.cells, entry.line, indexOf, seen) : reasonOf(entry);
    if (typeof triplet === 'string') problems.push({ file: path, line: entry.line, reason: triplet });
    else triplets.push(triplet);
  }
  return { triplets, problems };
}

/** @returns the reason why a line is no triplet. */
function toTriplet(
  cells: Record<string, string>,
  line: number,
  indexOf: ReadonlyMap<string, number>,
  seen: Map<string, number>,
): Triplet | string {
  const paths = COLUMNS.map((column) => cells[column] ?? '');
  const unknown = paths.find((path) => !indexOf.has(path));
  if (unknown !== undefined) return `${unknown || 'a picture without a path'} is not one of the labelled pictures`;
  if (new Set(paths).size < 3) return 'its three pictures are not three';
  const key = paths.join('\n');
  const before = seen.get(key);
  if (before !== undefined) return `the same triplet was on line ${before} before`;
  seen.set(key, line);
  const [q, p, n] = paths.map((path) => indexOf.get(path)!) as [number, number, number];
  return { q, p, n };
}
