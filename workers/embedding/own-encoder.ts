import { SimiliError } from 'simili/internal/errors';
import type { Encoded, Encoder } from 'simili/internal/ports/encoder';
import type { VersionSpace } from 'simili/internal/ports/space';
import type { WorkerContext } from '../context.ts';

/** Longest time of one call, ms: code that waits for an answer which never comes would hold up all products and pictures of its worker. */
const LONGEST_MS = 600_000;

/** Spaces that a version gets which is made now: one for each of the shop's own encoders. */
export const spacesOfEncoders = ({ encoders }: Pick<WorkerContext, 'encoders'>): VersionSpace[] =>
  encoders.map(({ id, space: { name, dimensions, distance, storage }, weight }) => ({
    name,
    dimensions,
    distance,
    storage,
    weight,
    encoder: id,
  }));

/**
 * The shop's encoder of a version's space; its answers are checked, and made unit length.
 * @param longestMs of one call: then it is told to stop, by its signal, and is not waited for
 * @throws SimiliError ENGINE_UNAVAILABLE: this worker has none of that id.
 */
export function ownEncoder(
  { encoders }: Pick<WorkerContext, 'encoders'>,
  space: VersionSpace,
  longestMs = LONGEST_MS,
): Encoder {
  const found = encoders.find(({ id }) => id === space.encoder);
  if (found) return checked(found, space, longestMs);
  const why = `no encoder of that id is among the extensions here: bring it back, or retrain without it`;
  throw new SimiliError('ENGINE_UNAVAILABLE', { engine: `encoder ${space.encoder}`, why });
}

function checked(encoder: Encoder, space: VersionSpace, longestMs: number): Encoder {
  const encode = async (items: readonly never[], signal: AbortSignal): Promise<Encoded[]> => {
    const encoded = await encodeAll(encoder, items, signal, longestMs);
    if (!Array.isArray(encoded) || encoded.length !== items.length)
      throw failed(encoder, `it was asked for ${items.length} vectors and gave ${encoded?.length ?? 'none'}`);
    return encoded.map((vector) => unitOf(encoder, space.dimensions, vector));
  };
  return { ...encoder, space, encode };
}

async function encodeAll(encoder: Encoder, items: readonly never[], signal: AbortSignal, longestMs: number) {
  const late = new AbortController();
  const why = `it has not answered in ${longestMs / 1000} s`;
  const timer = setTimeout(() => late.abort(failed(encoder, why)), longestMs);
  try {
    const over = new Promise<never>((_resolve, reject) =>
      late.signal.addEventListener('abort', () => reject(late.signal.reason)),
    );
    return await Promise.race([encoder.encode(items, AbortSignal.any([signal, late.signal])), over]);
  } catch (error) {
    if (signal.aborted || error instanceof SimiliError) throw error;
    throw failed(encoder, (error as Error)?.message ?? String(error));
  } finally {
    clearTimeout(timer);
  }
}

function unitOf(encoder: Encoder, dimensions: number, vector: unknown): Encoded {
  if (vector === null || vector === undefined) return vector;
  if (!(vector instanceof Float32Array) || vector.length !== dimensions)
    throw failed(encoder, `it gave something else than a Float32Array of ${dimensions}, null or undefined`);
  const norm = Math.hypot(...vector);
  if (!Number.isFinite(norm)) throw failed(encoder, 'it gave values that are no numbers');
  return norm === 0 ? null : vector.map((value) => value / norm);
}

const failed = ({ id }: Encoder, why: string): SimiliError => new SimiliError('ENCODER_FAILED', { encoder: id, why });
