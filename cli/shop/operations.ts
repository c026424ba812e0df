import type { KeyRequest } from '../../src/api-keys.ts';
import type { ReadyImage } from '../../src/db/images.ts';
import type { App } from '../app.ts';
import type { ImportReport, ImportRequest } from '../import/run.ts';
import type { RatingsReport } from '../import-ratings.ts';

/** Pictures that wait, those that came to an end since a time, and the newest failures since then, at most 50. */
export type Pictures = { pending: number; ready: number; failed: number; failures: { id: string; why: string }[] };
/** A product and its picture, by which the pixels can be found again. */
export type Sample = { title: string; source: string; contentHash: string };
/** Vectors of an encoder for some pictures of the catalog. */
export type SeenPage = {
  images: Pick<ReadyImage, 'productId' | 'position' | 'categories' | 'source' | 'contentHash'>[];
  /** float16 [images, dimensions], little-endian. */
  base64: string;
  /** Decoded pictures of the page that it has not looked at. */
  unseen: number;
  /** Where the next page begins; null: this was the last one. */
  next: { productId: string; position: number } | null;
};
/** Input, output and events of each operation, all of it JSON. Paths are absolute. */
type Shapes = {
  import: { input: ImportRequest; progress: number; output: ImportReport };
  pictures: { input: { since: string }; progress: never; output: Pictures };
  ratings: { input: { file: string }; progress: never; output: RatingsReport };
  artefact: { input: { wanted: string }; progress: never; output: { name: string; base64: string } };
  /** Products with a decoded picture, of the first pages. */
  sample: { input: Record<string, never>; progress: never; output: Sample[] };
  /** `encoder`: its key, which also says how the pictures were decoded. A page, so that no answer grows with the catalog. */
  seen: { input: { encoder: string; after: SeenPage['next'] }; progress: never; output: SeenPage };
  catalogs: {
    input: Record<string, never>;
    progress: never;
    output: { id: string; createdAt: string; products: number }[];
  };
  /** Its output: whether it was made just now. */
  createCatalog: { input: { id: string }; progress: never; output: boolean };
  removeCatalog: { input: { id: string; force: boolean }; progress: never; output: null };
  adminKey: { input: Record<string, never>; progress: never; output: string };
  /** The key itself, shown this once. */
  createKey: { input: KeyRequest; progress: never; output: { id: string; key: string } };
  keys: { input: Record<string, never>; progress: never; output: KeyInList[] };
  /** Whether there was one. */
  revokeKey: { input: { id: string }; progress: never; output: boolean };
};
export type KeyInList = { id: string; name: string; scopes: string[]; catalog: string | null; createdAt: string };
export type OperationName = keyof Shapes;
export type Input<N extends OperationName> = Shapes[N]['input'];
export type Progress<N extends OperationName> = Shapes[N]['progress'];
export type Output<N extends OperationName> = Shapes[N]['output'];
const SAMPLE = 2000;
const SEEN = 250;
type Operations = {
  [N in OperationName]: (app: App, input: Input<N>, tell: (progress: Progress<N>) => void) => Promise<Output<N>>;
};

/**
 * Work of commands on a shop. Operations run in the process that holds its database: the command's own, or the server that
 * already has the embedded one open. Each loads what it needs.
 */
export const operations: Operations = {
  async import(app, request, tell) {
    if (!request.dryRun) await app.queue.alive(); // one that cannot be opened is told before anything is stored
    const { importCatalog } = await import('../import/run.ts');
    return importCatalog(app, request, tell);
  },
  async pictures({ repositories: { images } }, { since }) {
    const from = new Date(since);
    const [{ pending }, { ready, failed }, failures] = await Promise.all([
      images.counts(),
      images.counts(from),
      images.failures(50, from),
    ]);
    return {
      pending,
      ready,
      failed,
      failures: failures.map(({ productId, failure }) => ({ id: productId, why: failure ?? '' })),
    };
  },
  async ratings({ repositories }, { file }) {
    const { importRatings } = await import('../import-ratings.ts');
    return importRatings(repositories, file);
  },
  async artefact({ repositories: { models } }, { wanted }) {
    const { storedArtefact } = await import('./stored-artefact.ts');
    const { name, artefact } = await storedArtefact(models, wanted);
    return { name, base64: Buffer.from(artefact).toString('base64') };
  },
  async sample({ repositories: { images } }) {
    const page = await images.readyPage(SAMPLE, null);
    const firsts = new Map(page.toReversed().map((image) => [image.productId, image]));
    return [...firsts.values()].map(({ productId: title, source, contentHash }) => ({ title, source, contentHash }));
  },
  async seen({ repositories: { images, features } }, { encoder, after }) {
    const page = await images.readyPage(SEEN, after);
    const found = await features.of(
      encoder,
      page.map(({ contentHash }) => contentHash),
    );
    const seen = page.filter(({ contentHash }) => found.has(contentHash));
    const bits = seen.map(({ contentHash }) => found.get(contentHash)!);
    const last = page.length === SEEN ? page.at(-1) : undefined;
    return {
      images: seen.map(({ productId, position, categories, source, contentHash }) => ({
        productId,
        position,
        categories,
        source,
        contentHash,
      })),
      base64: Buffer.concat(bits.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))).toString(
        'base64',
      ),
      unseen: page.length - seen.length,
      next: last ? { productId: last.productId, position: last.position } : null,
    };
  },
  catalogs: async ({ repositories: { catalogs } }) =>
    (await catalogs.list()).map(({ createdAt, ...row }) => ({ ...row, createdAt: createdAt.toISOString() })),
  async createCatalog({ repositories: { catalogs } }, { id }) {
    const { createCatalog } = await import('../../src/catalog/catalogs.ts');
    return createCatalog(catalogs, id);
  },
  async removeCatalog({ repositories }, { id, force }) {
    const { removeCatalog } = await import('../../src/catalog/catalogs.ts');
    await removeCatalog(repositories, id, force);
    return null;
  },
  async adminKey({ repositories: { installation }, config }) {
    const { rotateAdminKey } = await import('../../src/keys.ts');
    return rotateAdminKey(installation, config);
  },
  async createKey({ repositories }, request) {
    const { createApiKey } = await import('../../src/api-keys.ts');
    const { key, row } = await createApiKey(repositories, request);
    return { id: row.id, key };
  },
  keys: async ({ repositories: { apiKeys } }) =>
    (await apiKeys.list()).map(({ catalogId, createdAt, ...row }) => ({
      ...row,
      catalog: catalogId,
      createdAt: createdAt.toISOString(),
    })),
  revokeKey: ({ repositories: { apiKeys } }, { id }) => apiKeys.remove(id),
};
