import { join } from 'node:path';
import { pino } from 'pino';
import { GOLDEN } from '../learning/features/golden.ts';
import { loadConfig } from '../src/config.ts';
import { embedMissing } from '../workers/embedding/embedding.ts';
import { openArtefactCache } from '../workers/jobs/artefact-cache.ts';
import type { PictureService } from '../workers/pictures/picture-service.ts';
import { openEngineHost } from '../workers/training/engine-client.ts';
import { encoder, frozenVersion, generatedCatalog, LOOK, type ProjectedCatalog } from './projection-catalog.ts';
import { temporaryDir } from './running.ts';

/** Rate that is wanted: 100,000 products in a minute, a million in ten. */
const LIMIT_A_SECOND = 1667;
/** PGlite is one thread: a small catalog shows its rate. */
const EMBEDDED_PART = 20;
/** As the real path has it. */
const PAGE = 512;
const never = new AbortController().signal;

type Row = Record<string, string | number>;

/**
 * A version without a network on a catalog whose features are stored: features to vectors, index apart, beside the reading
 * of the same rows and the writing of the same vectors alone, in the same run. PGlite, and the Postgres of DATABASE_URL.
 */
export async function projection({ products }: { products: number }): Promise<Row[]> {
  const url = process.env.DATABASE_URL;
  const rows = await measured('PGlite', undefined, Math.ceil(products / EMBEDDED_PART));
  return url ? [...(await measured('Postgres', url, products)), ...rows] : rows;
}

async function measured(database: string, url: string | undefined, products: number): Promise<Row[]> {
  const dir = await temporaryDir();
  const catalog = await generatedCatalog(url, products);
  const config = loadConfig({ SIMILI_THREADS: '1' });
  const embedder = openEngineHost('the embedder', config);
  try {
    const model = await frozenVersion(catalog);
    const { repositories } = catalog;
    const artefacts = openArtefactCache(join(dir.path, 'models'));
    const log = pino({ level: 'silent' });
    const context = { repositories, pictures: NO_PICTURES, embedder, artefacts, config, log, encoder };
    const read = await timed(() => readAll(catalog, model.number));
    // A worker has it running, and the version loaded.
    await embedder.embed(
      { ...(await artefacts.pathOf(repositories.models, model.id)), pictures: [], pixels: {}, encoded: NOTHING },
      never,
    );
    const memory = watchMemory();
    const project = await timed(async () => {
      const written = await embedMissing(context, model, never);
      if (written !== products) throw new Error(`${written} vectors of ${products} products`);
    });
    const workerPeakMb = memory.peakMb();
    const write = await timed(() => catalog.copyVectors(model.number));
    const row = (what: string, seconds: number): Row => ({
      what,
      database,
      products,
      seconds: Number(seconds.toFixed(1)),
      aSecond: Math.round(products / seconds),
    });
    return [
      row('reading the same rows alone', read),
      row('writing the same vectors alone, within the server', write),
      {
        ...row('re-embedding: stored features to vectors', project),
        limitASecond: LIMIT_A_SECOND,
        met: products / project >= LIMIT_A_SECOND ? 'yes' : 'NO',
        workerPeakMb,
      },
    ];
  } finally {
    await embedder.close();
    await catalog[Symbol.asyncDispose]();
    await dir.remove();
  }
}

/** Pages of the catalog, and what is stored of their pictures. */
async function readAll({ repositories: { embeddings, features }, keys }: ProjectedCatalog, model: number) {
  for (let after: string | null = null; ; ) {
    const page = await embeddings.missing(model, PAGE, after);
    if (page.length === 0) return;
    const hashes = page.flatMap(({ pictures }) => pictures.map(({ contentHash }) => contentHash));
    await Promise.all(keys.map((key) => features.of(key, hashes)));
    after = page.at(-1)!.productId;
  }
}

/** Resident memory of this process from now on, at its highest. */
function watchMemory(): { peakMb(): number } {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  look();
  const timer = setInterval(look, 50);
  return {
    peakMb() {
      clearInterval(timer);
      return Math.round(peak / 2 ** 20);
    },
  };
}

/** Features of no picture. */
const NOTHING = Object.fromEntries([GOLDEN, encoder.facts].map(({ id }) => [id, new Uint16Array(0)]));

const refused = async (): Promise<never> => {
  throw new Error('A projection opens no picture');
};
const NO_PICTURES: PictureService = {
  load: refused,
  refresh: refused,
  ensure: refused,
  forget: refused,
  folders: () => ({}),
  look: () => LOOK,
  capacity: () => 0,
  close: async () => {},
};

/** @returns seconds */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return (performance.now() - since) / 1000;
}
