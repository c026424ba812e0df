import type { ImageRow } from '../../src/db/images.ts';
import { SimiliError } from '../../src/errors.ts';
import type { Handler } from '../../src/queue/jobs.ts';
import type { WorkerContext } from '../context.ts';
import { embedMissing } from '../embedding.ts';

/** Pictures taken at once, and for how long: a worker that dies holds them up for that time. */
const CLAIM = 32;
const CLAIM_SECONDS = 120;
/** An unreachable host is asked again this often, then its picture is FAILED until the product is sent again. */
const MAX_FETCHES = 3;

/** Fetches and decodes pending pictures, and embeds them for every version that serves or may serve again. */
export const ingestHandler =
  (context: WorkerContext): Handler<'ingest'> =>
  async (_payload, { signal }) => {
    const { images } = context.repositories;
    for (;;) {
      signal.throwIfAborted();
      const claimed = await images.claimPending(CLAIM, CLAIM_SECONDS);
      await Promise.all(claimed.map((image) => ingest(context, image, signal)));
      await embedForLiveModels(context, signal);
      if (claimed.length === 0) return;
    }
  };

/** Every outcome is written down: READY, FAILED with its reason, or PENDING for a later try. */
async function ingest(
  { repositories: { images }, pictures, log }: WorkerContext,
  image: ImageRow,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { contentHash, mime, width, height } = await pictures.load(image.source, signal);
    await images.markReady(image.id, { contentHash, mime, width, height });
  } catch (error) {
    if (signal.aborted) return; // its claim lapses
    const known = error instanceof SimiliError ? error : null;
    if (!known) log.error({ err: error, source: image.source }, 'picture failed unexpectedly');
    if ((known?.retry ?? true) && image.attempts < MAX_FETCHES) await images.postpone(image.id, 2 ** image.attempts);
    else await images.markFailed(image.id, known?.code ?? 'INTERNAL', (error as Error).message);
  }
}

async function embedForLiveModels(context: WorkerContext, signal: AbortSignal): Promise<void> {
  for (const model of await context.repositories.models.live()) {
    if ((await context.repositories.embeddings.countMissing(model.number)) > 0)
      await embedMissing(context, model, signal);
  }
}
