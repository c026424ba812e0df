import { SimiliError } from 'simili/internal/errors';

/** Starts a job that several workers may find due at once: whoever comes second has nothing to do. */
export async function unlessOneRuns(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'JOB_ALREADY_RUNNING')) throw error;
  }
}
