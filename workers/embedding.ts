import type { Vector } from '../src/db/embeddings.ts';
import type { Features } from '../src/db/features.ts';
import type { ModelRow } from '../src/db/models.ts';
import { SimiliError } from '../src/errors.ts';
import { PICTURE_SIZE } from '../src/learning/served-model.ts';
import type { WorkerContext } from './context.ts';
import { findEncoder, type InstalledEncoder } from './encoders/find.ts';
import { encodePictures, encoderNamed } from './encoding.ts';
import { prefetched } from './prefetch.ts';

/** Pictures per call of the engine and per commit: what a crash may cost, and what is left to do when all are decoded. */
const BATCH = 64;

type Missing = { productId: string; source: string; contentHash: string };
type Context = Pick<
  WorkerContext,
  'repositories' | 'pictures' | 'embedder' | 'artefacts' | 'config' | 'encoder' | 'log'
>;
type Model = Pick<ModelRow, 'id' | 'number' | 'metrics'>;

/**
 * Gives every product with a decoded picture its vector under `model`. While one batch is embedded the next ones' pixels
 * are made and the one before is written. Stopped between batches it loses no finished one; run twice it changes nothing.
 * A picture that cannot be read now is left out and fetched anew by ingest, which embeds it for the versions that serve.
 * @returns vectors written.
 */
export async function embedMissing(
  context: Context,
  model: Model,
  signal: AbortSignal,
  onProgress: (written: number) => void = () => {},
): Promise<number> {
  let written = 0;
  const keep = async (rows: readonly Vector[]) => {
    await context.repositories.embeddings.upsert(model.number, rows);
    written += rows.length;
    onProgress(written);
  };
  // One pass over the catalog after another: what arrives meanwhile is in the next one. What an encoder cannot look at stays
  // missing for ever: a pass of nothing else is the last.
  while (await embedPass(context, model, signal, keep)) signal.throwIfAborted();
  return written;
}

/** Ends when all is written that it began to write, however it ends. @returns whether anything was embedded. */
async function embedPass(
  context: Context,
  model: Model,
  signal: AbortSignal,
  keep: (rows: readonly Vector[]) => Promise<void>,
): Promise<boolean> {
  const artefact = await context.artefacts.pathOf(model.id);
  const sides = sidesOf(model);
  const pixels = context.pictures.folders(sides);
  const encoder = await encoderOf(context, model);
  let found = false;
  let writing: Promise<void> = Promise.resolve();
  try {
    const missing = missingBatches(context, model, signal);
    const ready = async (rows: readonly Missing[]) => {
      const readable = await withPixels(context, rows, sides, signal);
      const seen = encoder && (await encodePictures(context, encoder, readable, signal));
      return { seen, rows: seen ? readable.filter(({ contentHash }) => seen.has(contentHash)) : readable };
    };
    for await (const { rows: batch, seen } of prefetched(missing, ready)) {
      if (batch.length === 0) continue;
      found = true;
      const pictures = batch.map(({ contentHash }) => contentHash);
      const encoded = encoder && seen ? { encoded: { [encoder.facts.id]: joined(pictures, seen) } } : {};
      const { vectors, dimensions } = await context.embedder.embed(
        { ...artefact, pictures, pixels, ...encoded },
        signal,
      );
      await writing;
      const vectorOf = (i: number) => vectors.subarray(i * dimensions, (i + 1) * dimensions);
      writing = keep(batch.map(({ productId, contentHash }, i) => ({ productId, contentHash, vector: vectorOf(i) })));
      writing.catch(() => {}); // told by the next one, or at the end
    }
  } finally {
    await writing;
  }
  return found;
}

/** Sides of the pictures that a version's vectors are computed from. Versions of before this was kept know one only. */
export function sidesOf({ metrics }: Pick<Model, 'metrics'>): number[] {
  const { training } = (metrics ?? {}) as { training?: { sides?: number[] } };
  return training?.sides ?? [PICTURE_SIZE];
}

/** The encoder that a version's vectors are computed from; null: none. @throws SimiliError ENGINE_UNAVAILABLE */
async function encoderOf(context: Context, { metrics }: Pick<Model, 'metrics'>): Promise<InstalledEncoder | null> {
  const { training } = (metrics ?? {}) as { training?: { encoder?: { id: string; choice: string } } };
  return training?.encoder ? encoderNamed(context, training.encoder, findEncoder) : null;
}

/** [pictures, dimensions] */
function joined(pictures: readonly string[], seen: Features): Uint16Array {
  const rows = pictures.map((hash) => seen.get(hash)!);
  const length = rows[0]?.length ?? 0;
  const out = new Uint16Array(rows.length * length);
  for (const [i, row] of rows.entries()) out.set(row, i * length);
  return out;
}

/** Products without a vector, in id order and in batches. */
async function* missingBatches(
  { repositories }: Context,
  { number }: Model,
  signal: AbortSignal,
): AsyncGenerator<Missing[], void> {
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const missing: Missing[] = await repositories.embeddings.missing(number, BATCH, after);
    if (missing.length === 0) return;
    yield missing;
    after = missing.at(-1)!.productId;
  }
}

/** Those whose pixels are in this machine's cache, or could be fetched again. */
async function withPixels(
  { repositories, pictures }: Context,
  missing: readonly Missing[],
  sides: readonly number[],
  signal: AbortSignal,
): Promise<Missing[]> {
  const found = await Promise.all(
    missing.map(async (row) => {
      try {
        await pictures.ensure(row.contentHash, row.source, signal, sides);
        return row;
      } catch (error) {
        if (!(error instanceof SimiliError && error.code.startsWith('IMAGE_'))) throw error;
        await repositories.images.reopen(row.source);
        return null;
      }
    }),
  );
  return found.filter((row) => row !== null);
}
