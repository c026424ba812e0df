import { setMaxListeners } from 'node:events';
import { type Claim, ClaimLost, type JobPhase, type JobRepository, type Progress } from '../src/db/jobs.ts';
import { SimiliError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';

/** What a phase of a model job works with. */
export type ClaimedRun = {
  readonly claim: Claim;
  /** Aborts when the job is cancelled, when its claim is lost and when the worker stops. */
  readonly signal: AbortSignal;
  /** Shown to whoever watches the job; written with the next heartbeat. */
  report(news: Progress): void;
};

type Outcome = 'stopping' | 'cancel' | 'lost';

/** Cancel takes effect within this and the time an engine needs to stop. */
const HEARTBEAT_MS = 500;

/**
 * Claims a job's phase, runs `work` under a heartbeat and settles what comes of it: a cancelled job ends, a stopped
 * worker hands the job back, a failure is recorded (and retried where that can help). A delivery that finds nothing to
 * claim is a repeated one and does nothing.
 * @returns the phase's next delivery, when the job is to be tried again.
 */
export async function runClaimed(
  { jobs, log }: { jobs: JobRepository; log: Log },
  jobId: string,
  phase: JobPhase,
  stopping: AbortSignal,
  work: (run: ClaimedRun) => Promise<void>,
): Promise<'again' | 'done'> {
  const claim = await jobs.claim(jobId, phase);
  if (!claim) return 'done';
  const held = new AbortController();
  const signal = AbortSignal.any([held.signal, stopping]);
  setMaxListeners(0, signal); // a page of pictures listens at once
  const heart = beat(jobs, claim, held, log);
  try {
    await work({ claim, signal, report: heart.report });
    return 'done';
  } catch (error) {
    return await settle(jobs, claim, outcomeOf(error, held.signal, stopping), error, log);
  } finally {
    await heart.stop();
  }
}

function beat(jobs: JobRepository, claim: Claim, held: AbortController, log: Log) {
  let news: Progress = {};
  let last: Promise<void> = Promise.resolve();
  const once = async () => {
    const sent = news;
    news = {};
    const state = await jobs.heartbeat(claim, sent).catch((error: Error) => {
      log.warn({ err: error, jobId: claim.job.id }, 'heartbeat failed');
      news = { ...sent, ...news };
      return 'held' as const;
    });
    if (state !== 'held') held.abort(state);
  };
  const timer = setInterval(() => {
    last = last.then(once);
  }, HEARTBEAT_MS);
  return {
    report: (more: Progress) => {
      news = { ...news, ...more };
    },
    stop: async () => {
      clearInterval(timer);
      await last;
    },
  };
}

function outcomeOf(error: unknown, held: AbortSignal, stopping: AbortSignal): Outcome | 'failed' {
  if (error instanceof ClaimLost || held.reason === 'lost') return 'lost';
  if (held.reason === 'cancel') return 'cancel';
  return stopping.aborted ? 'stopping' : 'failed';
}

async function settle(
  jobs: JobRepository,
  claim: Claim,
  outcome: Outcome | 'failed',
  error: unknown,
  log: Log,
): Promise<'again' | 'done'> {
  const jobId = claim.job.id;
  if (outcome === 'lost') log.warn({ jobId }, 'another worker took the job over');
  else if (outcome === 'cancel') await jobs.settleCancelled(claim);
  else if (outcome === 'stopping') await jobs.release(claim);
  else {
    const known = error instanceof SimiliError;
    log.error({ err: error, jobId }, 'job failed');
    const { code, retry } = known ? error : { code: 'INTERNAL', retry: true };
    return (await jobs.fail(claim, { code, message: (error as Error).message, retry })) === 'QUEUED' ? 'again' : 'done';
  }
  return 'done';
}
