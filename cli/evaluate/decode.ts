import { SimiliError } from '../../src/errors.ts';
import type { PictureService } from '../../workers/pictures/picture-service.ts';
import type { Problem } from './problem.ts';
import type { LabelRow } from './read-labels.ts';

export type DecodedRow = LabelRow & { readonly contentHash: string };

const AT_ONCE = 16;

/** Makes sure of the pixels of every picture. One that cannot be read is left out with the reason. */
export async function decodeRows(
  rows: readonly LabelRow[],
  { pictures, sides, labels }: { pictures: PictureService; sides: readonly number[]; labels: string },
  onProgress: (done: number) => void,
): Promise<{ rows: DecodedRow[]; problems: Problem[] }> {
  const decoded: DecodedRow[] = [];
  const problems: Problem[] = [];
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const some = rows.slice(at, at + AT_ONCE);
    const loaded = await Promise.allSettled(some.map(({ file }) => pictures.load(file, undefined, sides)));
    for (const [i, outcome] of loaded.entries()) {
      const row = some[i]!;
      if (outcome.status === 'fulfilled') decoded.push({ ...row, contentHash: outcome.value.contentHash });
      else problems.push({ file: labels, line: row.line, reason: reasonOf(outcome.reason, row) });
    }
    onProgress(at + some.length);
  }
  return { rows: decoded, problems };
}

/** @throws whatever is no fault of the picture. */
function reasonOf(error: unknown, { path, file }: LabelRow): string {
  if (error instanceof SimiliError && error.code.startsWith('IMAGE_')) return error.message.replaceAll(file, path);
  throw error;
}
