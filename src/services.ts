import { deleteProducts, type ProductDraft, upsertProducts, type WriteResult } from './catalog/products.ts';
import type { JobRow } from './db/jobs.ts';
import type { ModelRow } from './db/models.ts';
import type { Rating } from './db/ratings.ts';
import type { Repositories } from './db/repositories.ts';
import { type FeedbackResult, type IncomingEvent, submitFeedback } from './feedback/submit.ts';
import { type RatingResult, submitRatings } from './feedback/submit-ratings.ts';
import type { Log } from './log.ts';
import { cancelJob } from './models/cancel.ts';
import { type RetrainRequest, retrain } from './models/retrain.ts';
import { rollback } from './models/rollback.ts';
import { makeServing, type Serving } from './models/serving.ts';
import { watchJob } from './models/watch-job.ts';
import type { JobQueue } from './queue/jobs.ts';
import {
  type AnswerView,
  type SimilarItemsPage,
  type SimilarItemsRequest,
  similarItems,
} from './similarity/similar-items.ts';

/** What the resolvers need: the use cases, and the repositories for plain reading. */
export type Services = {
  readonly repositories: Pick<Repositories, 'products' | 'images' | 'embeddings' | 'models' | 'jobs'>;
  readonly serving: Serving;
  readonly log: Log;
  similarItems(request: SimilarItemsRequest, view: AnswerView): Promise<SimilarItemsPage>;
  submitFeedback(visitorId: string, events: readonly IncomingEvent[]): Promise<FeedbackResult>;
  submitRatings(ratings: readonly Rating[]): Promise<RatingResult>;
  upsertProducts(drafts: readonly ProductDraft[]): Promise<WriteResult>;
  deleteProducts(ids: readonly string[]): Promise<number>;
  retrain(request: RetrainRequest, requestedBy: string): Promise<JobRow>;
  cancelJob(id: string): Promise<JobRow>;
  rollback(modelId: string | null): Promise<ModelRow>;
  watchJob(id: string): Promise<AsyncGenerator<JobRow>>;
};

type Parts = {
  repositories: Repositories;
  queue: Pick<JobQueue, 'add'>;
  log: Log;
  signingKey: string;
  now: () => Date;
};

export function makeServices({ repositories, queue, log, signingKey, now }: Parts): Services {
  const { products, embeddings, feedback, ratings, jobs, models } = repositories;
  const serving = makeServing(models, now);
  return {
    repositories,
    serving,
    log,
    similarItems: (request, view) => similarItems({ embeddings, models, signingKey, now }, request, view),
    submitFeedback: (visitorId, events) => submitFeedback({ feedback, signingKey, now }, visitorId, events),
    submitRatings: (given) => submitRatings({ ratings, products }, given),
    upsertProducts: (drafts) => upsertProducts({ products, queue }, drafts),
    deleteProducts: (ids) => deleteProducts({ products }, ids),
    retrain: (request, requestedBy) => retrain({ jobs, queue }, request, requestedBy),
    cancelJob: (id) => cancelJob(jobs, id),
    rollback: (modelId) => rollback({ models, serving }, modelId),
    watchJob: (id) => watchJob(jobs, id),
  };
}
