import type { ModelRow } from '../src/db/models.ts';
import { SimiliError } from '../src/errors.ts';
import type { WorkerContext } from './context.ts';

/** Pictures per call of the engine and per commit: what a crash may cost. */
const BATCH = 128;

type Missing = { productId: string; source: string; contentHash: string };

/**
 * Gives every product with a decoded picture its vector under `model`. Stopped between batches it loses no finished
 * one; run twice it changes nothing. A picture that cannot be read now is left out and fetched anew by ingest, which embeds it for the versions that serve.
 * @returns vectors written.
 */
export async function embedMissing(
  context: Pick<WorkerContext, 'repositories' | 'pictures' | 'embedder' | 'artefacts' | 'config'>,
  model: Pick<ModelRow, 'id' | 'number'>,
  signal: AbortSignal,
  onProgress: (written: number) => void = () => {},
): Promise<number> {
  const { embeddings } = context.repositories;
  const artefact = await context.artefacts.pathOf(model.id);
  let written = 0;
  for (;;) {
    signal.throwIfAborted();
    const missing = await embeddings.missing(model.number, BATCH);
    if (missing.length === 0) return written;
    const readable = await withPixels(context, missing, signal);
    if (readable.length === 0) continue;
    const pictures = readable.map(({ pixels }) => pixels);
    const { vectors, dimensions } = await context.embedder.embed({ ...artefact, pictures }, signal);
    await embeddings.upsert(
      model.number,
      readable.map(({ productId, contentHash }, i) => ({
        productId,
        contentHash,
        vector: vectors.subarray(i * dimensions, (i + 1) * dimensions),
      })),
    );
    written += readable.length;
    onProgress(written);
  }
}

/** The pixel files of pictures, fetched again where this machine's cache lacks them. */
async function withPixels(
  { repositories, pictures }: Pick<WorkerContext, 'repositories' | 'pictures'>,
  missing: readonly Missing[],
  signal: AbortSignal,
): Promise<(Missing & { pixels: string })[]> {
  const found = await Promise.all(
    missing.map(async (row) => {
      try {
        return { ...row, pixels: await pictures.ensure(row.contentHash, row.source, signal) };
      } catch (error) {
        if (!(error instanceof SimiliError && error.code.startsWith('IMAGE_'))) throw error;
        await repositories.images.reopen(row.source);
        return null;
      }
    }),
  );
  return found.filter((row) => row !== null);
}
