import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, encodeModel } from '../../src/learning/artefact.ts';
import { presetNamed } from '../../src/learning/network/presets.ts';
import { withoutProxies } from '../../src/learning/network/shapes.ts';
import { decodeSafetensors } from '../../src/learning/safetensors.ts';
import type { ServedModel } from '../../src/learning/served-model.ts';
import { factsOf } from '../../workers/encoders/description.ts';
import type { InstalledEncoder } from '../../workers/encoders/find.ts';
import { describeStudent } from '../../workers/encoders/student.ts';
import { encodeSet } from '../../workers/evaluation/encode-set.ts';
import { embeddingAlone } from '../../workers/evaluation/methods/networks.ts';
import { type Host, openHost } from '../../workers/hosts/rpc.ts';
import { sha256 } from '../../workers/sha256.ts';
import { encodedOf, openEncodedBits } from '../../workers/training/encoded-features.ts';
import { hashAt } from '../../workers/training/picture-store.ts';
import type {
  EngineChoice,
  EngineHostApi,
  TrainingEvent,
  TrainingRequest,
  TrainingSet,
} from '../../workers/training/protocol.ts';

const CHOICE: EngineChoice = { engine: 'onnx', requireGpu: false, threads: 1, gpus: [] };
const PICTURES_AT_ONCE = 256;

export type Training = {
  recipe: string;
  preset: string;
  seed: number;
  seconds: number;
  processes: number;
  checkpointSeconds: number;
};
export type Trained = {
  model: ServedModel;
  summary: Record<string, unknown>;
  /** Loss by step. */
  curve: { step: number; loss: number; precision?: number }[];
  /** The network on its way: models of its embedding alone. */
  checkpoints: { step: number; model: ServedModel }[];
  steps: number;
  /** Wall-clock time of the whole fit. */
  seconds: number;
};

/** What a worker asks its engine process for, asked by the benchmark: the same code from pixels to served vectors. */
export type Product = {
  /** The model version of hand-made features that a new catalog gets. */
  golden(set: TrainingSet): Promise<ServedModel>;
  /** A model version of hand-made features and a network, fitted on the items that may teach. */
  train(set: TrainingSet, training: Training): Promise<Trained>;
  /** Served vectors of all pictures of the set. */
  vectors(set: TrainingSet, model: ServedModel): Promise<Float32Array[]>;
  /** Lets an encoder look at all pictures of the set. */
  encode(set: TrainingSet, encoder: InstalledEncoder, path: string): Promise<TrainingSet>;
  /** The set with what a student of its encoder sees in it, which was taught on the training items. */
  distil(
    set: TrainingSet,
    training: Pick<Training, 'preset' | 'seed' | 'seconds'>,
  ): Promise<{ set: TrainingSet; steps: number }>;
  close(): Promise<void>;
};

export async function openProduct(): Promise<Product> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-quality-'));
  const host = openHost<EngineHostApi>(new URL('../../workers/hosts/engine-host.ts', import.meta.url), {
    ...{ label: 'the engine', nice: 0 },
  });
  const encode: Product['encode'] = async (set, encoder, path) => {
    const encoded = await encodeSet(set, encoder, path, (request) => host.call('encode', { ...request, threads: 1 }));
    return { ...set, encoded };
  };
  return {
    golden: async (set) => decodeModel((await host.call('train', goldenRequest(set))).artefact),
    train: (set, training) => train(host, set, training),
    vectors: (set, model) => vectors(host, dir, set, model),
    encode,
    async distil(set, training) {
      const request = { ...CHOICE, ...training, set, steps: null, processes: 1 };
      const { model, dimensions, steps } = await host.call('distil', request, { onEvent: tellProgress });
      const description = describeStudent(training.preset, set.encoded!.encoder, model, dimensions);
      const path = join(dir, description.model);
      await writeFile(path, model);
      return { steps, set: await encode(set, { facts: factsOf(description), description, path }, `${path}.f16`) };
    },
    async close() {
      await host.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const common = { ...CHOICE, feedback: [], ratings: [], backbone: null, steps: null, checkpoint: null };

const goldenRequest = (set: TrainingSet): TrainingRequest => ({
  ...{ ...common, kind: 'GOLDEN', set, seed: 1 },
  ...{ preset: 'tiny', recipe: 'catalog', seconds: 0, processes: 1, checkpointSeconds: 600 }, // not read
});

async function train(host: Host<EngineHostApi>, set: TrainingSet, training: Training): Promise<Trained> {
  const curve: Trained['curve'] = [];
  const states: { step: number; state: Uint8Array }[] = [];
  const request: TrainingRequest = { ...common, ...training, kind: 'NETWORK', set };
  const started = performance.now();
  const onEvent = (data: unknown): void => {
    const event = data as TrainingEvent;
    if (event.type === 'loss') curve.push(event);
    if (event.type === 'checkpoint') states.push(event);
    tellProgress(event);
  };
  const { artefact, summary } = await host.call('train', request, { onEvent });
  const seconds = (performance.now() - started) / 1000;
  return {
    model: decodeModel(artefact),
    checkpoints: states.flatMap(({ step, state }) => rankingModel(training.preset, step, state)),
    ...{ summary, curve, seconds, steps: Number(summary.steps) },
  };
}

function tellProgress(data: unknown): void {
  const event = data as TrainingEvent;
  if (event.type === 'progress') process.stderr.write(`${event.message} ${(100 * event.done).toFixed(0)} %   \r`);
}

/** The network of a checkpoint, unless it is one of the pretraining, whose network is another one. */
function rankingModel(preset: string, step: number, state: Uint8Array): Trained['checkpoints'] {
  const { tensors, metadata } = decodeSafetensors(state);
  const { phase } = JSON.parse(metadata.numbers ?? '{}') as { phase?: string };
  if (phase !== 'rank' || step === 0) return [];
  const weights = Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      name.startsWith('weight.') ? [[name.slice('weight.'.length), tensor]] : [],
    ),
  );
  const served = withoutProxies(presetNamed(preset), weights);
  return [{ step, model: embeddingAlone({ blocks: [], network: { ...served, backbone: null } }) }];
}

async function vectors(
  host: Host<EngineHostApi>,
  dir: string,
  set: TrainingSet,
  model: ServedModel,
): Promise<Float32Array[]> {
  const artefact = encodeModel(model);
  const checksum = sha256(artefact);
  const artefactPath = join(dir, checksum);
  await writeFile(artefactPath, artefact);
  const keys = Array.from({ length: set.hashes.length / 32 }, (_, picture) => hashAt(set.hashes, picture));
  const bitsOf = set.encoded && openEncodedBits(set.encoded);
  const rows: Float32Array[] = [];
  for (let at = 0; at < keys.length; at += PICTURES_AT_ONCE) {
    const pictures = keys.slice(at, at + PICTURES_AT_ONCE);
    const encoded = bitsOf
      ? encodedOf(
          set.encoded!,
          bitsOf,
          [...pictures.keys()].map((i) => at + i),
        )
      : {};
    const request = { ...CHOICE, artefactPath, checksum, pictures, pixels: set.pixels, encoded };
    const answer = await host.call('embed', request);
    for (let i = 0; i < pictures.length; i++) {
      rows.push(answer.vectors.slice(i * answer.dimensions, (i + 1) * answer.dimensions));
    }
  }
  return rows;
}
