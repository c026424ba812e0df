import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runImport } from '../../cli/import/run.ts';
import { meanVectors } from '../../learning/fusion/mean-vector.ts';
import { decodeModel } from '../../learning/models/artefact.ts';
import { readCatalog } from '../../src/catalog/import/index.ts';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { openPictureCopies } from '../../src/catalog/picture-copies.ts';
import { writeProducts } from '../../src/catalog/products.ts';
import { loadConfig } from '../../src/config.ts';
import { type RetrainRequest, retrain } from '../../src/jobs/retrain.ts';
import { noTelemetry } from '../../src/ports/telemetry.ts';
import type { WorkerContext } from '../../workers/context.ts';
import { keyOf } from '../../workers/embedding/encoding.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { openArtefactCache } from '../../workers/jobs/artefact-cache.ts';
import { startFirstModels } from '../../workers/jobs/first-models.ts';
import { openPictures, type PictureService } from '../../workers/pictures/picture-service.ts';
import { embed } from '../../workers/training/embed/embed.ts';
import { encode } from '../../workers/training/embed/encode.ts';
import type { EngineHost } from '../../workers/training/engine-client.ts';
import { train } from '../../workers/training/train.ts';
import { makeBackbone, nanBackbone } from '../support/backbone.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { writeEncoder } from '../support/encoder.ts';
import { fakeQueue } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';

const PRODUCTS = 24;
const computing = { engine: 'onnx' as const, requireGpu: false, threads: 1, gpus: [] };
/** Engines of this process. */
const trainer: Pick<EngineHost, 'train'> = {
  train: (request, signal, onEvent) =>
    train({ ...request, ...computing, processes: 1 }, signal, (event) => void onEvent(event)),
};
const embedder: Pick<EngineHost, 'encode' | 'embed'> = {
  encode: (request) => encode({ ...request, threads: 1 }),
  embed: ({ path, ...request }) => embed({ ...request, ...computing, artefactPath: path }),
};
const run = { signal: new AbortController().signal };

let dir = '';
let pictures: PictureService;
const copiesIn = () => openPictureCopies(join(dir, 'copies'));
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-retrain-encoder-'));
  const own = (name: string) => join(dir, 'encoders', name);
  await writeEncoder(own('first'), makeBackbone().bytes);
  await writeEncoder(own('second'), makeBackbone({ channels: 7 }).bytes, { output: { dimensions: 7 } });
  await writeEncoder(own('broken'), nanBackbone(), { output: { dimensions: 3 } });
  const limits = {
    maxBytes: 10 ** 6,
    maxPixels: 10 ** 6,
    timeoutMs: 60_000,
    allowPrivate: false,
    background: '#ffffff',
  };
  pictures = openPictures({ cacheDir: join(dir, 'cache'), limits, processes: 1, copies: copiesIn() });
  await draw('catalog', PRODUCTS);
});
afterAll(async () => {
  await pictures.close();
  await rm(dir, { recursive: true });
});

async function draw(folder: string, count: number, from = 0): Promise<void> {
  await mkdir(join(dir, folder));
  const channels = 3 as const;
  for (let i = from; i < from + count; i++) {
    const background = { r: (53 * i) % 256, g: (101 * i) % 256, b: (197 * i) % 256 };
    const input = { create: { width: 8 + (i % 5), height: 6 + (i % 7), channels, background } };
    const ground = sharp({ create: { width: 24, height: 24, channels, background: '#ffffff' } });
    await ground
      .composite([{ input, left: 3, top: 4 }])
      .png()
      .toFile(join(dir, folder, `thing-${i}.png`));
  }
}

type Shop = AsyncDisposable & FreshDatabase & { context: WorkerContext; warned: string[] };

/** A worker with a catalog of its own. */
async function openShop(encoder: string): Promise<Shop> {
  const database = await freshDatabase();
  const config = loadConfig({ SIMILI_DATA_DIR: dir, SIMILI_ENCODER: encoder });
  const warned: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warned.push(line) });
  const { repositories } = database;
  const artefacts = openArtefactCache(join(dir, 'models'));
  const context = {
    repositories,
    queue: fakeQueue(),
    pictures,
    copies: copiesIn(),
    trainer,
    embedder,
    artefacts,
    config,
    log,
    encoder: await findEncoder(encoder, dir),
    encoders: [],
    telemetry: noTelemetry,
  } as unknown as WorkerContext;
  return { ...database, context, warned };
}

async function ingest({ context, repositories }: Shop, folder: string): Promise<void> {
  await runImport({ repositories, queue: context.queue } as never, readCatalog(join(dir, folder)), () => {});
  await ingestHandler(context)({ catalog: 'default' }, run);
}

/** To its end, one phase after the other. */
async function finished({ context, repositories: { jobs } }: Shop, jobId: string) {
  for (const handler of [trainHandler, embedHandler, evaluateHandler])
    await handler(context)({ catalog: 'default', jobId }, run);
  return (await jobs.byId(jobId))!;
}
const firstModel = async (shop: Shop) => {
  await startFirstModels(shop.context);
  return finished(shop, (await shop.repositories.jobs.running())!.id);
};
/** Somebody asks for it; the first network, which begins by itself, makes room. */
async function retrained(shop: Shop, request: RetrainRequest) {
  const { jobs } = shop.repositories;
  const own = await jobs.running();
  if (own) await jobs.cancel(own.id);
  return finished(shop, (await retrain({ jobs, queue: shop.context.queue }, request, 'test')).id);
}
const active = async ({ repositories: { models } }: Shop) => (await models.active())!;

