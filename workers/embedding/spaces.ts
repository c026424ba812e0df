import { type ModelRow, type OfSpaces, spacesOf } from 'simili/internal/db/models';
import type { VersionSpace } from 'simili/internal/ports/space';
import type { WorkerContext } from '../context.ts';
import { embedMissing, eyeNamesOf } from './embedding.ts';
import { fillSpace } from './fill-space.ts';
import { ownEncoder } from './own-encoder.ts';

type Context = Parameters<typeof embedMissing>[0] & Pick<WorkerContext, 'encoders' | 'telemetry'>;
type Version = Pick<ModelRow, 'id' | 'number' | 'metrics'> & OfSpaces;

/** A space of a version, as this worker can fill it. */
export type Fillable = {
  readonly space: VersionSpace;
  /** Products without their vector. */
  countMissing(): Promise<number>;
  /** Those of the products that lack it; null: of all. */
  lacking(ids: readonly string[] | null): Promise<string[]>;
  /** @param only these; left out: all. @returns vectors written. @throws SimiliError of the encoder. */
  fill(signal: AbortSignal, onProgress?: (written: number) => void, only?: readonly string[]): Promise<number>;
  /** Products that still lack one wait in the queue. */
  queueMissing(): Promise<void>;
};

/** @throws SimiliError ENGINE_UNAVAILABLE: the encoder of one of its spaces is not on this worker. */
export const fillable = (context: Context, model: Version): Fillable[] =>
  spacesOf(model).map((space) =>
    space.encoder === null ? ofPictures(context, model, space) : own(context, model, space),
  );

/** Those whose encoder is on this worker. */
export const fillableHere = (context: Context, model: Version): Fillable[] => {
  const here = new Set(context.encoders.map(({ id }) => id));
  const spaces = (model.spaces as VersionSpace[]).filter(({ encoder }) => encoder !== null && here.has(encoder));
  return fillable(context, { ...model, spaces });
};

/** Products that lack a vector, each as often as it lacks one. */
export async function countMissing(spaces: readonly Fillable[]): Promise<number> {
  const counts = await Promise.all(spaces.map((space) => space.countMissing()));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Products that lack a vector though they were tried, each as often as it lacks one. Those that arrive meanwhile wait in the queue: a shop that writes all
 * day lacks some at every moment.
 */
export async function countFailed(
  spaces: readonly Pick<Fillable, 'lacking' | 'fill'>[],
  signal: AbortSignal,
): Promise<number> {
  let failed = 0;
  for (const space of spaces) {
    const lacking = await space.lacking(null);
    if (lacking.length === 0) continue;
    await space.fill(signal, undefined, lacking);
    failed += (await space.lacking(lacking)).length;
  }
  return failed;
}

/** Fills one space after the other. @returns vectors written. */
export async function fillAll(
  spaces: readonly Fillable[],
  signal: AbortSignal,
  onProgress: (written: number) => void = () => {},
): Promise<number> {
  let before = 0;
  for (const space of spaces) before += await space.fill(signal, (written) => onProgress(before + written));
  return before;
}

function ofPictures(context: Context, model: Version, space: VersionSpace): Fillable {
  const { embeddings } = context.repositories;
  return {
    space,
    countMissing: () => embeddings.countMissing(model.number),
    lacking: async (ids) =>
      embeddings.lacking(model.number, space.name, 'pictures', ids, await eyeNamesOf(context, model)),
    queueMissing: () => embeddings.queueMissing(model.number, space.name, 'pictures'),
    fill: (signal, onProgress, only) => told(context, space, embedMissing(context, model, signal, onProgress, only)),
  };
}

function own(context: Context, model: Version, space: VersionSpace): Fillable {
  const { repositories } = context;
  const { embeddings } = repositories;
  const encoder = ownEncoder(context, space);
  return {
    space,
    countMissing: () => embeddings.countMissing(model.number, space.name, encoder.input),
    lacking: (ids) => embeddings.lacking(model.number, space.name, encoder.input, ids),
    queueMissing: () => embeddings.queueMissing(model.number, space.name, encoder.input),
    fill: (signal, onProgress, only) =>
      told(context, space, fillSpace(context, model.number, encoder, signal, onProgress, only)),
  };
}

async function told({ telemetry, repositories: { catalog } }: Context, space: VersionSpace, filling: Promise<number>) {
  const written = await filling;
  if (written > 0) telemetry.count('simili.vectors', written, { catalog, space: space.name });
  return written;
}
