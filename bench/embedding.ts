import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import type { ServedModel } from '../learning/models/served-model.ts';
import { presetNamed } from '../learning/network/presets.ts';
import { pictureSizeFor } from '../learning/network/shapes.ts';
import { loadConfig } from '../src/config.ts';
import type { Vector } from '../src/db/embeddings.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { embedMissing, sidesOf } from '../workers/embedding/embedding.ts';
import { openOnnxEngine } from '../workers/engines/onnx/index.ts';
import { openHost } from '../workers/hosts/rpc.ts';
import { openArtefactCache } from '../workers/jobs/artefact-cache.ts';
import type { PictureHostApi } from '../workers/pictures/picture-host.ts';
import { DECODERS, openPictures, type PictureService } from '../workers/pictures/picture-service.ts';
import { type EngineHost, openEngineHost } from '../workers/training/engine-client.ts';
import { catalogOf, type PictureFile, pictureFiles, servedModel, storeModel } from './embedding-catalog.ts';
import { temporaryDir } from './running.ts';

const PICTURES = 2048;
const ROUNDS = 3;
/** As the real path has it. */
const BATCH = 64;
const THREADS = 1;
const never = new AbortController().signal;
setMaxListeners(0, never);
const config = loadConfig({ SIMILI_ENGINE: 'onnx', SIMILI_THREADS: String(THREADS) });
const limits = {
  maxBytes: 10 ** 8,
  maxPixels: 10 ** 8,
  timeoutMs: 60_000,
  background: config.SIMILI_BACKGROUND,
  allowPrivate: false,
};

type Row = Record<string, string | number>;
type Stage = 'decode' | 'forward' | 'vectors' | 'upsert' | 'endToEnd' | 'cached';
/** Pictures a second. */
type Rates = Record<Stage, number>;

/**
 * From picture files to vectors in Postgres (without DATABASE_URL: PGlite), beside what each stage does when it has the
 * machine to itself. The stages take turns, several times, so that all of them see the same machine; medians.
 */
export async function embedding(): Promise<Row[]> {
  const files = await pictureFiles(PICTURES);
  const rows: Row[] = [];
  for (const preset of ['tiny', 'small']) rows.push(...rowsOf(preset, await ratesOf(preset, files)));
  return rows;
}

function rowsOf(preset: string, rates: Rates): Row[] {
  const limit = Math.min(rates.decode, rates.forward);
  const size = presetNamed(preset).inputSize;
  const row = (what: string, rate: number, processes: number): Row => ({
    what,
    preset,
    engine: 'onnx',
    device: 'cpu',
    processes,
    threads: THREADS,
    size,
    batch: BATCH,
    imagesPerSecond: Math.round(rate),
    ofSlowerLimit: (rate / limit).toFixed(2),
  });
  // Every picture takes its time in each stage, wherever that runs: what the cores together have time for.
  const seconds = DECODERS / rates.decode + 1 / rates.vectors + 1 / rates.upsert;
  const budget = Math.min(rates.decode, availableParallelism() / seconds);
  return [
    row('decode alone: all decoders', rates.decode, DECODERS),
    row('forward alone: ONNX Runtime', rates.forward, 1),
    row('served vectors alone: features and network', rates.vectors, 1),
    row('upsert alone', rates.upsert, 1),
    row(`what ${availableParallelism()} cores have time for`, budget, DECODERS + 2),
    row('end to end: files to vectors in Postgres', rates.endToEnd, DECODERS + 2),
    row('again: pixels to vectors in Postgres', rates.cached, DECODERS + 2),
  ];
}

async function ratesOf(preset: string, files: readonly PictureFile[]): Promise<Rates> {
  const dir = await temporaryDir();
  const model = servedModel(preset);
  const embedder = openEngineHost('the embedder', config);
  const stages = {
    decode: await decodeAlone(files, pictureSizeFor(model.network!.spec.inputSize)),
    forward: await forwardAlone(model, files.length),
    ...(await realPath(dir.path, files, model, embedder)),
  };
  const rates = { decode: [], forward: [], vectors: [], upsert: [], endToEnd: [], cached: [] } as Record<
    Stage,
    number[]
  >;
  for (let round = 0; round < ROUNDS; round++) {
    for (const stage of ['decode', 'endToEnd', 'forward', 'cached', 'vectors', 'upsert'] as const) {
      const seconds = await stages[stage](round);
      rates[stage].push(files.length / seconds);
    }
  }
  await Promise.all([stages.decode.close(), stages.forward.close(), stages.close()]);
  await embedder.close();
  await dir.remove();
  return Object.fromEntries(Object.entries(rates).map(([stage, all]) => [stage, median(all)])) as Rates;
}

