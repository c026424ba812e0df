import { LRUCache } from 'lru-cache';
import type { FeedbackWorth } from '../feedback-worth.ts';
import { AllJobs } from './all-jobs.ts';
import { ApiKeyRepository } from './api-keys.ts';
import { CatalogRepository } from './catalogs.ts';
import { CategoryIndexRepository } from './category-indexes.ts';
import { CategoryNames } from './category-names.ts';
import { ClickThroughRepository } from './click-through.ts';
import { ContentRepository } from './contents.ts';
import { EmbeddingRepository } from './embeddings.ts';
import { ErasureRepository } from './erasures.ts';
import { FallbackRepository } from './fallback.ts';
import { FeatureRepository } from './features.ts';
import { FeedbackRepository } from './feedback.ts';
import { FeedbackCounts, FeedbackHealthRepository } from './feedback-health.ts';
import { FeedbackChanges } from './feedback-lock.ts';
import { ImageRepository } from './images.ts';
import { InstallationRepository } from './installation.ts';
import { JobRepository } from './jobs.ts';
import { ModelRepository } from './models.ts';
import { PictureQueryRepository } from './picture-queries.ts';
import { ProductRepository } from './products.ts';
import { QuarantineRepository } from './quarantines.ts';
import { RatingRepository } from './ratings.ts';
import { RecallAuditRepository } from './recall-audits.ts';
import { RoundRepository } from './rounds.ts';
import type { NeighbourLists } from './search/neighbour-lists.ts';
import { SearchRepository } from './search/repository.ts';
import type { Storage } from './session/storage.ts';
import { SettingRepository } from './settings.ts';
import { UploadedPictureRepository } from './uploaded-pictures.ts';
import { VectorQueue } from './vector-queue.ts';
import { VectorStorageRepository } from './vector-storage.ts';

type Database = Pick<Storage, 'kind' | 'prisma' | 'ask' | 'buildIndex' | 'indexedFrom' | 'clock'> & {
  /** How much feedback counts; left out: as usual (src/feedback-worth.ts). */
  readonly worth?: FeedbackWorth;
  /** Lists of neighbours of all catalogs; left out: none are kept, and every page is searched for. */
  readonly lists?: NeighbourLists | null;
};
/** Repositories of no catalog. */
type Shared = ReturnType<typeof sharedBy>;

/**
 * All doors to the database; a module takes the ones it needs. What belongs to a catalog is bound to `catalog`: no caller names
 * it, and none can forget it.
 */
export type Repositories = Shared &
  ReturnType<typeof boundTo> & {
    /** The same of another catalog, whether or not there is one of this id. */
    forCatalog(id: string): Repositories;
  };

/** Catalogs whose repositories are kept; those of others are made again. */
const KEPT = 500;

export function makeRepositories(database: Database, catalog: string): Repositories {
  const shared = sharedBy(database);
  const kept = new LRUCache<string, Repositories>({ max: KEPT });
  const forCatalog = (id: string): Repositories => {
    const known = kept.get(id);
    if (known) return known;
    const made = { ...shared, ...boundTo(database, id), forCatalog };
    kept.set(id, made);
    return made;
  };
  return forCatalog(catalog);
}

function sharedBy({ prisma: db, ask, clock }: Database) {
  return {
    clock,
    apiKeys: new ApiKeyRepository(db),
    catalogs: new CatalogRepository(db),
    installation: new InstallationRepository(db),
    allJobs: new AllJobs(db),
    contents: new ContentRepository(db),
    uploadedPictures: new UploadedPictureRepository(db),
    feedbackCounts: new FeedbackCounts(db),
    features: new FeatureRepository(db, ask),
  };
}

function boundTo({ kind, prisma: db, ask, buildIndex, indexedFrom, clock, worth, lists }: Database, catalog: string) {
  const jobs = new JobRepository(db, catalog, clock);
  const feedbackChanges = new FeedbackChanges(db, catalog);
  return {
    catalog,
    products: new ProductRepository(db, catalog, clock),
    images: new ImageRepository(db, catalog, clock),
    embeddings: new EmbeddingRepository(db, ask, { buildIndex, indexedFrom }, catalog),
    categoryIndexes: new CategoryIndexRepository(db, ask, { buildIndex, indexedFrom }, catalog),
    categoryNames: new CategoryNames(ask, catalog),
    vectorQueue: new VectorQueue(db, catalog),
    vectorStorage: new VectorStorageRepository(db, ask, catalog, kind === 'postgres'),
    search: new SearchRepository(ask, catalog, null, indexedFrom !== null, lists),
    recallAudits: new RecallAuditRepository(db, catalog),
    pictureQueries: new PictureQueryRepository(db, ask, catalog),
    fallbacks: new FallbackRepository(db, ask, catalog),
    feedback: new FeedbackRepository(db, ask, catalog, worth),
    clickThrough: new ClickThroughRepository(db, catalog),
    feedbackHealth: new FeedbackHealthRepository(db, catalog),
    erasures: new ErasureRepository(db, catalog, feedbackChanges),
    quarantines: new QuarantineRepository(db, catalog, feedbackChanges),
    ratings: new RatingRepository(db, catalog),
    jobs,
    models: new ModelRepository(db, jobs, catalog, clock),
    rounds: new RoundRepository(db, jobs, catalog, clock),
    settings: new SettingRepository(db, catalog),
  };
}
