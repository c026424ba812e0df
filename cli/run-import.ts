import { isAbsolute } from 'node:path';
import type { CatalogEntry, ImportRow } from '../src/catalog/import/index.ts';
import { judgeImported } from '../src/catalog/judge-product.ts';
import { stateOf } from '../src/catalog/local-picture.ts';
import { type ProductDraft, writeProducts } from '../src/catalog/products.ts';
import type { App } from './app.ts';

export type ImportReport = {
  created: number;
  updated: number;
  /** Unchanged rows with a picture file that has changed: it is read again. */
  renewed: number;
  unchanged: number;
  /** Rows whose version is lower than the stored one: nothing was changed. */
  outdated: number;
  /** Rows that were left out, with the place and the reason. */
  problems: { line: number | string; problem: string }[];
  /** Remarks on rows that were taken. */
  notes: { line: number | string; note: string }[];
};

/** Rows per write; what a killed import repeats, which then costs nothing. */
const BATCH = 100;

/** The ordinary importer: every good row is stored, every bad one is told, in one pass. Repeating it changes nothing. */
export async function runImport(
  { repositories, queue }: Pick<App, 'repositories' | 'queue'>,
  entries: AsyncIterable<CatalogEntry>,
  onProgress: (rows: number) => void,
): Promise<ImportReport> {
  const report: ImportReport = {
    created: 0,
    updated: 0,
    renewed: 0,
    unchanged: 0,
    outdated: 0,
    problems: [],
    notes: [],
  };
  let batch: Extract<CatalogEntry, { row: unknown }>[] = [];
  let rows = 0;
  const flush = async () => {
    const drafts = await Promise.all(batch.map(async ({ row }) => ({ ...toDraft(row), ...(await revisionsOf(row)) })));
    const { catalog, products } = repositories;
    const written = await writeProducts(drafts, { catalog, products, queue }, judgeImported);
    report.created += written.created;
    report.updated += written.updated;
    report.renewed += written.renewed;
    report.unchanged += written.unchanged;
    report.outdated += written.outdated;
    for (const { index, error } of written.rejections) {
      report.problems.push({ line: batch[index]?.line ?? '?', problem: error.message });
    }
    rows += batch.length;
    batch = [];
    onProgress(rows);
  };
  for await (const entry of entries) {
    if ('problem' in entry) report.problems.push(entry);
    else if ('note' in entry) report.notes.push(entry);
    else batch.push(entry);
    if (batch.length >= BATCH) await flush();
  }
  if (batch.length) await flush();
  return report;
}

const toDraft = ({ images, currency, available, ...row }: ImportRow): ProductDraft => ({
  ...row,
  imageUrls: images,
  currencyCode: currency,
  availableForSale: available,
});

/** Revision of each file, which tells a replaced one from the one before. A file that is not there is told when its picture is read. */
async function revisionsOf({ images }: ImportRow): Promise<Pick<ProductDraft, 'revisions'>> {
  const revisions = images.map(async (path) =>
    isAbsolute(path)
      ? stateOf(path)
          .then(({ revision }) => revision)
          .catch(() => null)
      : null,
  );
  return { revisions: await Promise.all(revisions) };
}

export function describeImport({
  created,
  updated,
  renewed,
  unchanged,
  outdated,
  problems,
  notes,
}: ImportReport): string {
  const counts = `${created} created, ${updated} updated, ${unchanged} unchanged, ${problems.length} left out`;
  const changed = renewed > 0 ? [`${renewed} with a new picture file, which is read again`] : [];
  const older = outdated > 0 ? [`${outdated} not written: a higher version is stored`] : [];
  const said = [...notes.map(({ line, note }) => ({ line, text: note })), ...problems.map(asText)];
  return [counts, ...changed, ...older, ...said.map(({ line, text }) => `  ${line}: ${text}`)].join('\n');
}

const asText = ({ line, problem }: ImportReport['problems'][number]) => ({ line, text: problem });
