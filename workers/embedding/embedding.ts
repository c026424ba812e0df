import { isHandMade } from '@simili/learning/features/index';
import { isOfEncoder } from '@simili/learning/models/encoder-facts';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { MissingVector, Vector } from 'simili/internal/db/embeddings';
import type { Features } from 'simili/internal/db/features';
import type { ModelRow } from 'simili/internal/db/models';
import { SimiliError } from 'simili/internal/errors';
import type { WorkerContext } from '../context.ts';
import { type AnyEye, goldenEye } from '../encoders/eyes.ts';
import { findEncoder } from '../encoders/find.ts';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';
import { prefetched } from '../tools/prefetch.ts';
import { isBlindTo } from './encode-batch.ts';
import { encodePictures, encoderNamed } from './encoding.ts';

/** Products per call of the engine and per commit: what a crash may cost, and what is left to do when all are decoded. */
const BATCH = 64;
/** The same where nothing is decoded: 3 MB of what is stored. */
const PROJECTED = 512;

type Context = Pick<
  WorkerContext,
  'repositories' | 'pictures' | 'embedder' | 'artefacts' | 'config' | 'encoder' | 'log'
>;
type Model = Pick<ModelRow, 'id' | 'number' | 'metrics'>;

/**
 * Gives every product with a decoded first picture its vector under `model`: of all its decoded pictures. While one batch is embedded the next ones' features
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
    const ready = async (rows: readonly MissingVector[]) => {
      const readable = sides.length > 0 ? await withPixels(context, rows, sides, signal) : rows;
      return seenBy(context, eyes, readable, signal);
    };
    for await (const { rows: batch, encoded } of prefetched(missing, ready)) {
      if (batch.length === 0) continue;
      found = true;
      const pictures = hashesOf(batch);
      const counts = pictures.length > batch.length ? { counts: batch.map((row) => row.pictures.length) } : {};
      const request = { ...artefact, ...counts, pictures, pixels, encoded };
      const { vectors, dimensions } = await context.embedder.embed(request, signal);
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

const hashesOf = (rows: readonly MissingVector[]): string[] =>
  rows.flatMap(({ pictures }) => pictures.map(({ contentHash }) => contentHash));

/**
 * @returns those of whose pictures the eyes can see all, or all but some that an encoder gives no numbers for, without these; and
 * what the eyes see in their pictures: [pictures, dimensions] by id. Others wait: their unread pictures come again by ingest.
 */
async function seenBy(
  context: Context,
  eyes: readonly AnyEye[],
  rows: readonly MissingVector[],
  signal: AbortSignal,
): Promise<{ rows: MissingVector[]; encoded: Record<string, Uint16Array> }> {
  const pictures = rows.flatMap((row) => row.pictures);
  const seen = await Promise.all(eyes.map((eye) => encodePictures(context, eye, pictures, signal)));
  const isSeen = (hash: string) => seen.every((found) => found.has(hash));
  const isBlind = (hash: string) => eyes.some(({ facts }) => isBlindTo(context.embedder, facts.id, hash));
  const kept = rows.flatMap((row) => {
    if (!row.pictures.every(({ contentHash }) => isSeen(contentHash) || isBlind(contentHash))) return [];
    const own = row.pictures.filter(({ contentHash }) => isSeen(contentHash));
    return own.length > 0 ? [{ ...row, pictures: own }] : [];
  });
  const hashes = hashesOf(kept);
  return { rows: kept, encoded: Object.fromEntries(eyes.map(({ facts }, i) => [facts.id, joined(hashes, seen[i]!)])) };
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
): AsyncGenerator<MissingVector[], void> {
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const missing = await repositories.embeddings.missing(number, limit, after);
    if (missing.length === 0) return;
    yield missing;
    after = missing.at(-1)!.productId;
  }
}

/** Those all of whose pixels are in this machine's cache, or could be fetched again. */
async function withPixels(
  { repositories, pictures }: Context,
  missing: readonly MissingVector[],
  sides: readonly number[],
  signal: AbortSignal,
): Promise<MissingVector[]> {
  const isReadable = async ({ contentHash, source }: MissingVector['pictures'][number]): Promise<boolean> => {
    try {
      await pictures.ensure(contentHash, source, signal, sides);
      return true;
    } catch (error) {
      if (!(error instanceof SimiliError && error.code.startsWith('IMAGE_'))) throw error;
      await repositories.images.reopen(source);
      return false;
    }
  };
  const readable = await Promise.all(
    missing.map(async (row) => (await Promise.all(row.pictures.map(isReadable))).every(Boolean)),
  );
  return missing.filter((_row, i) => readable[i]);
}
