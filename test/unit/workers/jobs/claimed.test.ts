import { expect, test } from 'vitest';
import type { JobRepository } from '../../../../src/db/jobs.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { noTelemetry } from '../../../../src/ports/telemetry.ts';
import { runClaimed } from '../../../../workers/jobs/claimed.ts';
import { fakeLog } from '../../../support/api.ts';

const going = new AbortController().signal;

/** A table with one job, which refuses the first `outages` of what is told to it. */
function table(outages: number) {
  const told: object[] = [];
  const jobs = {
    claim: async () => ({ job: { id: 'job_1' }, fence: 1 }),
    heartbeat: async () => 'held',
    fail: async (_claim: object, failure: { retry: boolean }) => {
      if (outages-- > 0) throw new Error('the connection was lost');
      told.push(failure);
      return failure.retry ? 'QUEUED' : 'FAILED';
    },
  };
  return { told, jobs: jobs as unknown as JobRepository };
}
const failing = (error: Error) => async () => {
  throw error;
};

test('a failure is written although the connection it is written over was just lost', async () => {
  const { jobs, told } = table(2);
  const { log } = fakeLog();
  const outcome = await runClaimed(
    { jobs, log, telemetry: noTelemetry },
    'job_1',
    'TRAIN',
    going,
    failing(new Error('the server went away')),
  );
  expect(outcome).toBe('again');
  expect(told).toEqual([{ code: 'INTERNAL', message: 'the server went away', retry: true }]);
});

test('a worker that is stopped waits for no database', async () => {
  const stopping = new AbortController();
  const { jobs, told } = table(Number.POSITIVE_INFINITY);
  const { log, entries } = fakeLog();
  const run = runClaimed(
    { jobs, log, telemetry: noTelemetry },
    'job_1',
    'TRAIN',
    stopping.signal,
    failing(new Error('lost')),
  );
  while (!entries.some(({ level }) => level === 'warn')) await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  expect(await run).toBe('done');
  expect(told).toEqual([]);
});

test('a catalog that is too small is said once, in a sentence and without a stack, and is not tried again at once', async () => {
  const { jobs, told } = table(0);
  const { log, entries } = fakeLog();
  const error = new SimiliError('CATALOG_TOO_SMALL', { have: 3, need: 20 });
  expect(await runClaimed({ jobs, log, telemetry: noTelemetry }, 'job_1', 'TRAIN', going, failing(error))).toBe('done');
  expect(told).toEqual([{ code: 'CATALOG_TOO_SMALL', message: error.message, retry: false }]);
  expect(entries).toEqual([
    { level: 'warn', facts: { jobId: 'job_1', code: 'CATALOG_TOO_SMALL' }, sentence: error.message },
  ]);
});