test('a retrain by another encoder looks at what that has not seen, serves, and can be rolled back to the first one', async () => {
  await using shop = await openShop('first');
  const { models, embeddings, search, features, images } = shop.repositories;
  await ingest(shop, 'catalog');
  await startFirstModels(shop.context); // ingest has begun it
  expect(await finished(shop, (await shop.repositories.jobs.running())!.id)).toMatchObject({ state: 'SUCCEEDED' });
  const first = await active(shop);
  expect(first.metrics).toMatchObject({ training: { encoder: { dimensions: 5, choice: 'first' } } });

  expect(await retrained(shop, { encoder: 'second', steps: 5 })).toMatchObject({ state: 'SUCCEEDED', error: null });
  const second = await active(shop);
  expect(second).toMatchObject({ number: 2, kind: 'NETWORK', state: 'ACTIVE' });
  expect(second.metrics).toMatchObject({ training: { encoder: { dimensions: 7, choice: 'second' } } });
  const hashes = (await images.readyPage(100, null)).map(({ contentHash }) => contentHash);
  const seen = await features.of(keyOf({ pictures }, (await findEncoder('second', dir))!), hashes);
  expect([hashes.length, seen.size, seen.get(hashes[0]!)!.length]).toEqual([PRODUCTS, PRODUCTS, 7]);

  await draw('more', 3, PRODUCTS);
  await ingest(shop, 'more');
  for (const { number } of [first, second]) expect(await embeddings.count(number)).toBe(PRODUCTS + 3);
  await models.rollback(null);
  expect(await active(shop)).toMatchObject({ id: first.id, number: 1 });
  const [anchor] = await images.readyPage(1, null);
  expect((await nearestTo(search, 1, anchor!.productId, {}, 30)).neighbours).toHaveLength(PRODUCTS + 2);
});

test('the vector of a product of two pictures is the mean of theirs in every block, and follows when one of them goes', async () => {
  await using shop = await openShop('first');
  const { embeddings, models, images, products } = shop.repositories;
  await ingest(shop, 'catalog');
  await finished(shop, (await shop.repositories.jobs.running())!.id);
  const [first, second] = await images.readyPage(2, null);
  const [one, other] = [first!, second!];
  const write = async (...imageUrls: string[]) => {
    const draft = { id: 'pair', title: 'A pair', imageUrls };
    await writeProducts([draft], { catalog: 'default', products, queue: shop.context.queue }, judgeImported);
    await ingestHandler(shop.context)({ catalog: 'default' }, run);
    return (await embeddings.vectors(1, ['pair'])).get('pair')!;
  };
  const both = await write(one.source, other.source);
  const { artefact } = (await models.artefact((await active(shop)).id))!;
  const own = await embeddings.vectors(1, [one.productId, other.productId]);
  const [a, b] = [own.get(one.productId)!, own.get(other.productId)!];
  const expected = meanVectors(decodeModel(artefact), Float32Array.of(...a, ...b), [2]);
  for (const [i, value] of expected.entries()) expect(both[i]).toBeCloseTo(value, 3); // stored in two bytes a number
  expect(both).not.toEqual(a);
  const alone = await write(other.source);
  for (const [i, value] of b.entries()) expect(alone[i]).toBeCloseTo(value, 3);
});

test('an encoder that is not there, or that fails, ends the job with its code, and the version that serves goes on', async () => {
  await using shop = await openShop('none');
  await ingest(shop, 'catalog');
  await firstModel(shop);
  const before = await active(shop);
  expect(before.metrics).not.toHaveProperty('training.encoder');
  for (const [encoder, why] of [
    ['missing', /none of that name/],
    ['broken', /no numbers/],
  ] as const) {
    const { state, error } = await retrained(shop, { encoder, steps: 5 });
    expect([state, error]).toMatchObject(['FAILED', { code: 'IMPORT_UNREADABLE', retry: false }]);
    expect((error as { message: string }).message).toMatch(why);
  }
  expect((await active(shop)).id).toBe(before.id);
});

test('a shop whose encoder fails gets its first model from the hand-made features, which says so', async () => {
  await using shop = await openShop('broken');
  await ingest(shop, 'catalog');
  expect(await firstModel(shop)).toMatchObject({ state: 'SUCCEEDED' });
  const { metrics, kind } = await active(shop);
  expect(kind).toBe('GOLDEN');
  expect(metrics).toMatchObject({ training: { withoutEncoder: { why: expect.stringContaining('no numbers') } } });
  expect(metrics).not.toHaveProperty('training.encoder');
  expect(await shop.repositories.embeddings.count(1)).toBe(PRODUCTS);
  expect(shop.warned.filter((line) => line.includes('first model does without its encoder'))).toHaveLength(1);
});
