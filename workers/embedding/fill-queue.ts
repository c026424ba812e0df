import { type ModelRow, spacesOf } from 'simili/internal/db/models';
import { VersionGone } from 'simili/internal/db/sql/version-gone';
import type { Queued } from 'simili/internal/db/vector-queue';
import { fillableHere } from './spaces.ts';

type Context = Parameters<typeof fillableHere>[0];

/** Products that are taken out of the queue at once. */
const BATCH = 512;

/**
 * Embeds what waits in the queue for every version that serves, may serve again or is being evaluated, and takes out what lacks nothing then. What a
 * version still lacks stays: one that is being embedded gets it in its own time, an encoder says "not now", or is on another worker.
 * @param unlessItFails tells of an encoder that fails: it keeps no version from embedding that does without it. @returns whether it did not
 * @param hasTime asked behind each batch. @returns when nothing is due, an encoder failed, or there is no time for more
 */
export async function fillQueued(
  context: Context,
  unlessItFails: (work: Promise<unknown>) => Promise<boolean>,
  signal: AbortSignal,
  hasTime: () => boolean = () => true,
): Promise<void> {
  const { vectorQueue: queue, models } = context.repositories;
  for (let isWell = true, goesOn = true; isWell && goesOn; goesOn = hasTime()) {
    signal.throwIfAborted();
    const queued = await queue.take(BATCH);
    if (queued.length === 0) return;
    // Read after they were taken: what became of a product before belongs to any version that is not among these.
    const versions = await models.withVectors();
    for (const model of versions.filter(({ state }) => state !== 'EMBEDDING'))
      for (const space of fillableHere(context, model))
        isWell = (await unlessItFails(space.fill(signal, undefined, idsOf(queued)))) && isWell;
    const lacking = await stillLacking(context, versions, idsOf(queued));
    await queue.done(queued.filter(({ productId }) => !lacking.has(productId)));
    if (!isWell) await queue.giveBack(queued.filter(({ productId }) => lacking.has(productId)));
  }
}

async function stillLacking(
  { repositories: { embeddings }, encoders }: Context,
  versions: readonly ModelRow[],
  ids: readonly string[],
): Promise<Set<string>> {
  const inputOf = (id: string | null) =>
    id === null ? 'pictures' : (encoders.find((own) => own.id === id)?.input ?? null);
  const lacking = versions.flatMap((model) =>
    spacesOf(model).map(({ name, encoder }) => embeddings.lacking(model.number, name, inputOf(encoder), ids)),
  );
  // The table of a version that is gone holds nothing up, nor does one that is not there yet: all are read for it once it is.
  const found = lacking.map((one) => one.catch((error) => (error instanceof VersionGone ? [] : Promise.reject(error))));
  return new Set((await Promise.all(found)).flat());
}

const idsOf = (queued: readonly Queued[]): string[] => queued.map(({ productId }) => productId);
