import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GOLDEN } from '../../learning/features/golden.ts';
import { loadConfig } from '../../src/config.ts';
import { retrainSettingsOf } from '../../src/jobs/retrain-policy.ts';
import { usualRetrainPolicy } from '../../src/ports/retrain-policy.ts';
import { noTelemetry } from '../../src/ports/telemetry.ts';
import type { WorkerContext } from '../../workers/context.ts';
import { keyOf } from '../../workers/embedding/encoding.ts';
import { goldenEye } from '../../workers/encoders/eyes.ts';
import { fakeLog } from './api.ts';
import { type FreshDatabase, freshDatabase } from './database.ts';
import { addProducts, fakeQueue, unit } from './fixtures.ts';

/** Length of the vectors of a fake version. */
const DIMENSIONS = 2;
/** The folder of pixels, which nobody reads. */
const pictures = {
  folders: (sides: readonly number[]) => Object.fromEntries(sides.map((side) => [side, `pixels/${side}`])),
  look: () => 'as the fake sees it',
  capacity: () => Number.POSITIVE_INFINITY,
  ensure: async () => {},
  forget: async () => {},
};
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
/** A direction of its own for each picture. */
const vectorOf = (hash: string): Float32Array => {
  const angle = Number.parseInt(hash.slice(0, 6), 16);
  return unit([Math.cos(angle), Math.sin(angle)]);
};

/** Fake engines; a test puts something else in the place of one. */
export const engines = {
  trainer: {
    async train(_request: unknown, _signal: AbortSignal, onEvent: (event: object) => Promise<void>) {
      await onEvent({ type: 'progress', done: 0.5, etaSeconds: 3, message: 'Half done', engine: 'fake' });
      await onEvent({ type: 'loss', step: 1, loss: 0.5, activeShare: 1 });
      await onEvent({ type: 'checkpoint', step: 1, state: Uint8Array.of(7) });
      return { artefact: Uint8Array.of(1, 2, 3), dimensions: DIMENSIONS, summary: { sides: [64] } };
    },
    round: async ({ state, steps }: { state: Uint8Array; steps: number }) => ({
      state: Uint8Array.of(...state, steps),
      loss: 0.25,
      activeShare: 0.5,
      rows: 10 * steps,
    }),
    close: async () => {},
  },
  embedder: {
    embed: async ({ pictures: hashes }: { pictures: string[] }) => ({
      dimensions: DIMENSIONS,
      vectors: Float32Array.from(hashes.flatMap((hash) => [...vectorOf(hash)])),
    }),
    close: async () => {},
  },
};

export type FakeWorker = AsyncDisposable & {
  database: FreshDatabase;
  context: WorkerContext;
  queue: ReturnType<typeof fakeQueue>;
  logged: ReturnType<typeof fakeLog>['entries'];
  /** The same worker with something else in the place of a fake. */
  but(changes: object): WorkerContext;
};

/**
 * A worker over a real database, with `products` whose pictures are decoded. Engines and pictures are fakes.
 * @param adminUrl of a Postgres server; left out: it is embedded
 */
export async function fakeWorker(products = 0, adminUrl?: string): Promise<FakeWorker> {
  const database = await freshDatabase(adminUrl);
  const folder = mkdtempSync(join(tmpdir(), 'simili-worker-'));
  const queue = fakeQueue();
  const { log, entries: logged } = fakeLog();
  const config = loadConfig({ SIMILI_ENCODER: 'none', SIMILI_DATA_DIR: folder });
  const context = {
    repositories: database.repositories,
    queue,
    config,
    log,
    pictures,
    encoder: null,
    encoders: [],
    telemetry: noTelemetry,
    retrainPolicy: usualRetrainPolicy(retrainSettingsOf(config)),
    ...engines,
    copies: { prune: async () => {} },
    artefacts: { pathOf: async () => ({ path: '/artefact', checksum: 'c' }) },
  } as unknown as WorkerContext;
  await addDecoded(database, products);
  return {
    database,
    context,
    queue,
    logged,
    but: (changes) => ({ ...context, ...changes }),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** Products p0, p1, … of two categories, each with a picture that was decoded and seen, and that no version lacks: there is none. */
export async function addDecoded(database: Pick<FreshDatabase, 'repositories'>, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => `p${i}`);
  await addProducts(
    database,
    ids.map((id, i) => ({ id, imageUrls: [`/${id}.png`], categories: [i % 2 ? 'odd' : 'even'] })),
  );
  const { images, features, vectorQueue } = database.repositories;
  const golden = new Map<string, Uint16Array>();
  for (const { id, reading, productId } of await images.claimPending(count, 60)) {
    const contentHash = hashOf(productId);
    await images.markReady({ id, reading }, { contentHash, mime: 'image/png', width: 64, height: 64 });
    golden.set(contentHash, new Uint16Array(GOLDEN.dimensions));
  }
  if (golden.size > 0) await features.add(keyOf({ pictures }, goldenEye), golden);
  await vectorQueue.done(await vectorQueue.take(count));
}
