import { SimiliError } from 'simili/internal/errors';
import { tellEncoderState } from 'simili/internal/jobs/encoder-state';
import type { WorkerContext } from '../context.ts';
import { encoderOf } from '../embedding/embedding.ts';

/** Tells all processes which encoder looks at pictures here, and whether the one of the version that serves is here. */
export async function tellEncoders(context: WorkerContext): Promise<void> {
  const { encoder, repositories } = context;
  const serving = await repositories.models.active();
  const isThere = serving === null || (await isHere(encoderOf(context, serving)));
  await tellEncoderState(repositories.settings, {
    configured: encoder ? { id: encoder.facts.id, title: encoder.facts.title } : null,
    lost: isThere ? null : serving.id,
  });
}

async function isHere(finding: Promise<unknown>): Promise<boolean> {
  try {
    await finding;
    return true;
  } catch (error) {
    if (error instanceof SimiliError && error.code === 'ENGINE_UNAVAILABLE') return false;
    throw error;
  }
}