/** Bytes in memory to pixels in memory, as many at once as the service has decoders. */
async function decodeAlone(files: readonly PictureFile[], side: number) {
  const hosts = Array.from({ length: DECODERS }, () =>
    openHost<PictureHostApi>(new URL('../workers/pictures/picture-host.ts', import.meta.url), { label: 'a decoder' }),
  );
  await Promise.all(hosts.map((host) => host.call('ready', null)));
  const run = timed(async () => {
    const queue = [...files];
    const lane = async (host: (typeof hosts)[number]) => {
      for (let file = queue.pop(); file; file = queue.pop())
        await host.call('decode', { bytes: file.bytes, source: file.path, limits: { ...limits, sides: [side] } });
    };
    await Promise.all([...hosts, ...hosts].map(lane)); // as in the service, the next is there when one is done
  });
  return Object.assign(run, { close: () => Promise.all(hosts.map((host) => host.close())) });
}

async function forwardAlone({ network }: ServedModel, pictures: number) {
  const { spec, weights } = network!;
  const engine = await openOnnxEngine(spec, weights, { batch: 1, threads: THREADS });
  const input = new Float32Array(64 * spec.inputSize ** 2 * 3).fill(0.5);
  await engine.embed(input, 64);
  const run = timed(async () => {
    for (let done = 0; done < pictures; done += 64) await engine.embed(input, 64);
  });
  return Object.assign(run, { close: () => engine.dispose() });
}

/** The worker's own code on a database and a cache of its own, and two of its stages alone. */
async function realPath(dir: string, files: readonly PictureFile[], served: ServedModel, embedder: EngineHost) {
  const catalog = await catalogOf(files);
  const { embeddings, models } = catalog.repositories;
  const model = await storeModel(catalog, served);
  const artefacts = openArtefactCache(join(dir, 'models'));
  const services = Array.from({ length: ROUNDS }, (_, round) =>
    openPictures({ cacheDir: join(dir, `pixels-${round}`), limits }),
  );
  const emptyTable = async () => {
    const space = pictureSpace(model.dimensions);
    await embeddings.dropTables(model.number, [space]);
    await embeddings.createTable(model.number, space);
  };
  const embedAll = async (round: number) => {
    const pictures = services[round]!;
    await startDecoders(pictures, dir);
    await emptyTable();
    const { repositories } = catalog;
    const log = pino({ level: 'silent' });
    const context = { repositories, pictures, embedder, artefacts, config, log, encoder: null };
    let written = 0;
    const seconds = await timed(async () => {
      written = await embedMissing(context, model, never);
    })();
    if (written !== files.length) throw new Error(`${written} vectors of ${files.length} pictures`);
    await emptyTable();
    return seconds;
  };
  const ask = async (round: number, some: readonly PictureFile[]) => {
    const pixels = services[round]!.folders(sidesOf(model));
    const pictures = some.map(({ contentHash }) => contentHash);
    return embedder.embed({ ...(await artefacts.pathOf(models, model.id)), pictures, pixels }, never);
  };
  await ask(0, []); // loads the model
  return {
    endToEnd: embedAll,
    cached: embedAll,
    vectors: timed(async (round: number) => {
      for (let at = 0; at < files.length; at += BATCH) await ask(round, files.slice(at, at + BATCH));
    }),
    upsert: timed(async () => {
      const vector = new Float32Array(model.dimensions).fill(0.1);
      for (let at = 0; at < files.length; at += BATCH) {
        const some = files
          .slice(at, at + BATCH)
          .map(
            ({ contentHash }, i): Vector => ({ productId: `p${String(at + i).padStart(6, '0')}`, contentHash, vector }),
          );
        await embeddings.upsert(model.number, some);
      }
    }),
    async close() {
      await Promise.all(services.map((service) => service.close()));
      await catalog[Symbol.asyncDispose]();
    },
  };
}

/** A worker has them running: a picture for each, of which none is in the catalog. */
async function startDecoders(pictures: PictureService, dir: string): Promise<void> {
  const made = Array.from({ length: DECODERS }, async (_, i) => {
    const path = join(dir, `${randomUUID()}.png`);
    const channels = 3 as const;
    await sharp({ create: { width: 8 + i, height: 8, channels, background: '#f00' } }).toFile(path);
    return pictures.load(path);
  });
  await Promise.all(made);
}

/** @returns seconds */
const timed =
  <Args extends unknown[]>(work: (...args: Args) => Promise<void>) =>
  async (...args: Args): Promise<number> => {
    const since = performance.now();
    await work(...args);
    return (performance.now() - since) / 1000;
  };

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
