import type { AgedImage, ImageRow } from 'simili/internal/db/images';
import { SimiliError } from 'simili/internal/errors';
import type { Handler } from 'simili/internal/queue/jobs';
import { wakeIngest } from 'simili/internal/queue/wake-ingest';
import { inCatalog, type WorkerContext } from '../context.ts';
import { encoderOf } from '../embedding/embedding.ts';
import { isEncoderFault } from '../embedding/encode-batch.ts';
import { encodeMissing, type SourcePicture, sidesOfEyes } from '../embedding/encoding.ts';
import { fillQueued } from '../embedding/fill-queue.ts';
import { type AnyEye, eyesOf } from '../encoders/eyes.ts';
import { startFirstModels } from '../jobs/first-models.ts';
import { retryDelay, SHORT_WAIT } from '../jobs/retry-plan.ts';

/** Pictures taken at once, and for how long: a worker that dies holds them up for that time. */
const CLAIM = 32;
const CLAIM_SECONDS = 120;
const TELL_AGAIN_MS = 60_000;
/** After so long it is the turn of the next catalog, ms. */
const TURN_MS = 10_000;

/**
 * Fetches and decodes pending pictures of a catalog, looks again at those that may have been replaced, lets the encoder look at what is
 * new, and embeds it for every version that serves or may serve again. While the encoder looks at some pictures, the next
 * ones are decoded. Of pictures that are only old, a few at each call: nobody waits for them. A catalog that has more than a turn's work
 * goes to the end of the line.
 */
export const ingestHandler = (worker: WorkerContext, turnMs = TURN_MS): Handler<'ingest'> => {
  const tell = makeTeller(worker);
  return async ({ catalog }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const end = performance.now() + turnMs;
    const hasTime = () => performance.now() < end;
    const { images, contents } = context.repositories;
    await context.copies.prune((hashes) => contents.named(hashes));
    const checkSeconds = context.config.SIMILI_PICTURE_CHECK_HOURS * 3600;
    const eyes = await eyesOfShop(context);
    const sides = sidesOfEyes(eyes);
    let encoding: Promise<void> = Promise.resolve();
    try {
      for (let old = false; ; ) {
        signal.throwIfAborted();
        const claimed = await images.claimPending(CLAIM, CLAIM_SECONDS);
        const decoded = await Promise.all(claimed.map((image) => ingest(context, image, sides, signal)));
        const aged = await images.claimAged(CLAIM, CLAIM_SECONDS, old ? checkSeconds : null);
        const again = await Promise.all(aged.map((image) => lookAgain(context, image, sides, signal)));
        await encoding;
        encoding = seenByAll(context, eyes, [...decoded, ...again], { tell, hasTime, signal });
        encoding.catch(() => {}); // told at the next turn, or at the end
        if (old || !hasTime()) break;
        old = claimed.length + aged.length === 0 && checkSeconds > 0;
        if (claimed.length + aged.length === 0 && !old) break;
      }
    } finally {
      await encoding;
    }
    if (!hasTime()) await wakeIngest(context.queue, catalog);
    await startFirstModels(context); // somebody waits for an answer, and maintenance looks every few seconds only
  };
};

/** All that look at new pictures: also the encoders of versions that serve, or may serve again, and are on this machine. */
async function eyesOfShop(context: WorkerContext): Promise<AnyEye[]> {
  const live = await context.repositories.models.live();
  const found = await Promise.all(live.map((model) => encoderOf(context, model).catch(() => null)));
  const eyes = [...eyesOf(context.encoder), ...found.filter((encoder) => encoder !== null)];
  return [...new Map(eyes.map((eye) => [eye.facts.id, eye])).values()];
}

/**
 * The eyes see new pictures, then every version that serves or may serve again. An encoder that fails keeps no picture
 * from being decoded, and no version from embedding that does without it: its products wait for it.
 */
