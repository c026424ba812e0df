import type { StoredRetrain } from 'simili/internal/jobs/retrain';
import type { WorkerContext } from '../context.ts';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';
import { findEncoder } from './find.ts';

/** Encoder of a job, and the choice by which a version finds it again. */
export type JobEncoder = { readonly encoder: InstalledEncoder | null; readonly choice: string };

/**
 * The encoder that a retrain names, as this worker has it; else the configured one.
 * @throws SimiliError IMPORT_UNREADABLE: there is none of that name here, or it is not well described.
 */
export async function encoderOfJob(
  { encoder, config }: Pick<WorkerContext, 'encoder' | 'config'>,
  { encoder: name }: Pick<StoredRetrain, 'encoder'>,
): Promise<JobEncoder> {
  if (name === undefined) return { encoder, choice: config.SIMILI_ENCODER };
  return { encoder: await findEncoder(name, config.SIMILI_DATA_DIR), choice: name };
}
