import { setTimeout as pause } from 'node:timers/promises';
import { SimiliError } from 'simili/internal/errors';
import { type Ask, isRefusal } from './client.ts';

export type JobView = {
  id: string;
  state: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  phase: string;
  progress: number;
  message: string | null;
  error: { code: string; message: string } | null;
};
/** The admin API. `onJob` hears of every job that is waited for, at every look. */
export type Admin = { ask: Ask; url: string; pollMs: number; onJob: (job: JobView, whose: 'ours' | 'other') => void };
type UserError = { code: string; message: string; jobId?: string };

const JOB = 'id state phase progress message error { code message }';
const RETRAIN = `mutation Retrain($input: RetrainInput) { retrain(input: $input) {
  job { ${JOB} } userErrors { code message ... on JobAlreadyRunningError { jobId } } } }`;
const SERVES_SOON_MS = 10_000;

/** Waits for every job that is on its way. With the wrong key it says so. @throws SimiliError INVALID_ARGUMENT. */
export async function awaitQuiet(admin: Admin): Promise<void> {
  for (;;) {
    const { jobs } = await asAdmin(admin, () =>
      admin.ask<{ jobs: JobView[] }>(`{ jobs(first: 1, states: [QUEUED, RUNNING]) { ${JOB} } }`),
    );
    if (!jobs[0]) return;
    await follow(admin, jobs[0].id, 'other');
  }
}

/**
 * Trains on everything that was sent so far and waits for the end. A job that is already on its way may have begun
 * before: it is waited for, then another one is asked for.
 * @returns the model that came of it, null when it was not promoted.
 * @throws SimiliError SERVER_REFUSED: the training failed, with its own code.
 */
export async function trainOnFeedback(admin: Admin, seconds: number | undefined): Promise<string | null> {
  const id = await startRetrain(admin, { reason: 'simulate', ...(seconds === undefined ? {} : { seconds }) });
  const job = await follow(admin, id, 'ours');
  if (job.state !== 'SUCCEEDED') {
    throw new SimiliError('SERVER_REFUSED', {
      url: admin.url,
      code: job.error?.code ?? job.state,
      why: job.error?.message ?? `job ${id} is ${job.state}`,
    });
  }
  type Active = { activeModel: { id: string; jobId: string | null } | null };
  const { activeModel } = await admin.ask<Active>('{ activeModel { id jobId } }');
  return activeModel?.jobId === id ? activeModel.id : null;
}

async function startRetrain(admin: Admin, input: object): Promise<string> {
  for (;;) {
    type Answer = { retrain: { job: JobView | null; userErrors: UserError[] } };
    const { retrain } = await asAdmin(admin, () => admin.ask<Answer>(RETRAIN, { input }));
    const [error] = retrain.userErrors;
    if (error?.jobId) await follow(admin, error.jobId, 'other');
    else if (error || !retrain.job) {
      throw new SimiliError('SERVER_REFUSED', {
        url: admin.url,
        code: error?.code ?? 'INTERNAL',
        why: error?.message ?? 'no job came back',
      });
    } else return retrain.job.id;
  }
}

async function follow({ ask, url, pollMs, onJob }: Admin, id: string, whose: 'ours' | 'other'): Promise<JobView> {
  for (;;) {
    const { job } = await ask<{ job: JobView | null }>(`query Job($id: ID!) { job(id: $id) { ${JOB} } }`, { id });
    if (!job) throw new SimiliError('SERVER_REFUSED', { url, code: 'NOT_FOUND', why: `job ${id} is gone` });
    onJob(job, whose);
    if (job.state !== 'QUEUED' && job.state !== 'RUNNING') return job;
    await pause(pollMs);
  }
}

/** A promotion reaches every API process within seconds. Gives up quietly: what serves is told with the numbers. */
export async function awaitServing(ask: Ask, anchor: string, model: string): Promise<void> {
  type Answer = { similarItems: { modelVersionId: string | null } | null };
  for (const end = Date.now() + SERVES_SOON_MS; Date.now() < end; await pause(200)) {
    const query = 'query Serving($id: ID!) { similarItems(id: $id, first: 1) { modelVersionId } }';
    if ((await ask<Answer>(query, { id: anchor })).similarItems?.modelVersionId === model) return;
  }
}

async function asAdmin<T>({ url }: Admin, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isRefusal(error, 'UNAUTHENTICATED') && !isRefusal(error, '401')) throw error;
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--admin-key',
      why: `is not the key of ${url}: \`simili admin-key\` makes a new one`,
    });
  }
}