async function seenByAll(
  context: WorkerContext,
  eyes: readonly AnyEye[],
  found: readonly (SourcePicture | null)[],
  { tell, hasTime, signal }: { tell: (error: Error) => void; hasTime: () => boolean; signal: AbortSignal },
) {
  const unlessItFails = async (work: Promise<unknown>): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      if (signal.aborted || !isEncoderFault(error)) throw error;
      tell(error);
      return false;
    }
  };
  const fresh = found.filter((picture) => picture !== null);
  if (fresh.length > 0) await Promise.all(eyes.map((eye) => unlessItFails(encodeMissing(context, eye, fresh, signal))));
  await fillQueued(context, unlessItFails, signal, hasTime);
}

/** An encoder that fails does so with every wake-up: it is told once in a while. */
function makeTeller({ log }: WorkerContext): (error: Error) => void {
  const told = new Map<string, number>();
  return ({ message }) => {
    const now = performance.now();
    if (now - (told.get(message) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return;
    told.set(message, now);
    log.warn({ reason: message }, 'products wait for their vectors: the encoder fails');
  };
}

/**
 * Every outcome is written down: READY, FAILED with its reason and its next try, or PENDING for one very soon.
 * @returns what was decoded.
 */
async function ingest(
  context: WorkerContext,
  image: ImageRow,
  sides: readonly number[],
  signal: AbortSignal,
): Promise<SourcePicture | null> {
  const { images } = context.repositories;
  try {
    const { contentHash, mime, width, height, revision } = (await context.pictures.refresh(
      image.source,
      null,
      signal,
      sides,
    ))!;
    await images.markReady(image, { contentHash, mime, width, height }, revision);
    count(context, 'ready');
    return { source: image.source, contentHash };
  } catch (error) {
    if (signal.aborted) {
      // Handed back, for a worker that starts at once would wait for its claim to end.
      await images.postpone(image, 0, false).catch(() => {});
      return null;
    }
    const { code, message, wait, counted } = failureOf(context, image, error);
    const isShort = wait !== null && wait <= SHORT_WAIT;
    if (isShort) await images.postpone(image, wait, counted);
    else await images.markFailed(image, code, message, wait, counted);
    count(context, isShort ? 'postponed' : 'failed');
    return null;
  }
}

const count = ({ telemetry, repositories: { catalog } }: WorkerContext, outcome: string): void =>
  telemetry.count('simili.pictures', 1, { catalog, outcome });

/** A picture that was replaced gets its new content, any other one keeps what it has: also when its source is gone. */
async function lookAgain(
  context: WorkerContext,
  image: AgedImage,
  sides: readonly number[],
  signal: AbortSignal,
): Promise<SourcePicture | null> {
  const { images } = context.repositories;
  try {
    const found = await context.pictures.refresh(image.source, image, signal, sides);
    if (found && found.contentHash !== image.contentHash) {
      const { contentHash, mime, width, height, revision } = found;
      await images.markReady(image, { contentHash, mime, width, height }, revision);
      return { source: image.source, contentHash };
    }
    await images.markChecked(image, found?.revision ?? null);
  } catch (error) {
    if (signal.aborted) return null;
    const { message, wait } = failureOf(context, image, error);
    context.log.warn({ productId: image.productId, reason: message }, 'picture not looked at again, kept as it was');
    await images.markChecked(image, null, wait);
  }
  return null;
}

/** `wait`: seconds until the next try, null for none. */
function failureOf({ log }: WorkerContext, { source, attempts }: ImageRow, error: unknown) {
  const known = error instanceof SimiliError ? error : null;
  if (!known) log.error({ err: error, source }, 'picture failed unexpectedly');
  const { retryAfterSeconds, asked = true } = (known?.facts ?? {}) as { retryAfterSeconds?: number; asked?: boolean };
  const counted = asked ? attempts : attempts - 1;
  const wait = (known?.retry ?? true) ? retryDelay(Math.max(1, counted), retryAfterSeconds) : null;
  return { code: known?.code ?? 'INTERNAL', message: (error as Error).message, wait, counted: asked };
}
