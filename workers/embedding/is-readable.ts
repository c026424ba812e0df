import type { WorkerContext } from '../context.ts';
import { isOfPicture, wasNotAsked } from '../pictures/unreadable.ts';

type Context = Pick<WorkerContext, 'repositories' | 'pictures'>;

/**
 * Whether the pixels of a picture are in this machine's cache, or could be fetched again. Ingest fetches one that could not anew, and that
 * decides what becomes of it. One whose host rests was not asked for: it stays what it is, and lacks its vector.
 * @throws what is no fault of the picture.
 */
export async function isReadable(
  { repositories, pictures }: Context,
  { contentHash, source }: { contentHash: string; source: string },
  sides: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await pictures.ensure(contentHash, source, signal, sides);
    return true;
  } catch (error) {
    if (!isOfPicture(error)) throw error;
    if (!wasNotAsked(error)) await repositories.images.reopen(source);
    return false;
  }
}
