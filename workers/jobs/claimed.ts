import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Claim,
  ClaimLost,
  type JobFailure,
  type JobPhase,
  type JobRepository,
  type Progress,
} from 'simili/internal/db/jobs';
import { type ErrorCode, SimiliError } from 'simili/internal/errors';
import type { Log } from 'simili/internal/log';
import type { Telemetry } from 'simili/internal/ports/telemetry';

/** One run of a phase of a model job, under a claim. */
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
/** Pause between two tries to store a job's outcome while the database is away, ms. */
const TELL_AGAIN_MS = 500;
/** These stay as they are until somebody acts: trying at once, on whichever worker, would only repeat them. */
const WAITS_FOR_PEOPLE: readonly ErrorCode[] = ['CATALOG_TOO_SMALL', 'CATALOG_UNLABELLED'];

/** These pass with time, and trying at once would only use up the attempts, or fill a disk again: the job waits a minute, then two, four and eight. */
const PASSES_WITH_TIME: readonly ErrorCode[] = ['PICTURES_MISSING', 'STORAGE_FULL'];
const FIRST_PAUSE_SECONDS = 60;

/**
 * Claims a job's phase, runs `work` under a heartbeat and settles what comes of it: a cancelled job ends, a stopped
 * worker hands the job back, a failure is recorded (and retried where that can help). A delivery that finds nothing to
 * claim is a repeated one and does nothing.
 * @returns the phase's next delivery, when the job is to be tried again at once; one that waits is found by maintenance.
 */
export async function runClaimed(
  { jobs, log, telemetry }: { jobs: JobRepository; log: Log; telemetry: Telemetry },
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
  const { catalogId: catalog, kind } = claim.job;
  try {
    await telemetry.span('simili.job', { catalog, kind, phase }, () => work({ claim, signal, report: heart.report }));
    return 'done';
  } catch (error) {
    const outcome = outcomeOf(error, held.signal, stopping);
    tell(log, jobId, outcome, error);
    return await persistently(() => settle(jobs, claim, outcome, error), claim, { stopping, held: held.signal, log });
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
): Promise<'again' | 'done'> {
  if (outcome === 'cancel') await jobs.settleCancelled(claim);
  else if (outcome === 'stopping') await jobs.release(claim);
  else if (outcome === 'failed') {
    const pause = pauseAfter(error, claim.job.attempts);
    const state = await jobs.fail(claim, failureOf(error), pause);
    return state === 'QUEUED' && pause === 0 ? 'again' : 'done';
  }
  return 'done';
}

function failureOf(error: unknown): JobFailure {
  const { message } = error as Error;
  if (!(error instanceof SimiliError)) return { code: 'INTERNAL', message, retry: true };
  return { code: error.code, message, retry: error.retry && !WAITS_FOR_PEOPLE.includes(error.code) };
}

/** @param attempts with this one. @returns seconds */
const pauseAfter = (error: unknown, attempts: number): number =>
  error instanceof SimiliError && PASSES_WITH_TIME.includes(error.code)
    ? FIRST_PAUSE_SECONDS * 2 ** Math.max(0, attempts - 1)
    : 0;

/** For whoever runs the workers: what we know is a sentence, what we do not know comes with its stack. */
function tell(log: Log, jobId: string, outcome: Outcome | 'failed', error: unknown): void {
  if (outcome === 'lost') log.warn({ jobId }, 'another worker took the job over');
  if (outcome !== 'failed') return;
  if (error instanceof SimiliError) log.warn({ jobId, code: error.code }, error.message);
  else log.error({ err: error, jobId }, 'job failed');
}

/**
 * A failure is often that of the connection it has to be written over, so it is written once that is back. Until then
 * the heart goes on, or the job is taken over as one whose worker is gone.
 */
async function persistently(
  settleOnce: () => Promise<'again' | 'done'>,
  { job }: Claim,
  { stopping, held, log }: { stopping: AbortSignal; held: AbortSignal; log: Log },
): Promise<'again' | 'done'> {
  for (;;) {
    try {
      return await settleOnce();
    } catch (error) {
      log.warn({ err: error, jobId: job.id }, 'what became of the job could not be written');
      if (stopping.aborted || held.reason === 'lost') return 'done'; // maintenance finds it
      await sleep(TELL_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}
