import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config.ts';
import { decodeModel, encodeModel } from '../../src/learning/artefact.ts';
import type { ServedModel } from '../../src/learning/served-model.ts';
import { openEngineHost } from '../hosts/engine-client.ts';
import { sha256 } from '../sha256.ts';
import { hashAt } from '../training/picture-store.ts';
import type { TrainingEvent, TrainingSet } from '../training/protocol.ts';

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
  /** Wall-clock time of the whole fit. */
  readonly seconds: number;
  readonly engine: string;
};

/** The engine process of a worker, asked for an evaluation. */
export type Trainer = {
  /** The same network is trained once. */
  trained(training: NetworkTraining, seed: number): Promise<Trained>;
  /** Served vectors of pictures, by the version's own code. */
  vectors(model: ServedModel, pictures: Int32Array): Promise<Float32Array[]>;
  /** All trainings so far. */
  log(): readonly { readonly training: NetworkTraining; readonly seed: number; readonly trained: Trained }[];
  close(): Promise<void>;
};

export type TrainerOptions = {
  readonly config: Config;
  readonly set: TrainingSet;
  /** Of the multi-scale network; the single-scale one is `<preset>SingleScale`. */
  readonly preset: string;
  /** Of each training. */
  readonly seconds: number;
  readonly steps: number | null;
  readonly signal: AbortSignal;
  readonly onEvent: (training: NetworkTraining, seed: number, event: TrainingEvent) => void;
};

const PICTURES_AT_ONCE = 256;
/** Longer than any training: nothing is resumed. */
const NEVER_SECONDS = 86_400;

export async function openTrainer(options: TrainerOptions): Promise<Trainer> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-evaluate-'));
  const host = openEngineHost('the trainer', options.config);
  const log: { training: NetworkTraining; seed: number; trained: Trained }[] = [];
  const known = new Map<string, Promise<Trained>>();
  const written = new Set<string>();

  const train = async (training: NetworkTraining, seed: number): Promise<Trained> => {
    const { set, preset, seconds, steps, signal, onEvent } = options;
    const curve: CurvePoint[] = [];
    const started = performance.now();
    const request = {
      ...{ kind: 'NETWORK' as const, set, feedback: [], backbone: null, checkpoint: null, seed, seconds, steps },
      ...{ preset: training.scales === 'single' ? `${preset}SingleScale` : preset, recipe: training.recipe },
      ...(training.sampling && { sampling: training.sampling }),
      checkpointSeconds: NEVER_SECONDS,
    };
    const { artefact, summary } = await host.train(request, signal, async (event) => {
      if (event.type === 'loss') curve.push(event);
      onEvent(training, seed, event);
    });
    const trained = {
      ...{ model: decodeModel(artefact), curve, seconds: (performance.now() - started) / 1000 },
      ...{ steps: Number(summary.steps), engine: String(summary.engine) },
    };
    log.push({ training, seed, trained });
    return trained;
  };

  return {
    trained(training, seed) {
      const key = JSON.stringify({ ...training, seed });
      const found = known.get(key) ?? train(training, seed);
      known.set(key, found);
      return found;
    },
    async vectors(model, pictures) {
      const artefact = encodeModel(model);
      const checksum = sha256(artefact);
      const path = join(dir, checksum);
      if (!written.has(checksum)) await writeFile(path, artefact);
      written.add(checksum);
      return embedAll(host, options, { path, checksum }, pictures);
    },
    log: () => log,
    async close() {
      await host.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function embedAll(
  host: ReturnType<typeof openEngineHost>,
  { set, signal }: TrainerOptions,
  artefact: { path: string; checksum: string },
  pictures: Int32Array,
): Promise<Float32Array[]> {
  const keys = Array.from(pictures, (picture) => hashAt(set.hashes, picture));
  const rows: Float32Array[] = [];
  for (let at = 0; at < keys.length; at += PICTURES_AT_ONCE) {
    const some = keys.slice(at, at + PICTURES_AT_ONCE);
    const { vectors, dimensions } = await host.embed({ ...artefact, pictures: some, pixels: set.pixels }, signal);
    for (let i = 0; i < some.length; i++) rows.push(vectors.slice(i * dimensions, (i + 1) * dimensions));
  }
  return rows;
}
