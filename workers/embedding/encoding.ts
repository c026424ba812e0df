import { PICTURE_SIZE } from '@simili/learning/picture';
import type { Features } from 'simili/internal/db/features';
import { SimiliError } from 'simili/internal/errors';
import type { WorkerContext } from '../context.ts';
import type { AnyEye, Eye } from '../encoders/eyes.ts';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';
import type { PictureService } from '../pictures/picture-service.ts';
import { atOnce, type Paced } from '../tools/pace.ts';
import { prefetched } from '../tools/prefetch.ts';
import { type Encoded, encodeBatch } from './encode-batch.ts';
import { isReadable } from './is-readable.ts';
import { usePixels } from './pixel-users.ts';

/** A picture of a catalog; `contentHash` is what it was when it was decoded. */
export type SourcePicture = { source: string; contentHash: string };
type Context = Pick<WorkerContext, 'repositories' | 'pictures' | 'embedder' | 'config' | 'log'> & Paced;

/** Pictures per call of the engine and per commit. */
const BATCH = 32;

/** Sides of the pixels that are made when a picture is read: a second reading may be a second download. */
export const sidesOfEyes = (eyes: readonly Eye[]): number[] => [
  ...new Set([PICTURE_SIZE, ...eyes.map(({ description }) => description.input.side)]),
];

/**
 * Vectors of an eye for pictures: from the database, else computed now and committed. Pictures that cannot
 * be read now are left out, and fetched anew by ingest; so are those that the encoder gives no numbers for.
 * @throws SimiliError where the encoder fails: `isEncoderFault`.
 */
export async function encodePictures(
  context: Context,
  encoder: AnyEye,
  pictures: readonly SourcePicture[],
  signal: AbortSignal,
): Promise<Features> {
  const { features } = context.repositories;
  const hashes = [...new Set(pictures.map(({ contentHash }) => contentHash))];
  const found = new Map(await features.of(keyOf(context, encoder), hashes));
  const unknown = unknownOf(pictures, found);
  for await (const [hash, bits] of encodeNew(context, encoder, unknown, signal)) found.set(hash, bits);
  return found;
}

/** The same without reading what is known already. */
export async function encodeMissing(
  context: Context,
  encoder: AnyEye,
  pictures: readonly SourcePicture[],
  signal: AbortSignal,
): Promise<void> {
  const hashes = pictures.map(({ contentHash }) => contentHash);
  const known = await context.repositories.features.known(keyOf(context, encoder), hashes);
  for await (const _ of encodeNew(context, encoder, unknownOf(pictures, known), signal));
}

/** Names the vectors of an eye from pictures as they are decoded here. */
export const keyOf = (
  { pictures }: { readonly pictures: Pick<PictureService, 'look'> },
  { facts, description }: Eye,
): string => `${facts.id}/${pictures.look(description.input.side)}`;

/** One of each content. */
const unknownOf = (pictures: readonly SourcePicture[], known: { has(hash: string): boolean }): SourcePicture[] => [
  ...new Map(
    pictures.filter(({ contentHash }) => !known.has(contentHash)).map((row) => [row.contentHash, row] as const),
  ).values(),
];

/** The hash of a picture of the catalog that an eye saw before, and that can be read now; null: there is none. */
export async function seenBefore(
  context: Pick<WorkerContext, 'repositories' | 'pictures'>,
  eye: Eye,
  signal: AbortSignal,
): Promise<string | null> {
  const { features, catalog } = context.repositories;
  const picture = await features.anySeen(keyOf(context, eye), catalog);
  return picture && (await isReadable(context, picture, [eye.description.input.side], signal))
    ? picture.contentHash
    : null;
}

/** While the eye looks at some pictures the pixels of the next are made sure of, and what it saw before is written. */
async function* encodeNew(
  context: Context,
  encoder: AnyEye,
  unknown: readonly SourcePicture[],
  signal: AbortSignal,
): AsyncGenerator<[string, Uint16Array], void> {
  const { pace = atOnce } = context;
  const { features } = context.repositories;
  const { side } = encoder.description.input;
  const key = keyOf(context, encoder);
  const before = () => seenBefore(context, encoder, signal);
  const folder = context.pictures.folders([side])[side] as string;
  const held = new Set<() => string[]>();
  const ready = async (batch: readonly SourcePicture[]) => {
    const hashes = batch.map(({ contentHash }) => contentHash);
    const done = usePixels(context.pictures, hashes, side);
    held.add(done);
    return { done, readable: await readableOf(context, batch, side, signal) };
  };
  const unseen = await features.unseen(
    key,
    unknown.map(({ contentHash }) => contentHash),
  );
  const pictures = unknownOf(unknown, unseen);
  const keep = async ({ rows, blind }: Encoded, done: () => string[]) => {
    await features.add(key, rows);
    await features.addUnseen(key, blind);
    held.delete(done);
    const unused = done();
    // Those of the common side are what everybody reads.
    if (side !== PICTURE_SIZE) await context.pictures.forget(unused, side);
  };
  let keeping: Promise<void> = Promise.resolve();
  try {
    for await (const { done, readable } of prefetched(batchesOf(pictures, signal), ready)) {
      signal.throwIfAborted();
      await pace(signal);
      const encoded = await encodeBatch(context, { encoder, folder, seenBefore: before }, readable, signal);
      await keeping;
      keeping = keep(encoded, done);
      keeping.catch(() => {}); // told by the next one, or at the end
      yield* encoded.rows;
    }
  } finally {
    await keeping;
    for (const done of held) done();
  }
}

async function* batchesOf<T>(all: readonly T[], signal: AbortSignal): AsyncGenerator<readonly T[], void> {
  for (let at = 0; at < all.length; at += BATCH) {
    signal.throwIfAborted();
    yield all.slice(at, at + BATCH);
  }
}

/** Those whose pixels are in this machine's cache, or could be fetched again. */
async function readableOf(
  context: Context,
  rows: readonly SourcePicture[],
  side: number,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await Promise.all(rows.map((picture) => isReadable(context, picture, [side], signal)));
  return rows.filter((_picture, i) => found[i]).map(({ contentHash }) => contentHash);
}

/**
 * The encoder of a version, which need not be the one that is configured now.
 * @throws SimiliError ENGINE_UNAVAILABLE: it is not on this machine.
 */
export async function encoderNamed(
  { encoder }: Pick<WorkerContext, 'encoder'>,
  { id, choice }: { id: string; choice: string },
  find: (choice: string) => Promise<InstalledEncoder | null>,
): Promise<InstalledEncoder> {
  if (encoder?.facts.id === id) return encoder;
  const found = await find(choice).catch(() => null);
  if (found?.facts.id === id) return found;
  const why = `${choice} is not what this version was made with: put that encoder back, or retrain with another`;
  throw new SimiliError('ENGINE_UNAVAILABLE', { engine: `encoder ${id}`, why });
}
