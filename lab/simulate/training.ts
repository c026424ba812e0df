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
  createdAt: string;
  finishedAt: string | null;
};
/** `model`: null when it was not promoted. `seconds`: from the job to its end. */
export type Training = { model: string | null; seconds: number };
/** `server`: it was begun by the server itself, as a simulation waits for. */
export type Whose = 'ours' | 'server' | 'other';
/** The admin API. `onJob` hears of every job that is waited for, at every look. */
export type Admin = { ask: Ask; url: string; pollMs: number; onJob: (job: JobView, whose: Whose) => void };
type UserError = { code: string; message: string; jobId?: string };

const JOB = 'id state phase progress message createdAt finishedAt error { code message }';
const RETRAIN = `mutation Retrain($input: RetrainInput) { retrain(input: $input) {
  job { ${JOB} } userErrors { code message ... on JobAlreadyRunningError { jobId } } } }`;
const SERVES_SOON_MS = 10_000;
/**
 * Looks before shoppers are said to have chosen nothing that counts, ten minutes of them: the server counts choices some time after they are
 * stored, the later the more feedback there is.
 */
const LOOKS = 1200;

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
 * @throws SimiliError SERVER_REFUSED: the training failed, with its own code.
 */
export async function trainOnFeedback(admin: Admin, seconds: number | undefined): Promise<Training> {
  const id = await startRetrain(admin, { reason: 'simulate', ...(seconds === undefined ? {} : { seconds }) });
  return endOf(admin, await follow(admin, id, 'ours'));
}

/**
 * Has shoppers come in groups until the server begins a training by itself, and waits for its end.
 * @param shopping says whether they chose something and the server stored it
 * @throws SimiliError INVALID_ARGUMENT: it begins none by itself, or the shoppers choose nothing; SERVER_REFUSED: the training failed.
 */
export async function awaitTraining(admin: Admin, shopping: () => Promise<boolean>): Promise<Training> {
  let now = await stateOf(admin);
  const known = now.jobs[0]?.id;
  if (!now.retraining.automatic) throw refused('SIMILI_RETRAIN_PAUSE_MINUTES is 0: the server begins none by itself');
  const isOver = () => now.jobs[0]?.id !== known || now.retraining.newChoices >= now.retraining.neededChoices;
  do {
    const { newChoices, neededChoices } = now.retraining;
    const looks = (await shopping()) ? LOOKS : 1;
    now = await stateOf(admin);
    for (let look = 1; look < looks && !isOver() && now.retraining.newChoices === newChoices; look++) {
      await pause(admin.pollMs);
      now = await stateOf(admin);
    }
    if (!isOver() && now.retraining.newChoices === newChoices)
      throw refused(`these shoppers choose nothing new, and ${neededChoices} choices are needed`);
  } while (!isOver());
  while (now.jobs[0]?.id === known) {
    await pause(admin.pollMs);
    now = await stateOf(admin);
  }
  return endOf(admin, await follow(admin, now.jobs[0]!.id, 'server'));
}

const refused = (why: string) => new SimiliError('INVALID_ARGUMENT', { argument: '--retrains', why });

/** The newest job, and how far the next training is. */
function stateOf(admin: Admin) {
  type State = { jobs: JobView[]; retraining: { automatic: boolean; newChoices: number; neededChoices: number } };
  return asAdmin(admin, () =>
    admin.ask<State>(`{ jobs(first: 1) { ${JOB} } retraining { automatic newChoices neededChoices } }`),
  );
}

async function endOf({ ask, url }: Admin, { id, state, error, createdAt, finishedAt }: JobView): Promise<Training> {
  if (state !== 'SUCCEEDED') {
    const why = error?.message ?? `job ${id} is ${state}`;
    throw new SimiliError('SERVER_REFUSED', { url, code: error?.code ?? state, why });
  }
  type Active = { activeModel: { id: string; jobId: string | null } | null };
  const { activeModel } = await ask<Active>('{ activeModel { id jobId } }');
  const seconds = (Date.parse(finishedAt!) - Date.parse(createdAt)) / 1000;
  return { model: activeModel?.jobId === id ? activeModel.id : null, seconds };
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

async function follow({ ask, url, pollMs, onJob }: Admin, id: string, whose: Whose): Promise<JobView> {
  for (;;) {
    const { job } = await ask<{ job: JobView | null }>(`query Job($id: ID!) { job(id: $id) { ${JOB} } }`, { id });
    if (!job) throw new SimiliError('SERVER_REFUSED', { url, code: 'NOT_FOUND', why: `job ${id} is gone` });
    onJob(job, whose);
    if (job.state !== 'QUEUED' && job.state !== 'RUNNING') return job;
    await pause(pollMs);
  }
}

/**
 * A promotion reaches every API process within seconds. Gives up quietly: what serves is told with the numbers.
 * @returns seconds that it took
 */
export async function awaitServing(ask: Ask, anchor: string, model: string): Promise<number> {
  type Answer = { similarItems: { modelVersionId: string | null } | null };
  const since = performance.now();
  for (; performance.now() < since + SERVES_SOON_MS; await pause(200)) {
    const query = 'query Serving($id: ID!) { similarItems(id: $id, first: 1) { modelVersionId } }';
    if ((await ask<Answer>(query, { id: anchor })).similarItems?.modelVersionId === model) break;
  }
  return (performance.now() - since) / 1000;
}

/** The answer to a question for administrators. @throws SimiliError INVALID_ARGUMENT: the key is a wrong one. */
export async function asAdmin<T>({ url }: Pick<Admin, 'url'>, ask: () => Promise<T>): Promise<T> {
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
