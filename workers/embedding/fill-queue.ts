import { type ModelRow, spacesOf } from 'simili/internal/db/models';
import { VersionGone } from 'simili/internal/db/sql/version-gone';
import type { Queued } from 'simili/internal/db/vector-queue';
import { eyeNamesOf } from './embedding.ts';
import { type Fillable, fillableHere } from './spaces.ts';

type Context = Parameters<typeof fillableHere>[0];

/** Products that are taken out of the queue at once. */
const BATCH = 512;

/**
 * Embeds what waits in the queue for every version that serves, may serve again or is being evaluated, and takes out what lacks nothing then. What a
 * version still lacks stays: one that is being embedded gets it in its own time, an encoder says "not now", or is on another worker. Whoever serves
 * waits for nobody: an encoder that fails is left alone for this time, and what only others lack for it is looked at again later and later. Vectors of
 * products that have no picture any more are taken away.
 * @param unlessItFails tells of an encoder that fails: it keeps no version from embedding that does without it. @returns whether it did not
 * @param hasTime asked behind each batch. @returns when nothing is due, the encoder of what serves failed, or there is no time for more
 */
export async function fillQueued(
  context: Context,
  unlessItFails: (work: Promise<unknown>) => Promise<boolean>,
  signal: AbortSignal,
  hasTime: () => boolean = () => true,
): Promise<void> {
  const { vectorQueue: queue, models } = context.repositories;
  const failed = new Set<string>();
  const fill = async (model: ModelRow, space: Fillable, ids: readonly string[]): Promise<void> => {
    const key = `${model.id} ${space.space.name}`;
    if (failed.has(key)) return;
    if (!(await unlessItFails(unlessGone(space.fill(signal, undefined, ids), 0)))) failed.add(key);
  };
  const hasFailed = ({ id }: ModelRow) => [...failed].some((key) => key.startsWith(`${id} `));
  for (let goesOn = true; goesOn; goesOn = hasTime()) {
    signal.throwIfAborted();
    const queued = await queue.take(BATCH);
    if (queued.length === 0) return;
    // Read after they were taken: what became of a product before belongs to any version that is not among these.
    const versions = await models.withVectors();
    const serving = versions.filter(({ state }) => state === 'ACTIVE');
    const others = versions.filter(({ state }) => state !== 'ACTIVE' && state !== 'EMBEDDING');
    for (const model of [...serving, ...others])
      for (const space of fillableHere(context, model)) await fill(model, space, idsOf(queued));
    await removeUnpictured(context, versions, idsOf(queued));
    const lacking = await stillLacking(context, versions, idsOf(queued));
    await queue.done(queued.filter(({ productId }) => !lacking.has(productId)));
    const waiting = serving.filter(hasFailed);
    if (waiting.length === 0) continue;
    const wanted = await stillLacking(context, waiting, [...lacking]);
    await queue.giveBack(queued.filter(({ productId }) => wanted.has(productId)));
    return;
  }
}

/** A product whose pictures were all taken away is not ranked by one that it had: nothing will overwrite its vectors. */
async function removeUnpictured(
  context: Context,
  versions: readonly ModelRow[],
  ids: readonly string[],
): Promise<void> {
  const { embeddings } = context.repositories;
  const inputOf = inputsOf(context);
  for (const model of versions)
    for (const { name, encoder } of spacesOf(model))
      if (inputOf(encoder) === 'pictures')
        await unlessGone(embeddings.removeUnpictured(model.number, name, ids), undefined);
}

/** Tells what the encoder of a space reads; null: it is not on this worker, which does not know. */
const inputsOf =
  ({ encoders }: Context) =>
  (id: string | null) =>
    id === null ? 'pictures' : (encoders.find((own) => own.id === id)?.input ?? null);

async function stillLacking(
  context: Context,
  versions: readonly ModelRow[],
  ids: readonly string[],
): Promise<Set<string>> {
  const { embeddings } = context.repositories;
  const inputOf = inputsOf(context);
  const lacking = versions.flatMap((model) =>
    spacesOf(model).map(async ({ name, encoder }) => {
      const eyes = encoder === null ? await eyeNamesOf(context, model) : [];
      return embeddings.lacking(model.number, name, inputOf(encoder), ids, eyes);
    }),
  );
  return new Set((await Promise.all(lacking.map((one) => unlessGone(one, [])))).flat());
}

/** The table of a version that is gone holds nothing up, nor does one that is not there yet: all are read for it once it is. */
const unlessGone = <T>(work: Promise<T>, otherwise: T): Promise<T> =>
  work.catch((error) => (error instanceof VersionGone ? otherwise : Promise.reject(error)));

const idsOf = (queued: readonly Queued[]): string[] => queued.map(({ productId }) => productId);
