import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, encodeModel } from '@simili/learning/models/artefact';
import type { ServedModel } from '@simili/learning/models/served-model';
import { SeenPairs } from '@simili/learning/relevance/seen-pairs';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { makePool } from '@simili/worker/tools/pool';
import { sha256 } from '@simili/worker/tools/sha256';
import { encodedOf, openEncodedBits } from '@simili/worker/training/data/encoded-features';
import { hashAt } from '@simili/worker/training/data/picture-store';
import { type EngineHost, openEngineHost } from '@simili/worker/training/engine-client';
import type { TrainingEvent, TrainingSet } from '@simili/worker/training/protocol';
import type { Config } from 'simili/internal/config';

/** A network that several methods may share. */
export type NetworkTraining = {
  readonly recipe: string;
  readonly scales: 'single' | 'multi';
  readonly sampling?: { readonly outOfClassShare: number; readonly uniform: boolean };
};

export type CurvePoint = { readonly step: number; readonly loss: number; readonly precision?: number };
export type Trained = {
  readonly model: ServedModel;
  readonly curve: readonly CurvePoint[];
  readonly steps: number;
  /** Whose weights were kept. */
  readonly keptStep: number;
  /** Wall-clock time of the whole fit. */
  readonly seconds: number;
  readonly engine: string;
};

/** A network to be trained, and with which seed. */
export type Planned = { readonly training: NetworkTraining; readonly seed: number };

/** Engine processes of a worker, asked for an evaluation. */
export type Trainer = {
  /** Trains these, as many at once as there are processes. Failures are told to whoever asks for a network. */
  prepare(planned: readonly Planned[]): Promise<void>;
  /** The same network is trained once. */
  trained(training: NetworkTraining, seed: number): Promise<Trained>;
  /** Served vectors of pictures, by the version's own code. */
  vectors(model: ServedModel, pictures: Int32Array): Promise<Float32Array[]>;
  /** All finished trainings, in the order in which they were asked for. */
  log(): readonly (Planned & { readonly trained: Trained })[];
  close(): Promise<void>;
};

export type TrainerOptions = {
  readonly config: Config;
  readonly set: TrainingSet;
  /** Triplets of pictures that people have answered and that may teach. */
  readonly ratings: readonly Triplet[];
  /** Preset of the multi-scale network; the single-scale one is `<preset>SingleScale`. */
  readonly preset: string;
  /** Length of each training. */
  readonly seconds: number;
  readonly steps: number | null;
  /** Engine processes: as many trainings run side by side. */
  readonly hosts: number;
  readonly signal: AbortSignal;
  readonly onEvent: (planned: Planned, event: TrainingEvent) => void;
};

const PICTURES_AT_ONCE = 256;
/** Longer than any training: nothing is resumed. */
const NEVER_SECONDS = 86_400;

export async function openTrainer(options: TrainerOptions): Promise<Trainer> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-evaluate-'));
  const hosts = Array.from({ length: options.hosts }, (_, i) => openEngineHost(`trainer ${i + 1}`, options.config));
  const pool = makePool(hosts);
  setMaxListeners(0, options.signal); // every training that waits for a host listens
  const asked = new Map<string, Planned & { fit: Promise<Trained>; trained?: Trained }>();
  const written = new Set<string>();

  const trained: Trainer['trained'] = (training, seed) => {
    const key = JSON.stringify({ ...training, seed });
    const found = asked.get(key);
    if (found) return found.fit;
    const entry: Planned & { fit: Promise<Trained>; trained?: Trained } = {
      training,
      seed,
      fit: pool
        .use((host) => train(host, { training, seed }, options), options.signal)
        .then((done) => {
          entry.trained = done;
          return done;
        }),
    };
    asked.set(key, entry);
    return entry.fit;
  };

  return {
    trained,
    async prepare(planned) {
      await Promise.allSettled(planned.map(({ training, seed }) => trained(training, seed)));
    },
    async vectors(model, pictures) {
      const artefact = encodeModel(model);
      const checksum = sha256(artefact);
      const path = join(dir, checksum);
      if (!written.has(checksum)) await writeFile(path, artefact);
      written.add(checksum);
      return pool.use((host) => embedAll(host, options, { path, checksum }, pictures), options.signal);
    },
    log: () =>
      [...asked.values()].flatMap(({ training, seed, trained }) => (trained ? [{ training, seed, trained }] : [])),
    async close() {
      await Promise.all(hosts.map((host) => host.close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function train(host: EngineHost, planned: Planned, options: TrainerOptions): Promise<Trained> {
  const { set, ratings, preset, seconds, steps, signal, onEvent } = options;
  const { training, seed } = planned;
  const curve: CurvePoint[] = [];
  const started = performance.now();
  const request = {
    kind: 'NETWORK' as const,
    set,
    feedback: SeenPairs.from([]).columns,
    ratings,
    backbone: null,
    checkpoint: null,
    seed,
    seconds,
    steps,
    preset: training.scales === 'single' ? `${preset}SingleScale` : preset,
    recipe: training.recipe,
    ...(training.sampling && { sampling: training.sampling }),
    checkpointSeconds: NEVER_SECONDS,
  };
  const { artefact, summary } = await host.train(request, signal, async (event) => {
    if (event.type === 'loss') addPoint(curve, event);
    onEvent(planned, event);
  });
  return {
    model: decodeModel(artefact),
    curve,
    seconds: (performance.now() - started) / 1000,
    steps: Number(summary.steps),
    keptStep: Number(summary.keptStep),
    engine: String(summary.engine),
  };
}

/** Ranking starts anew at step 1 after a pretraining on categories, whose loss is another one. */
function addPoint(curve: CurvePoint[], { step, loss, precision }: CurvePoint): void {
  if (step <= (curve.at(-1)?.step ?? 0)) curve.length = 0;
  curve.push({ step, loss, ...(precision !== undefined && { precision }) });
}

async function embedAll(
  host: EngineHost,
  { set, signal }: TrainerOptions,
  artefact: { path: string; checksum: string },
  pictures: Int32Array,
): Promise<Float32Array[]> {
  const keys = Array.from(pictures, (picture) => hashAt(set.hashes, picture));
  const bitsOf = set.encoded && openEncodedBits(set.encoded);
  const rows: Float32Array[] = [];
  for (let at = 0; at < keys.length; at += PICTURES_AT_ONCE) {
    const some = keys.slice(at, at + PICTURES_AT_ONCE);
    const encoded = bitsOf ? encodedOf(set.encoded!, bitsOf, [...pictures.subarray(at, at + PICTURES_AT_ONCE)]) : {};
    const request = { ...artefact, pictures: some, pixels: set.pixels, encoded };
    const { vectors, dimensions } = await host.embed(request, signal);
    for (let i = 0; i < some.length; i++) rows.push(vectors.slice(i * dimensions, (i + 1) * dimensions));
  }
  return rows;
}
