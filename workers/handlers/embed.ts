import { type ModelRow, spacesOf } from 'simili/internal/db/models';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { Handler } from 'simili/internal/queue/jobs';
import { inCatalog, type WorkerContext } from '../context.ts';
import { chooseStorage } from '../embedding/choose-storage.ts';
import { eyeNamesOf } from '../embedding/embedding.ts';
import { countMissing, fillAll, fillable } from '../embedding/spaces.ts';
import { besideServing, waitIfIncomplete } from '../evaluation/completeness.ts';
import { type ClaimedRun, runClaimed } from '../jobs/claimed.ts';
import { timeLeft } from '../jobs/time-left.ts';
import { unhurried } from '../tools/pace.ts';
import { TRAIN_SHARE } from './train.ts';

const FILL_SHARE = 0.1;
const INDEX_SHARE = 0.05;
/**
 * Products that a run lacks, and their share of those that have a vector, beyond which to write some of them is progress, for which a job has all its attempts again. Fewer
 * arrive at any time: where a later step fails each time, they would keep it going for ever.
 */
const ARRIVING = 64;
const ARRIVING_SHARE = 0.01;
const BUILDING = 'Building the index';
/** They may be a dump, or a session that somebody forgot: nobody knows for how long. */
const CHECKING = { message: 'Checking the index, behind older transactions of the database', etaSeconds: null };

/** Fills the table of a trained version, then builds its indexes: what serves is never half embedded. */
export const embedHandler =
  (worker: WorkerContext): Handler<'embed'> =>
  async ({ catalog, jobId }, { signal }) => {
    const context = inCatalog(worker, catalog);
    const { jobs } = context.repositories;
    const outcome = await runClaimed({ ...context, jobs }, jobId, 'EMBED', signal, (run) => embed(context, run));
    const job = await jobs.byId(jobId);
    if (job?.state === 'QUEUED' && (outcome === 'again' || job.phase === 'EVALUATE'))
      await enqueuePhase(context.queue, job);
  };

async function embed(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const { models, embeddings } = context.repositories;
  const jobId = run.claim.job.id;
  const model = await models.ofJob(jobId);
  const spaces = fillable({ ...context, pace: unhurried() }, model);
  for (const { space } of spaces) await embeddings.createTable(model.number, space);
  const total = await countMissing(spaces);
  run.report({ message: `Embedding ${total} products` });
  const isWork = total > Math.max(ARRIVING, ARRIVING_SHARE * (await embeddings.count(model.number)));
  const secondsLeft = timeLeft();
  const report = (written: number) => {
    const share = Math.min(1, written / Math.max(1, total));
    const news = { progress: TRAIN_SHARE + FILL_SHARE * share, etaSeconds: secondsLeft(share) };
    run.report(isWork ? { ...news, attempts: 0 } : news);
  };
  const fillSample = (ids: readonly string[]) => spaces[0]!.fill(run.signal, report, ids);
  const index = context.config.SIMILI_VECTOR_INDEX;
  const sampled = await chooseStorage(context.repositories, model, fillSample, run.signal, index);
  await fillAll(spaces, run.signal, (written) => report(sampled + written));
  run.report({ etaSeconds: null });
  const serving = await models.serving();
  const beside = await besideServing(embeddings, model, serving, await eyeNamesOf(context, model));
  waitIfIncomplete({ missing: 0, beside }, run.claim);
  // Later ones are in the queue as long as this version is on its way, whoever looks at them.
  for (const space of spaces) await space.queueMissing();
  const stored = await models.ofJob(jobId); // in the storage that was chosen
  await buildIndexes(context, run, stored);
  await measureIndex(context, run, stored);
  await buildCategoryIndexes(context, run, stored);
  await models.commitEmbedded(run.claim, model.id);
}

/** The indexes of all spaces, one after the other. */
async function buildIndexes(
  { repositories }: WorkerContext,
  { signal, report }: ClaimedRun,
  version: ModelRow,
): Promise<void> {
  const spaces = spacesOf(version);
  report({ message: BUILDING });
  const secondsLeft = timeLeft();
  let built = 0;
  for (const [i, space] of spaces.entries()) {
    const onProgress = (share: number) => {
      built = Math.max(built, (i + share) / spaces.length); // a half-built one is begun anew
      const progress = TRAIN_SHARE + FILL_SHARE + INDEX_SHARE * built;
      report(share < 1 ? { progress, message: BUILDING, etaSeconds: secondsLeft(built) } : { progress, ...CHECKING });
    };
    await repositories.embeddings.createIndex(version.number, space, { signal, onProgress });
  }
  report({ etaSeconds: null });
}

/** How far searches by the index of the pictures have to look. An embedded database looks as far as is usual. */
async function measureIndex({ repositories }: WorkerContext, run: ClaimedRun, version: ModelRow): Promise<void> {
  const { vectorStorage } = repositories;
  if (!vectorStorage.isServer) return;
  run.report({ message: 'Measuring how far the index looks' });
  await vectorStorage.measureIndex(version, run.signal);
}

/** Those of large categories alone. They take some of the time of the others, of which only what is left is told. */
async function buildCategoryIndexes(
  { repositories }: WorkerContext,
  { signal, report }: ClaimedRun,
  version: ModelRow,
): Promise<void> {
  for (const space of spacesOf(version)) {
    const secondsLeft = timeLeft();
    const onProgress = (share: number) =>
      report({
        message: 'Building the indexes of large categories',
        etaSeconds: share < 1 ? secondsLeft(share) : null,
      });
    await repositories.categoryIndexes.build(version.number, space, { signal, onProgress });
  }
  report({ etaSeconds: null });
}
