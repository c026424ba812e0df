import type { Vector } from '../src/db/embeddings.ts';
import type { Features } from '../src/db/features.ts';
import type { ModelRow } from '../src/db/models.ts';
import { SimiliError } from '../src/errors.ts';
import { isOfEncoder } from '../src/learning/encoder-facts.ts';
import { isHandMade } from '../src/learning/features/index.ts';
import { PICTURE_SIZE } from '../src/learning/served-model.ts';
import type { WorkerContext } from './context.ts';
import { findEncoder, type InstalledEncoder } from './encoders/find.ts';
import { encodePictures, encoderNamed } from './encoding.ts';
import { type AnyEye, goldenEye } from './eyes.ts';
import { prefetched } from './prefetch.ts';

/** Pictures per call of the engine and per commit: what a crash may cost, and what is left to do when all are decoded. */
const BATCH = 64;
/** The same where nothing is decoded: 3 MB of what is stored. */
const PROJECTED = 512;

type Missing = { productId: string; source: string; contentHash: string };
type Context = Pick<
  WorkerContext,
  'repositories' | 'pictures' | 'embedder' | 'artefacts' | 'config' | 'encoder' | 'log'
>;
type Model = Pick<ModelRow, 'id' | 'number' | 'metrics'>;

/**
 * Gives every product with a decoded picture its vector under `model`. While one batch is embedded the next ones' features
 * are read, or their pixels made, and the one before is written. Stopped between batches it loses no finished one; run twice it changes nothing.
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
  const eyes = await eyesFor(context, model);
  let found = false;
  let writing: Promise<void> = Promise.resolve();
  try {
    const missing = missingBatches(context, model, sides.length > 0 ? BATCH : PROJECTED, signal);
    const ready = async (rows: readonly Missing[]) => {
      const readable = sides.length > 0 ? await withPixels(context, rows, sides, signal) : rows;
      return seenBy(context, eyes, readable, signal);
    };
    for await (const { rows: batch, encoded } of prefetched(missing, ready)) {
      if (batch.length === 0) continue;
      found = true;
      const pictures = batch.map(({ contentHash }) => contentHash);
      const { vectors, dimensions } = await context.embedder.embed({ ...artefact, pictures, pixels, encoded }, signal);
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

type Facts = {
  sides?: number[];
  /** By the features of the version's blocks. */
  shares?: Record<string, number>;
  encoder?: { id: string; choice: string };
};
const factsOf = ({ metrics }: Pick<Model, 'metrics'>): Facts =>
  ((metrics ?? {}) as { training?: Facts }).training ?? {};

/**
 * Sides of the pictures that a version's vectors are computed from; []: without a network it is a projection of what is
 * stored. Versions of before this was kept know one side only.
 */
export function sidesOf(model: Pick<Model, 'metrics'>): number[] {
  const { sides, shares } = factsOf(model);
  return shares && !Object.hasOwn(shares, 'network') ? [] : (sides ?? [PICTURE_SIZE]);
}

/**
 * Whose stored vectors a version is computed from. The hand-made features of a version with a network are taken of the
 * pixels, which it reads anyway.
 * @throws SimiliError ENGINE_UNAVAILABLE: its encoder is not on this machine.
 */
async function eyesFor(context: Context, model: Pick<Model, 'metrics'>): Promise<AnyEye[]> {
  const { shares } = factsOf(model);
  const handMade = sidesOf(model).length === 0 && Object.keys(shares ?? {}).some(isHandMade);
  const encoder = await encoderOf(context, model);
  return [...(handMade ? [goldenEye] : []), ...(encoder ? [encoder] : [])];
}

/**
 * The encoder that a version's vectors are computed with; null: none.
 * @throws SimiliError ENGINE_UNAVAILABLE: it is not on this machine.
 */
export async function encoderOf(
  context: Pick<WorkerContext, 'encoder' | 'config'>,
  model: Pick<Model, 'metrics'>,
): Promise<InstalledEncoder | null> {
  const { encoder, shares } = factsOf(model);
  if (!encoder) return null;
  const isAsked = !shares || Object.keys(shares).some((feature) => isOfEncoder(feature, encoder.id));
  if (!isAsked) return null;
  return encoderNamed(context, encoder, (choice) => findEncoder(choice, context.config.SIMILI_DATA_DIR));
}

/** @returns those that all the eyes can see, and what they see in them: [rows, dimensions] by its id. */
async function seenBy(context: Context, eyes: readonly AnyEye[], rows: readonly Missing[], signal: AbortSignal) {
  const seen = await Promise.all(eyes.map((eye) => encodePictures(context, eye, rows, signal)));
  const kept = rows.filter(({ contentHash }) => seen.every((found) => found.has(contentHash)));
  const pictures = kept.map(({ contentHash }) => contentHash);
  const encoded = Object.fromEntries(eyes.map(({ facts }, i) => [facts.id, joined(pictures, seen[i]!)]));
  return { rows: kept, encoded };
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
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Missing[], void> {
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const missing: Missing[] = await repositories.embeddings.missing(number, limit, after);
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
