import { isHandMade } from '@simili/learning/features/index';
import { isOfEncoder } from '@simili/learning/models/encoder-facts';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { Features } from 'simili/internal/db/features';
import type { ModelRow } from 'simili/internal/db/models';
import type { PictureEncoder, ProductPictures } from 'simili/internal/ports/encoder';
import { pictureSpace } from 'simili/internal/ports/space';
import type { WorkerContext } from '../context.ts';
import { type AnyEye, goldenEye } from '../encoders/eyes.ts';
import { findEncoder } from '../encoders/find.ts';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';
import type { Paced } from '../tools/pace.ts';
import { encodePictures, encoderNamed, keyOf } from './encoding.ts';
import { fillSpace } from './fill-space.ts';
import { isReadable } from './is-readable.ts';

/** Products per call of the engine and per commit: what a crash may cost, and what is left to do when all are decoded. */
const BATCH = 64;
/** The same where nothing is decoded: 3 MB of what is stored. */
const PROJECTED = 512;

type Context = Pick<
  WorkerContext,
  'repositories' | 'pictures' | 'embedder' | 'artefacts' | 'config' | 'encoder' | 'log'
> &
  Paced;
type Model = Pick<ModelRow, 'id' | 'number' | 'metrics'>;

/**
 * Gives every product with a decoded first picture its vector under `model`: of all its decoded pictures (`fillSpace`).
 * A picture that cannot be read now is left out and, unless its host rests, fetched anew by ingest, which embeds it for the versions that serve.
 * @returns vectors written.
 */
export async function embedMissing(
  context: Context,
  model: Model,
  signal: AbortSignal,
  onProgress?: (written: number) => void,
  only?: readonly string[],
): Promise<number> {
  const encoder = await encoderOfVersion(context, model);
  return fillSpace(context, model.number, encoder, signal, onProgress, only);
}

/** A version's own artefact as an encoder: what it makes of pictures, from what the eyes see in them or from their pixels. */
async function encoderOfVersion(context: Context, model: Model): Promise<PictureEncoder> {
  const artefact = await context.artefacts.pathOf(context.repositories.models, model.id);
  const sides = sidesOf(model);
  const pixels = context.pictures.folders(sides);
  const eyes = await eyesFor(context, model);
  /** The engine computes one batch at a time; what the next ones need is read meanwhile. */
  let computing: Promise<unknown> = Promise.resolve();
  return {
    id: model.id,
    space: pictureSpace(1),
    weight: 1,
    input: 'pictures',
    batch: sides.length > 0 ? BATCH : PROJECTED,
    async encode(items, signal) {
      const readable = sides.length > 0 ? await withPixels(context, items, sides, signal) : items;
      const { rows, encoded } = await seenBy(context, eyes, readable, signal);
      if (rows.length === 0) return items.map(() => undefined);
      const pictures = hashesOf(rows);
      const counts = pictures.length > rows.length ? { counts: rows.map((row) => row.pictures.length) } : {};
      const request = { ...artefact, ...counts, pictures, pixels, encoded };
      const next = computing.then(() => context.embedder.embed(request, signal));
      computing = next.catch(() => {});
      const { vectors, dimensions } = await next;
      const vectorOf = new Map(
        rows.map(({ productId }, i) => [productId, vectors.subarray(i * dimensions, (i + 1) * dimensions)]),
      );
      return items.map(({ productId }) => vectorOf.get(productId));
    },
  };
}

type Facts = {
  sides?: number[];
  /** By the features of the version's blocks. */
  shares?: Record<string, number>;
  encoder?: { id: string; choice: string };
};
export const factsOf = ({ metrics }: Pick<Model, 'metrics'>): Facts =>
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
export async function eyesFor(
  context: Pick<WorkerContext, 'encoder' | 'config'>,
  model: Pick<Model, 'metrics'>,
): Promise<AnyEye[]> {
  const { shares } = factsOf(model);
  const handMade = sidesOf(model).length === 0 && Object.keys(shares ?? {}).some(isHandMade);
  const encoder = await encoderOf(context, model);
  return [...(handMade ? [goldenEye] : []), ...(encoder ? [encoder] : [])];
}

/** The names under which is kept what they see; none where one is not on this machine. */
export async function eyeNamesOf(
  context: Pick<WorkerContext, 'encoder' | 'config' | 'pictures'>,
  model: Pick<Model, 'metrics'>,
): Promise<string[]> {
  const eyes = await eyesFor(context, model).catch(() => []);
  return eyes.map((eye) => keyOf(context, eye));
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

const hashesOf = (rows: readonly ProductPictures[]): string[] =>
  rows.flatMap(({ pictures }) => pictures.map(({ contentHash }) => contentHash));

/**
 * @returns those of whose pictures the eyes can see all, or all but some that an encoder gives no numbers for, without these; and
 * what the eyes see in their pictures: [pictures, dimensions] by id. Others wait: their unread pictures come again by ingest.
 */
async function seenBy(
  context: Context,
  eyes: readonly AnyEye[],
  rows: readonly ProductPictures[],
  signal: AbortSignal,
): Promise<{ rows: ProductPictures[]; encoded: Record<string, Uint16Array> }> {
  const pictures = rows.flatMap((row) => row.pictures);
  const seen = await Promise.all(eyes.map((eye) => encodePictures(context, eye, pictures, signal)));
  const isSeen = (hash: string) => seen.every((found) => found.has(hash));
  const unseen = hashesOf(rows).filter((hash) => !isSeen(hash));
  const blind = await Promise.all(eyes.map((eye) => context.repositories.features.unseen(keyOf(context, eye), unseen)));
  const isBlind = (hash: string) => blind.some((hashes) => hashes.has(hash));
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

/** Those all of whose pixels are in this machine's cache, or could be fetched again. */
async function withPixels(
  context: Context,
  missing: readonly ProductPictures[],
  sides: readonly number[],
  signal: AbortSignal,
): Promise<ProductPictures[]> {
  const isWhole = async (row: ProductPictures) =>
    (await Promise.all(row.pictures.map((picture) => isReadable(context, picture, sides, signal)))).every(Boolean);
  const readable = await Promise.all(missing.map(isWhole));
  return missing.filter((_row, i) => readable[i]);
}
