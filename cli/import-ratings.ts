import { extname } from 'node:path';
import { readTable } from '../src/catalog/import/table.ts';
import type { Rating } from '../src/db/ratings.ts';
import type { Repositories } from '../src/db/repositories.ts';
import { submitRatings } from '../src/feedback/submit-ratings.ts';
import { isStorable, toId } from '../src/text.ts';

/** Lines are those of the file. */
export type RatingsReport = {
  accepted: number;
  duplicates: number;
  problems: { line: number; reason: string }[];
  /** Remarks on lines that were taken. */
  notes: { line: number; reason: string }[];
};
type Deps = Pick<Repositories, 'products' | 'ratings'>;
type Line = { readonly line: number; readonly cells: Record<string, string> };

const COLUMNS = ['query', 'positive', 'negative'] as const;
const BATCH = 500;

/**
 * Stores the ratings of a file with the columns `query,positive,negative`. A cell names a product by its id, or by the
 * path of its picture as a folder of pictures was imported.
 * @throws SimiliError IMPORT_UNREADABLE when the file cannot be read or lacks a column
 */
export async function importRatings(deps: Deps, file: string): Promise<RatingsReport> {
  const report: RatingsReport = { accepted: 0, duplicates: 0, problems: [], notes: [] };
  let batch: Line[] = [];
  const isRow = (cells: Record<string, string>) => COLUMNS.every((column) => cells[column]);
  for await (const entry of readTable(file, { needed: COLUMNS, known: COLUMNS, isRow })) {
    if ('problem' in entry) report.problems.push({ line: entry.line, reason: entry.problem });
    else if ('note' in entry) report.notes.push({ line: entry.line, reason: entry.note });
    else batch.push(entry);
    if (batch.length < BATCH) continue;
    await store(deps, batch, report);
    batch = [];
  }
  if (batch.length > 0) await store(deps, batch, report);
  return report;
}

async function store(deps: Deps, lines: readonly Line[], report: RatingsReport): Promise<void> {
  const names = lines.flatMap(({ cells }) => COLUMNS.map((column) => toId(cells[column] ?? '')));
  const known = await deps.products.existing([...names, ...names.map(bare)].filter(isStorable));
  const idOf = (written = ''): string => {
    const name = toId(written);
    return known.has(name) ? name : known.has(bare(name)) ? bare(name) : name;
  };
  const given = lines.map(
    ({ cells }): Rating => ({
      anchorId: idOf(cells.query),
      positiveId: idOf(cells.positive),
      negativeId: idOf(cells.negative),
    }),
  );
  const { accepted, duplicates, rejections } = await submitRatings(deps, given);
  report.accepted += accepted;
  report.duplicates += duplicates;
  report.problems.push(...rejections.map(({ index, error }) => ({ line: lines[index]!.line, reason: error.message })));
}

/** A picture's path without its ending: the product's id, where the catalog was a folder. */
const bare = (path: string): string => path.slice(0, path.length - extname(path).length);
