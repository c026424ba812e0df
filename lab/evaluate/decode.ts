import { openConfiguredPictures } from '@simili/worker/pictures/configured';
import type { Config } from 'simili/internal/config';
import { SimiliError } from 'simili/internal/errors';
import type { Problem } from './problem.ts';

/** A picture of the user's folder: `path` is its name for people, `line` where it is mentioned. */
export type PictureRow = { readonly path: string; readonly file: string; readonly line: number };
export type Decoded<Row> = Row & { readonly contentHash: string };

const AT_ONCE = 16;

/**
 * Makes sure of the pixels of every picture, in the cache of the configuration. One that cannot be read is left out with
 * the reason.
 * @param mentionedIn the file that the problems are about
 * @returns also `folders`: of the cache, by side.
 */
export async function decodeRows<Row extends PictureRow>(
  rows: readonly Row[],
  { config, sides, mentionedIn }: { config: Config; sides: readonly number[]; mentionedIn: string },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<{ rows: Decoded<Row>[]; folders: Record<number, string>; problems: Problem[] }> {
  const pictures = openConfiguredPictures(config);
  const decoded: Decoded<Row>[] = [];
  const problems: Problem[] = [];
  try {
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      const some = rows.slice(at, at + AT_ONCE);
      const loaded = await Promise.allSettled(some.map(({ file }) => pictures.load(file, undefined, sides)));
      for (const [i, outcome] of loaded.entries()) {
        const row = some[i]!;
        if (outcome.status === 'fulfilled') decoded.push({ ...row, contentHash: outcome.value.contentHash });
        else problems.push({ file: mentionedIn, line: row.line, reason: reasonOf(outcome.reason, row) });
      }
      onProgress(at + some.length, rows.length);
    }
    return { rows: decoded, folders: pictures.folders(sides), problems };
  } finally {
    await pictures.close();
  }
}

/** @throws whatever is no fault of the picture. */
function reasonOf(error: unknown, { path, file }: PictureRow): string {
  if (error instanceof SimiliError && error.code.startsWith('IMAGE_')) return error.message.replaceAll(file, path);
  throw error;
}
