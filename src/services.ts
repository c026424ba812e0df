import { LRUCache } from 'lru-cache';
import { knowCatalogs } from './catalog/known-catalogs.ts';
import { deleteProducts, upsertProducts, type WriteResult } from './catalog/products.ts';
import type { VisitorEvent } from './db/erasures.ts';
import type { JobRow } from './db/jobs.ts';
import type { ModelRow } from './db/models.ts';
import type { Repositories } from './db/repositories.ts';
import type { ProductRow } from './db/sql/product-row.ts';
import { type Deadline, type Patiences, startDeadline, within } from './deadline.ts';
import { type ClickThrough, type ClickThroughRequest, clickThrough } from './feedback/click-through.ts';
import { type Counting, counted, openCounting } from './feedback/count.ts';
import {
  type ErasureReceipt,
  eraseVisitors,
  erasureReceipt,
  type VisitorEventPage,
  visitorEvents,
} from './feedback/erase.ts';
import { type FeedbackFigures, feedbackHealth } from './feedback/health.ts';
import {
  listQuarantines,
  type QuarantinePage,
  type QuarantineRequest,
  type QuarantineRow,
  quarantineFeedback,
  releaseFeedback,
} from './feedback/quarantine.ts';
import { type FeedbackResult, submitFeedback } from './feedback/submit.ts';
import { type RatingResult, submitRatings } from './feedback/submit-ratings.ts';
import { tapFeedback } from './feedback/tap.ts';
import type { Visitor } from './feedback/visitor.ts';
import { type RetrainRequest, retrain } from './jobs/retrain.ts';
import { nextRetrain } from './jobs/retrain-policy.ts';
import { watchJob } from './jobs/watch-job.ts';
import { signingKeyOf } from './keys.ts';
import { telemetryOf } from './load-extensions.ts';
import type { Log } from './log.ts';
import { embeddedCounts } from './models/embedded-counts.ts';
import { type Explanation, explainSimilarity } from './models/explain.ts';
import { rollback } from './models/rollback.ts';
import { makeServing, type Serving } from './models/serving.ts';
import type { Extensions } from './ports/extensions.ts';
import { type RetrainPlan, type RetrainSettings, usualRetrainPolicy } from './ports/retrain-policy.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { JobQueue } from './queue/jobs.ts';
import { remembered, sparingly, sparinglyFrom } from './remembered.ts';
import type { AnswerView } from './similarity/answer-view.ts';
import { audited, type Search } from './similarity/audited-search.ts';
import { type LastKnown, openLastKnown, withLastKnown } from './similarity/last-known.ts';
import { type Recall, recallOf } from './similarity/recall.ts';
import { type AuditSettings, openRecallAudit, openTurn, type Turn } from './similarity/recall-audit.ts';
import { type SimilarItemsPage, type SimilarItemsRequest, similarItems } from './similarity/similar-items.ts';
import {
  pictureToken,
  type SimilarToPicturePage,
  type SimilarToPictureRequest,
  similarToPicture,
} from './similarity/similar-to-picture.ts';
import {
  type SimilarToProductsPage,
  type SimilarToProductsRequest,
  similarToProducts,
} from './similarity/similar-to-products.ts';
import { refusingUnstorable, type Texts } from './storable-arguments.ts';
import { watched } from './watched.ts';

