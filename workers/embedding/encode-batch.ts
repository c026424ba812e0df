import { type ErrorCode, SimiliError } from 'simili/internal/errors';
import type { WorkerContext } from '../context.ts';
import type { AnyEye } from '../encoders/eyes.ts';

type Context = Pick<WorkerContext, 'embedder' | 'log'>;
/** How an encoder fares in this process: it failed, and is left alone until then (performance.now(), which no change of the clock moves). Whoever asks gets `error`. */
type Health = { restUntil: number; error: unknown };
/** How an encoder looks at pictures, and how it is found out whether it can. */
type Looking = {
  readonly encoder: AnyEye;
  /** Holds the pictures' pixels. */
  readonly folder: string;
  /** The hash of a picture that it saw before and whose pixels are at hand; null: there is none. */
  seenBefore(): Promise<string | null>;
};
/** Vectors by the pictures' hashes, and the hashes of those that it gives no numbers for. */
export type Encoded = { readonly rows: Map<string, Uint16Array>; readonly blind: string[] };

/** An encoder that fails is tried again after so long. */
const REST_MS = 60_000;
/** Pictures that fail each by itself, and none that does not: then it may be the encoder that fails. */
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
  const health = byId.get(id) ?? { restUntil: 0, error: null };
  byId.set(id, health);
  return health;
}

/**
 * Shows pictures to an encoder. Of one that it gives no numbers for the others of its batch have no part: it is told, and not to be shown again.
 * Where it sees none of them, one that it saw before says whether that is the pictures' fault.
 * @throws SimiliError as `isEncoderFault` where it fails on all, and for a minute after.
 */
export async function encodeBatch(
  { embedder, log }: Context,
  { encoder, folder, seenBefore }: Looking,
  pictures: readonly string[],
  signal: AbortSignal,
): Promise<Encoded> {
  const { id, dimensions } = encoder.facts;
  const health = healthOf(embedder, id);
  const rows = new Map<string, Uint16Array>();
  if (pictures.length === 0) return { rows, blind: [] };
  if (performance.now() < health.restUntil) throw health.error;
  const failed = new Map<string, SimiliError>();
  const encode = (some: readonly string[]) => embedder.encode({ encoder, pictures: [...some], folder }, signal);
  let works: Promise<void> | undefined;
  const checkWorks = (error: unknown): Promise<void> => {
    works ??= seenBefore().then(async (hash) => {
      if (hash === null) throw error;
      await encode([hash]);
    });
    return works;
  };
  const look = async (some: readonly string[]): Promise<void> => {
    try {
      const { vectors } = await encode(some);
      for (const [i, hash] of some.entries()) rows.set(hash, vectors.subarray(i * dimensions, (i + 1) * dimensions));
    } catch (error) {
      if (signal.aborted || !(error instanceof SimiliError && error.code === 'IMPORT_UNREADABLE')) throw error;
      if (some.length === 1) failed.set(some[0]!, error);
      if (some.length === 1 && rows.size === 0 && failed.size >= TELLING) await checkWorks(error);
      if (some.length === 1) return;
      await look(some.slice(0, some.length / 2));
      await look(some.slice(some.length / 2));
    }
  };
  try {
    await look(pictures);
    if (rows.size === 0) await checkWorks(failed.values().next().value);
  } catch (error) {
    if (!signal.aborted && isEncoderFault(error))
      Object.assign(health, { restUntil: performance.now() + REST_MS, error });
    throw error;
  }
  for (const [hash, error] of failed)
    log.warn({ encoder: id, contentHash: hash, reason: error.message }, 'picture left out: the encoder cannot see it');
  return { rows, blind: [...failed.keys()] };
}
