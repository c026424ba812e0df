import { EmbeddingRepository } from './embeddings.ts';
import { FeatureRepository } from './features.ts';
import { FeedbackRepository } from './feedback.ts';
import { ImageRepository } from './images.ts';
import { JobRepository } from './jobs.ts';
import { ModelRepository } from './models.ts';
import { ProductRepository } from './products.ts';
import { RatingRepository } from './ratings.ts';
import { RoundRepository } from './rounds.ts';
import { SearchRepository } from './search.ts';
import { SettingRepository } from './settings.ts';
import type { Storage } from './storage.ts';

export type Repositories = ReturnType<typeof makeRepositories>;

/** All doors to the database; a module takes the ones it needs. */
export function makeRepositories({ prisma: db, ask }: Pick<Storage, 'prisma' | 'ask'>) {
  const jobs = new JobRepository(db);
  return {
    products: new ProductRepository(db),
    images: new ImageRepository(db),
    embeddings: new EmbeddingRepository(db, ask),
    search: new SearchRepository(ask),
    features: new FeatureRepository(db, ask),
    feedback: new FeedbackRepository(db),
    ratings: new RatingRepository(db),
    jobs,
    models: new ModelRepository(db, jobs),
    rounds: new RoundRepository(db, jobs),
    settings: new SettingRepository(db),
  };
}
