import { type ErrorCode, SimiliError } from 'simili/internal/errors';
import type { WorkerContext } from '../context.ts';
import type { AnyEye } from '../encoders/eyes.ts';

type Context = Pick<WorkerContext, 'embedder' | 'log'>;
/** How an encoder fares in this process. */
type Health = {
  /** It failed, and is left alone until then (Date.now()): whoever asks gets `error`. */
  restUntil: number;
  error: unknown;
  /** It looked at some picture before. */
  worked: boolean;
  /** Hashes of pictures that it cannot look at: it gives no numbers for them. */
  readonly blind: Set<string>;
};

/** An encoder that fails is tried again after so long. */
const REST_MS = 60_000;
/** Pictures that fail each by itself, and none that does not: then it is the encoder that fails. */
const TELLING = 8;
const FAULTS: readonly ErrorCode[] = [
  'IMPORT_UNREADABLE',
  'MODEL_TOO_COSTLY',
  'ENGINE_UNAVAILABLE',
  'ENGINE_CRASHED',
  'ENCODER_FAILED',
];

/** Whether an error says that an encoder, or the process that it runs in, cannot look at pictures now. */
export const isEncoderFault = (error: unknown): error is SimiliError =>
  error instanceof SimiliError && FAULTS.includes(error.code);

const healths = new WeakMap<object, Map<string, Health>>();

function healthOf(embedder: object, id: string): Health {
  const byId = healths.get(embedder) ?? new Map<string, Health>();
  healths.set(embedder, byId);
  const health = byId.get(id) ?? { restUntil: 0, error: null, worked: false, blind: new Set() };
  byId.set(id, health);
  return health;
}

/** Whether an encoder was found to give no numbers for a picture. */
export const isBlindTo = (embedder: object, id: string, hash: string): boolean =>
  healths.get(embedder)?.get(id)?.blind.has(hash) ?? false;

/**
 * Vectors of an encoder by the pictures' hashes. One that it gives no numbers for is left out, told, and not shown to it
 * again: the others of its batch have no part in that.
 * @param folder of their pixels
 * @throws SimiliError as `isEncoderFault` where it fails on all, and for a minute after.
 */
export async function encodeBatch(
  { embedder, log }: Context,
  encoder: AnyEye,
  pictures: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<Map<string, Uint16Array>> {
  const { id, dimensions } = encoder.facts;
  const health = healthOf(embedder, id);
  if (Date.now() < health.restUntil) throw health.error;
  const rows = new Map<string, Uint16Array>();
  const failed = new Map<string, SimiliError>();
  const look = async (some: readonly string[]): Promise<void> => {
    try {
      const { vectors } = await embedder.encode({ encoder, pictures: [...some], folder }, signal);
      for (const [i, hash] of some.entries()) rows.set(hash, vectors.subarray(i * dimensions, (i + 1) * dimensions));
    } catch (error) {
      if (signal.aborted || !(error instanceof SimiliError && error.code === 'IMPORT_UNREADABLE')) throw error;
      if (some.length === 1) failed.set(some[0]!, error);
      if (some.length === 1 && rows.size === 0 && failed.size >= TELLING) throw error;
      if (some.length === 1) return;
      await look(some.slice(0, some.length / 2));
      await look(some.slice(some.length / 2));
    }
  };
  try {
    const seen = pictures.filter((hash) => !health.blind.has(hash));
    if (seen.length === 0) return rows;
    await look(seen);
    const isOneOfMany = health.worked && seen.length === 1;
    if (rows.size === 0 && !isOneOfMany) throw failed.values().next().value as SimiliError;
  } catch (error) {
    if (!signal.aborted && isEncoderFault(error)) Object.assign(health, { restUntil: Date.now() + REST_MS, error });
    throw error;
  }
  health.worked ||= rows.size > 0;
  for (const [hash, error] of failed) {
    health.blind.add(hash);
    log.warn({ encoder: id, contentHash: hash, reason: error.message }, 'picture left out: the encoder cannot see it');
  }
  return rows;
}
