import type { EncoderFacts } from '@simili/learning/models/encoder-facts';
import type { JobRow } from 'simili/internal/db/jobs';
import type { WorkerContext } from '../context.ts';
import { isEncoderFault } from '../embedding/encode-batch.ts';
import { openFeatureFiles } from './feature-files.ts';
import { type CollectedSet, collectTrainingSet, type ModelKind } from './training-set.ts';

/** An encoder that should have looked and failed, and what it said. */
export type WithoutEncoder = Pick<EncoderFacts, 'id' | 'title'> & { readonly why: string };
export type SeenSet = CollectedSet & { readonly withoutEncoder: WithoutEncoder | null };

/**
 * `collectTrainingSet` with what `context.encoder` and the hand-made features see in its pictures. The first model of a shop
 * waits for no encoder: where that fails, the hand-made features look alone, and the result says so. Whoever asks for another
 * version is told why there is none.
 * @throws SimiliError as `collectTrainingSet`; as `isEncoderFault`.
 */
export async function collectSeen(
  context: WorkerContext,
  job: Pick<JobRow, 'id' | 'fence' | 'startedAt' | 'createdAt'>,
  sides: readonly number[],
  signal: AbortSignal,
  kind: ModelKind,
): Promise<SeenSet> {
  const { encoder, log } = context;
  try {
    return { ...(await collect(context, job, sides, signal, kind)), withoutEncoder: null };
  } catch (error) {
    if (kind !== 'GOLDEN' || !encoder || signal.aborted || !isEncoderFault(error)) throw error;
    const { id, title } = encoder.facts;
    log.warn({ encoder: id, reason: error.message }, 'the first model does without its encoder, which fails');
    const alone = await collect({ ...context, encoder: null }, job, sides, signal, kind);
    return { ...alone, withoutEncoder: { id, title, why: error.message } };
  }
}

async function collect(
  context: WorkerContext,
  { id, fence, startedAt, createdAt }: Pick<JobRow, 'id' | 'fence' | 'startedAt' | 'createdAt'>,
  sides: readonly number[],
  signal: AbortSignal,
  kind: ModelKind,
): Promise<CollectedSet> {
  // Feedback up to the job's start: a restarted job sees the same data, which its checkpoint counts on.
  const until = startedAt ?? createdAt;
  const features = await openFeatureFiles(context, { id, fence });
  try {
    return await collectTrainingSet(context, until, sides, signal, kind, features);
  } catch (error) {
    await features.abandon();
    throw error;
  }
}