/** The use cases, and the repositories for reading by what is no text of a caller. */
export type Services = {
  /** All of it is about this one. */
  readonly catalog: string;
  /** The catalog of requests that name none. */
  readonly usualCatalog: string;
  /**
   * The same of another catalog; null: of the usual one. Rejects with SimiliError CATALOG_UNKNOWN.
   * @param deadline of the request that asks; null or left out: that which is followed
   */
  inCatalog(id: string | null, deadline?: Deadline | null): Promise<Services>;
  readonly repositories: Pick<Repositories, 'products' | 'images' | 'embeddings' | 'categoryNames' | 'models' | 'jobs'>;
  /** A share of its lists is asked again (docs/adr/0028-recall-audit.md). */
  readonly search: Search;
  readonly serving: Serving;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** How long a shopper's request and an administrator's may take. */
  readonly patience: Patiences;
  similarItems(request: SimilarItemsRequest, view: AnswerView): Promise<SimilarItemsPage>;
  /** The same of several anchors together, in a list that nothing is learned from. */
  similarToProducts(request: SimilarToProductsRequest, view: AnswerView): Promise<SimilarToProductsPage>;
  /** The same of a picture that is no product's, which a worker looks at. */
  similarToPicture(request: SimilarToPictureRequest, view: AnswerView): Promise<SimilarToPicturePage>;
  /** A token for `similarToPicture` from the bytes of a picture. Rejects with SimiliError as `lookAtPicture`. */
  pictureToken(bytes: Uint8Array): Promise<string>;
  /** Products of the catalog; of a large one as of some seconds ago (remembered.ts). */
  productCount(): Promise<number>;
  /** Products with a vector of the version of this number; of a large one as of some seconds ago. Rejects with VersionGone. */
  embedded(version: number): Promise<number>;
  /** Null: there is none. Of several with one address, the first by id. */
  productByUrl(url: string): Promise<ProductRow | null>;
  /** Null: there is none. */
  job(id: string): Promise<JobRow | null>;
  /**
   * Entries are plain JSON as it came: each is judged alone.
   * @param admit throws SimiliError where a call shall not be looked at; that is counted as any other refusal
   */
  submitFeedback(visitor: Visitor, entries: readonly unknown[], admit?: () => void): Promise<FeedbackResult>;
  /** Null: nothing was stored about them. */
  eraseVisitors(visitorIds: readonly string[]): Promise<ErasureReceipt | null>;
  erasure(id: string): Promise<ErasureReceipt | null>;
  /** Null: there is nothing to compare. */
  explainSimilarity(a: string, b: string): Promise<Explanation | null>;
  visitorEvents(visitorId: string, page: { first: number; after: string | null }): Promise<VisitorEventPage>;
  quarantineFeedback(request: QuarantineRequest): Promise<QuarantineRow>;
  releaseFeedback(id: string): Promise<QuarantineRow>;
  quarantines(page: QuarantinePage): Promise<QuarantineRow[]>;
  /** How often visitors choose what they see. Rejects with SimiliError INVALID_ARGUMENT. */
  clickThrough(request: ClickThroughRequest): Promise<ClickThrough>;
  /** How feedback of the last days fared, 1 to 90. Rejects with SimiliError INVALID_ARGUMENT. */
  feedbackHealth(days: number): Promise<FeedbackFigures>;
  /** How much of the nearest ten the lists of the version that serves had. */
  recall(): Promise<Recall>;
  /** Stores counts of feedback that are still in this process, of all catalogs, and ends what runs behind answers; before the database is closed. */
  flush(): Promise<void>;
  submitRatings(entries: readonly unknown[]): Promise<RatingResult>;
  upsertProducts(entries: readonly unknown[]): Promise<WriteResult>;
  deleteProducts(ids: readonly string[]): Promise<number>;
  retrain(request: RetrainRequest, requestedBy: string): Promise<JobRow>;
  /** When the next training comes by itself, and why. */
  retrainPlan(): Promise<RetrainPlan>;
  /** A waiting job ends at once, a running one within 2 s. Rejects with SimiliError NOT_FOUND, JOB_NOT_CANCELLABLE. */
  cancelJob(id: string): Promise<JobRow>;
  rollback(modelId: string | null): Promise<ModelRow>;
  /** Whether the queue answers: false, and what was accepted is worked on later. */
  queueAlive(): Promise<boolean>;
  watchJob(id: string): Promise<AsyncGenerator<JobRow>>;
  /** Feedback as it is stored, from now on. */
  tapFeedback(): AsyncGenerator<VisitorEvent>;
};

type Parts = {
  /** The shop's own implementations of seams. */
  extensions?: Extensions | undefined;
  /** Doors of the usual catalog. */
  repositories: Repositories;
  queue: Pick<JobQueue, 'add' | 'alive' | 'withdraw'>;
  log: Log;
  signingKey: string;
  now: () => Date;
  patience: Patiences;
  retraining: RetrainSettings;
  /** Share of lists that explore, 0 to 0.2. */
  exploring: number;
  auditing: AuditSettings;
};

/** How long a plan of the next training is shown as it was at least, ms: it counts all feedback, half a second for a million events. */
const PLAN_MS = 10_000;

/** Catalogs whose services are kept; those of others are made again. */
const KEPT = 500;

export function makeServices(parts: Parts): Services {
  const { repositories, now } = parts;
  const known = knowCatalogs(repositories.catalogs);
  const kept = new LRUCache<string, Services>({ max: KEPT });
  const counting = openCounting({ counts: repositories.feedbackCounts, now, log: parts.log });
  const turn = openTurn();
  const shared = {
    counting,
    turn,
    async flush() {
      await Promise.all([counting.flush(), turn.running]);
    },
    usualCatalog: repositories.catalog,
    lastKnown: openLastKnown(),
    async inCatalog(id: string | null, deadline: Deadline | null = null) {
      const catalog = id ?? repositories.catalog;
      await known.check(catalog, deadline);
      return servicesOf(catalog);
    },
  };
  const servicesOf = (catalog: string): Services => {
    const services = kept.get(catalog) ?? ofCatalog(parts, repositories.forCatalog(catalog), shared);
    kept.set(catalog, services);
    return services;
  };
  return servicesOf(repositories.catalog);
}

type Shared = Pick<Services, 'usualCatalog' | 'inCatalog' | 'flush'> & {
  lastKnown: LastKnown;
  counting: Counting;
  turn: Turn;
};

