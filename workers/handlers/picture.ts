import type { AskedPicture, PictureAnswer } from 'simili/internal/db/picture-queries';
import { SimiliError } from 'simili/internal/errors';
import type { Handler } from 'simili/internal/queue/jobs';
import { PICTURE_MS } from 'simili/internal/similarity/look-at-picture';
import { inCatalog, type WorkerContext } from '../context.ts';
import { vectorOfPicture } from '../embedding/vector-of-picture.ts';

/** Answers a picture that somebody searches by with its vector, or with what is wrong with it, while he waits. */
export const pictureHandler =
  (worker: WorkerContext): Handler<'picture'> =>
  async ({ catalog, id }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { pictureQueries } = context.repositories;
    const taken = await pictureQueries.take(id);
    if (!taken) return;
    const left = PICTURE_MS - taken.waitedMs;
    if (left <= 0) return;
    const either = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left))]);
    try {
      const vector = await vectorOfPicture(context, taken.modelId, taken.picture, either);
      await pictureQueries.answer(id, { vector });
    } catch (error) {
      if (signal.aborted) return handBack(context, id, taken.picture);
      if (either.aborted) return; // nobody waits any more
      await pictureQueries.answer(id, told(context, error));
    }
  };

/** A worker that stops leaves the picture to another one, which has the time that is left to its caller. */
async function handBack({ repositories, queue }: WorkerContext, id: string, picture: AskedPicture): Promise<void> {
  const { catalog, pictureQueries } = repositories;
  if (await pictureQueries.giveBack(id, picture)) await queue.add('picture', { catalog, id }, id);
}

/** A stranger learns what is wrong with his picture, and nothing of this network or of what names resolve to in it. */
const HIDDEN: Readonly<Record<string, string>> = {
  IMAGE_FORBIDDEN: 'pictures are fetched from public addresses alone, by http or https',
  IMAGE_UNREACHABLE: 'its host sent no picture in time',
};

function told({ log }: WorkerContext, error: unknown): PictureAnswer {
  if (error instanceof SimiliError && error.code.startsWith('IMAGE_')) {
    const { resolved, ...facts } = error.facts as { resolved?: boolean };
    // As of a name that nobody has: else names could be tried for those that this network knows.
    const code = resolved ? 'IMAGE_UNREACHABLE' : error.code;
    return { code, facts: { ...facts, ...(code in HIDDEN && { why: HIDDEN[code] }) } };
  }
  log.error({ err: error }, 'a picture was not looked at');
  return { code: 'PICTURES_UNAVAILABLE', facts: { why: 'the worker that took it failed, and its log says how' } };
}
