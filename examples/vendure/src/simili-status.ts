import { Query, Resolver } from '@nestjs/graphql';
import { Allow, Permission } from '@vendure/core';
import gql from 'graphql-tag';
import { SimiliService } from './simili-service';

export const statusSchema = gql`
  extend type Query {
    "What Simili serves for the shop, of all its channels together."
    similiStatus: SimiliStatus!
  }
  type SimiliStatus {
    "Simili's own page."
    page: String!
    "Why Simili does not answer, and nothing else is known; null: it does."
    problem: String
    products: Int
    picturesPending: Int
    picturesFailed: Int
    "The model version that serves; null: none does yet."
    version: SimiliVersion
    "The newest one; null: there was none."
    training: SimiliTraining
  }
  type SimiliVersion {
    number: Int!
    "False: the first model, which is not trained."
    trained: Boolean!
    "Products with a vector of it."
    products: Int!
    promotedAt: DateTime
  }
  type SimiliTraining {
    "JobState of Simili."
    state: String!
    "What it does, what came of it, or why it failed."
    message: String
    finishedAt: DateTime
    "Of the version that it made; empty while nothing was measured."
    gains: [SimiliGain!]!
  }
  "Share of held-out triplets in the right order, 0 to 1."
  type SimiliGain {
    "Where the triplets are from: categories, clicks, later clicks or ratings."
    of: String!
    "Of the version that served before; null: none did."
    before: Float
    after: Float!
  }
`;

const STATUS = `{
  activeModel { number kind embedded promotedAt }
  catalogHealth { products imagesPending imagesFailed }
  jobs(first: 1) { state message finishedAt error { message } modelVersionId }
  models(first: 5) { id metrics }
}`;

type Measured = Record<string, { triplets: number; precision: number } | undefined>;
type Metrics = { evaluation?: Measured; active?: Measured | null };
type Status = {
  activeModel: { number: number; kind: 'GOLDEN' | 'NETWORK'; embedded: number; promotedAt: string | null } | null;
  catalogHealth: { products: number; imagesPending: number; imagesFailed: number };
  jobs: {
    state: string;
    message: string | null;
    finishedAt: string | null;
    error: { message: string } | null;
    modelVersionId: string | null;
  }[];
  models: { id: string; metrics: Metrics }[];
};

/** The facts that a dashboard shows: asked for here, so that the key stays with the server. */
@Resolver()
export class StatusResolver {
  constructor(private simili: SimiliService) {}

  @Query()
  @Allow(Permission.ReadCatalog, Permission.ReadProduct)
  async similiStatus() {
    const { page } = this.simili;
    try {
      return { page, ...statusOf(await this.simili.asOperator<Status>(STATUS)) };
    } catch (error) {
      return { page, problem: reasonOf(error as Error) };
    }
  }
}

/** Node hides why a request failed in its cause. */
const reasonOf = ({ message, cause }: Error) => (cause instanceof Error ? `${message}: ${cause.message}` : message);

function statusOf({ activeModel, catalogHealth, jobs: [job], models }: Status) {
  const { products, imagesPending, imagesFailed } = catalogHealth;
  const metrics = models.find(({ id }) => id === job?.modelVersionId)?.metrics;
  return {
    products,
    picturesPending: imagesPending,
    picturesFailed: imagesFailed,
    version: activeModel && {
      number: activeModel.number,
      trained: activeModel.kind === 'NETWORK',
      products: activeModel.embedded,
      promotedAt: activeModel.promotedAt,
    },
    training: job && {
      state: job.state,
      message: job.error?.message ?? job.message,
      finishedAt: job.finishedAt,
      gains: gainsOf(metrics),
    },
  };
}

const QUESTIONS = { structure: 'categories', clicks: 'clicks', later: 'later clicks', ratings: 'ratings' };

/** Nothing is said of what was asked of no triplet. */
const gainsOf = ({ evaluation, active }: Metrics = {}) =>
  Object.entries(QUESTIONS).flatMap(([key, of]) => {
    const after = evaluation?.[key];
    const before = active?.[key];
    if (!after?.triplets) return [];
    return { of, before: before?.triplets ? before.precision : null, after: after.precision };
  });