function ofCatalog(
  parts: Parts,
  repositories: Repositories,
  { lastKnown, counting, turn, ...shared }: Shared,
): Services {
  const { queue, log, now, patience, retraining, exploring, auditing, extensions = {} } = parts;
  const { filters = [], reranker = null, retrainPolicy = usualRetrainPolicy(retraining) } = extensions;
  const telemetry = telemetryOf(extensions, log);
  const { catalog, products, embeddings, fallbacks, feedback, erasures, quarantines, ratings, jobs, models } =
    repositories;
  const signingKey = signingKeyOf(parts.signingKey, catalog);
  const serving = makeServing(models);
  const audit = openRecallAudit({ ...auditing, audits: repositories.recallAudits, catalog, telemetry, log }, turn);
  // A stream has no deadline, each of its reads has: one over a dead connection would wait for ever.
  const patiently = <T>(read: () => Promise<T>): Promise<T> => within(startDeadline(patience.admin), read);
  const ranking = { models, signingKey, filters, reranker, log, telemetry };
  const looking = { catalog, pictureQueries: repositories.pictureQueries, queue, signingKey, now };
  const services: Services = {
    ...shared,
    catalog,
    repositories,
    search: audited(repositories.search, audit),
    serving,
    log,
    telemetry,
    patience,
    similarItems: withLastKnown(
      (request: SimilarItemsRequest, view) => similarItems({ ...ranking, fallbacks, now, exploring }, request, view),
      lastKnown,
      catalog,
    ),
    similarToProducts: withLastKnown(
      (request: SimilarToProductsRequest, view) => similarToProducts(ranking, request, view),
      lastKnown,
      catalog,
    ),
    similarToPicture: (request, view) => similarToPicture({ ...ranking, ...looking }, request, view),
    pictureToken: (bytes) => pictureToken({ ...looking, serving }, bytes),
    productCount: remembered(
      () => products.count(),
      sparingly,
      () => performance.now(),
    ),
    embedded: embeddedCounts(
      (version) => embeddings.count(version),
      () => performance.now(),
    ),
    productByUrl: (url) => products.byUrl(url),
    job: (id) => jobs.byId(id),
    submitFeedback: (visitor, entries) => submitFeedback({ feedback, signingKey, now }, visitor, entries),
    eraseVisitors: (visitorIds) => eraseVisitors({ erasures }, visitorIds),
    erasure: (id) => erasureReceipt({ erasures }, id),
    explainSimilarity: (a, b) => explainSimilarity({ models, embeddings, feedback }, a, b),
    visitorEvents: (visitorId, page) => visitorEvents({ erasures }, visitorId, page),
    quarantineFeedback: (request) => quarantineFeedback({ quarantines }, request),
    releaseFeedback: (id) => releaseFeedback({ quarantines }, id),
    quarantines: (page) => listQuarantines({ quarantines }, page),
    clickThrough: (request) => clickThrough({ clickThrough: repositories.clickThrough, now }, request),
    feedbackHealth: (days) => feedbackHealth({ health: repositories.feedbackHealth, days: feedback.days, now }, days),
    recall: () => recallOf({ audit, serving, settings: auditing }),
    submitRatings: (given) => submitRatings({ ratings, products }, given),
    upsertProducts: (entries) => upsertProducts({ catalog, products, queue }, entries),
    deleteProducts: (ids) => deleteProducts({ products }, ids),
    retrain: (request, requestedBy) => retrain({ jobs, queue }, request, requestedBy),
    retrainPlan: remembered(
      () => nextRetrain(repositories, retrainPolicy, now()),
      sparinglyFrom(PLAN_MS),
      () => performance.now(),
    ),
    cancelJob: (id) => jobs.cancel(id),
    rollback: (modelId) => rollback({ models, serving }, modelId),
    queueAlive: () => queue.alive(),
    watchJob: (id) => watchJob({ byId: (job) => patiently(() => jobs.byId(job)) }, id),
    tapFeedback: () => tapFeedback({ newest: (since, limit) => patiently(() => erasures.newest(since, limit)), now }),
  };
  return counted(watched(refusingUnstorable(services, TEXTS), catalog), counting, catalog);
}

const TEXTS: Texts<Services> = {
  inCatalog: null, // what is not the name of a catalog is none
  // All else is a number, a word whose shape is checked, or signed.
  similarItems: ({ anchorId: id, filter }) => ({ id, filter }),
  similarToProducts: ({ anchorIds: ids, filter }) => ({ ids, filter }),
  similarToPicture: ({ picture, filter }) => ({ picture, filter }),
  pictureToken: null,
  productCount: null,
  embedded: null,
  productByUrl: (url) => ({ url }),
  job: (id) => ({ id }),
  submitFeedback: ({ id }) => ({ visitor: { id } }),
  eraseVisitors: (visitorIds) => ({ visitorIds }),
  erasure: (id) => ({ id }),
  explainSimilarity: (a, b) => ({ a, b }),
  visitorEvents: (visitorId) => ({ visitorId }),
  quarantineFeedback: (request) => request,
  releaseFeedback: (id) => ({ id }),
  quarantines: ({ visitorId }) => ({ visitorId }),
  flush: null,
  recall: null,
  feedbackHealth: null,
  clickThrough: ({ modelVersionId }) => ({ modelVersionId }),
  submitRatings: null,
  upsertProducts: null,
  deleteProducts: (ids) => ({ ids }),
  retrain: (request) => request,
  retrainPlan: null,
  cancelJob: (id) => ({ id }),
  rollback: (modelVersionId) => ({ modelVersionId }),
  queueAlive: null,
  watchJob: (id) => ({ id }),
  tapFeedback: null,
};
