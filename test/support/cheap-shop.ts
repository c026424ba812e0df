import type { GraphQLSchema } from 'graphql';
import { loadConfig } from '../../src/config.ts';
import type { ProductRow } from '../../src/db/sql/product-row.ts';
import { patiencesOf } from '../../src/deadline.ts';
import { SimiliError } from '../../src/errors.ts';
import { simili } from '../../src/plugin.ts';
import { noTelemetry } from '../../src/ports/telemetry.ts';
import type { Services } from '../../src/services.ts';
import { fakeLog } from './api.ts';

/** Work that a request made the services do. */
export type Work = { lists: number; reads: number };
export type CheapShop = {
  plugin: ReturnType<typeof simili>;
  services: Services;
  storefront: GraphQLSchema;
  admin: GraphQLSchema;
  work: Work;
  /** Work since the last call. */
  spent(): Work;
};

const row = (id: string): ProductRow => ({
  id,
  title: `Product ${id}`,
  url: null,
  categories: ['a', 'b'],
  tags: ['t'],
  price: '9.50',
  currency: 'EUR',
  available: true,
  groupId: null,
  image: { id: 'img', source: 'https://cdn.example/1.jpg', state: 'READY', width: 1, height: 1 },
});
const time = new Date(0);
const version = {
  id: 'mdl',
  number: 1,
  kind: 'NETWORK',
  state: 'ACTIVE',
  parentId: null,
  dimensions: 2,
  checksum: '',
  metrics: {},
  gates: Array.from({ length: 5 }, () => ({ name: 'g', passed: true, reason: 'r' })),
  jobId: 'job',
  createdAt: time,
  promotedAt: time,
};
const job = {
  id: 'job',
  kind: 'RETRAIN',
  state: 'RUNNING',
  phase: 'TRAIN',
  progress: 0.5,
  etaSeconds: 1,
  attempts: 1,
  message: '',
  engine: 'e',
  modelId: null,
  error: null,
  requestedBy: 'r',
  createdAt: time,
  updatedAt: time,
  curve: Array.from({ length: 200 }, (_, step) => ({ step, loss: 1, activeShare: 1 })),
};

/** A shop whose every list is full and costs nothing: what a request would cost is counted instead. */
export function cheapShop(): CheapShop {
  let work: Work = { lists: 0, reads: 0 };
  const rows = Array.from({ length: 101 }, (_, i) => row(`p${i}`));
  const read = <T>(value: T): T => {
    work.reads += 1;
    return value;
  };
  const repositories = {
    products: {
      byIds: async (ids: string[]) => read(ids.map(row)),
      byUrl: async () => read(row('url')),
      page: async (size: number) => read(rows.slice(0, size)),
      count: async () => read(rows.length), // for the admin API
    },
    images: {
      counts: async () => read({ ready: 1, pending: 0, failed: 50 }),
      failures: async (most: number) => read(Array.from({ length: most }, () => ({ productId: 'p', source: 's' }))),
    },
    categoryNames: {
      unknownCategories: async (names: readonly string[]) => {
        work.lists += 1;
        return new Set(names);
      },
      unknownTags: async (tags: readonly string[]) => new Set(tags),
    },
    models: { list: async (first: number) => read(Array(first).fill(version)), active: async () => read(version) },
    jobs: { list: async (first: number) => read(Array(first).fill(job)), byId: async () => read(job) },
  };
  const services: Services = {
    catalog: 'default',
    usualCatalog: 'default',
    inCatalog: async () => services,
    repositories,
    log: fakeLog().log,
    telemetry: noTelemetry,
    patience: patiencesOf(loadConfig({})),
    productCount: async () => read(rows.length),
    embedded: async () => {
      work.lists += 1;
      return 1;
    },
    similarItems: async ({ first }: { first?: number | null }) => {
      work.lists += 1;
      if (first != null && (first < 1 || first > 50)) throw new SimiliError('CURSOR_INVALID'); // as the real one refuses it
      const items = rows
        .slice(0, first ?? 12)
        .map((product, i) => ({ product, position: i + 1, score: 1, cursor: () => 'c' }));
      const flags = { stale: false, hasNextPage: true, hasPreviousPage: false };
      return { status: 'OK', modelId: 'mdl', items, ...flags, recommendationId: 'r' };
    },
    similarToProducts: async ({ anchorIds, ...request }: { anchorIds: string[]; first?: number | null }) => {
      if (anchorIds.length < 1 || anchorIds.length > 20) throw new SimiliError('CURSOR_INVALID');
      work.lists += anchorIds.length - 1;
      return { ...(await services.similarItems({ anchorId: '', ...request }, {} as never)), anchorIds };
    },
    similarToPicture: async ({ picture: _any, ...request }: { picture: object; first?: number | null }) => ({
      ...(await services.similarItems({ anchorId: '', ...request }, {} as never)),
      pictureToken: 't',
    }),
    submitFeedback: async () => read({ accepted: 1, duplicates: 0, withoutConsent: 0, rejections: [] }),
    erasure: async () => read(null),
    eraseVisitors: async () => read(null),
    explainSimilarity: async () => read(null),
    quarantines: async () => read([]),
    flush: async () => {},
    visitorEvents: async () => read({ events: [], endCursor: null, hasNextPage: false }),
  } as unknown as Services;
  const plugin = simili(services);
  return {
    plugin,
    services,
    storefront: plugin.standalone(),
    admin: plugin.admin({ authorize: () => true }),
    get work() {
      return work;
    },
    spent() {
      const done = work;
      work = { lists: 0, reads: 0 };
      return done;
    },
  };
}
