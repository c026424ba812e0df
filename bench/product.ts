import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSet } from '../lab/compare/encode-set.ts';
import { embeddingAlone } from '../lab/methods/networks.ts';
import { decodeModel, encodeModel } from '../learning/models/artefact.ts';
import { decodeSafetensors } from '../learning/models/safetensors.ts';
import type { ServedModel } from '../learning/models/served-model.ts';
import { presetNamed } from '../learning/network/presets.ts';
import { withoutProxies } from '../learning/network/shapes.ts';
import { SeenPairs } from '../learning/relevance/seen-pairs.ts';
import { describeStudent } from '../workers/encoders/student.ts';
import type { InstalledEncoder } from '../workers/engines/onnx/encoder-description.ts';
import { factsOf } from '../workers/engines/onnx/encoder-description.ts';
import { type Host, openHost } from '../workers/hosts/rpc.ts';
import { sha256 } from '../workers/tools/sha256.ts';
import { encodedOf, openEncodedBits } from '../workers/training/data/encoded-features.ts';
import { hashAt } from '../workers/training/data/picture-store.ts';
import type {
  EngineChoice,
  EngineHostApi,
  TrainingEvent,
  TrainingRequest,
  TrainingSet,
} from '../workers/training/protocol.ts';

const CHOICE: EngineChoice = { engine: 'onnx', requireGpu: false, threads: 1, gpus: [] };
const PICTURES_AT_ONCE = 256;
/** Some ten of a training of a minute. */
const CHECKPOINT_SECONDS = 6;

export type Training = {
  preset: string;
  seed: number;
  /** Null: as many as a head takes by itself. */
  steps: number | null;
};
export type Trained = {
  model: ServedModel;
  summary: Record<string, unknown>;
  /** Loss by step. */
  curve: { step: number; loss: number; precision?: number }[];
  /** The network on its way: models of its embedding alone. */
  checkpoints: { step: number; model: ServedModel }[];
  steps: number;
};

/** Calls that a worker makes to its engine process, made by the benchmark: the same code from pixels to served vectors. */
export type Product = {
  /** The model version of hand-made features that a new catalog gets. */
  golden(set: TrainingSet): Promise<ServedModel>;
  /** A model version of hand-made features and a network, fitted on the items that may teach. */
  train(set: TrainingSet, training: Training & { recipe: string }): Promise<Trained>;
  /** Served vectors of pictures of the set; default: of all. */
  vectors(set: TrainingSet, model: ServedModel, pictures?: Int32Array): Promise<Float32Array[]>;
  /** Lets an encoder look at all pictures of the set. */
  encode(set: TrainingSet, encoder: InstalledEncoder, path: string): Promise<TrainingSet>;
  /** The set with what a student of its encoder sees in it, which was taught on the training items. */
  distil(set: TrainingSet, training: Training): Promise<TrainingSet>;
  close(): Promise<void>;
};

export async function openProduct(): Promise<Product> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-quality-'));
  const host = openHost<EngineHostApi>(new URL('../workers/training/engine-host.ts', import.meta.url), {
    label: 'the engine',
    nice: 0,
  });
  const encode: Product['encode'] = async (set, encoder, path) => {
    const encoded = await encodeSet(set, encoder, path, (request) => host.call('encode', { ...request, threads: 1 }));
    return { ...set, encoded };
  };
  return {
    golden: async (set) => decodeModel((await host.call('train', goldenRequest(set))).artefact),
    train: (set, training) => train(host, set, training),
    vectors: (set, model, pictures) => vectors(host, dir, set, model, pictures),
    encode,
    async distil(set, training) {
      const request = { ...CHOICE, ...training, set, seconds: 0, processes: 1 };
      const { model, dimensions } = await host.call('distil', request, { onEvent: tellProgress });
      const description = describeStudent(training.preset, set.encoded!.encoder, model, dimensions);
      const facts = factsOf(description);
      const path = join(dir, `${facts.id}.onnx`);
      await writeFile(path, model);
      return encode(set, { facts, description, path }, `${path}.f16`);
    },
    async close() {
      await host.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const common = {
  ...CHOICE,
  feedback: SeenPairs.from([]).columns,
  ratings: [],
  backbone: null,
  checkpoint: null,
  seconds: 0,
  processes: 1,
  checkpointSeconds: CHECKPOINT_SECONDS,
};

const goldenRequest = (set: TrainingSet): TrainingRequest => ({
  ...common,
  kind: 'GOLDEN',
  set,
  seed: 1,
  preset: 'tiny',
  recipe: 'catalog',
  steps: null, // not read
});

async function train(
  host: Host<EngineHostApi>,
  set: TrainingSet,
  training: Training & { recipe: string },
): Promise<Trained> {
  const curve: Trained['curve'] = [];
  const states: { step: number; state: Uint8Array }[] = [];
  const request: TrainingRequest = { ...common, ...training, kind: 'NETWORK', set };
  const onEvent = (data: unknown): void => {
    const event = data as TrainingEvent;
    if (event.type === 'loss') curve.push(event);
    if (event.type === 'checkpoint') states.push(event);
    tellProgress(event);
  };
  const { artefact, summary } = await host.call('train', request, { onEvent });
  return {
    model: decodeModel(artefact),
    checkpoints: states.flatMap(({ step, state }) => rankingModel(training.preset, step, state)),
    summary,
    curve,
    steps: Number(summary.steps),
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
  wanted: Int32Array = Int32Array.from({ length: set.hashes.length / 32 }, (_, picture) => picture),
): Promise<Float32Array[]> {
  const artefact = encodeModel(model);
  const checksum = sha256(artefact);
  const artefactPath = join(dir, checksum);
  await writeFile(artefactPath, artefact);
  const bitsOf = set.encoded && openEncodedBits(set.encoded);
  const rows: Float32Array[] = [];
  for (let at = 0; at < wanted.length; at += PICTURES_AT_ONCE) {
    const some = [...wanted.subarray(at, at + PICTURES_AT_ONCE)];
    const pictures = some.map((picture) => hashAt(set.hashes, picture));
    const encoded = bitsOf ? encodedOf(set.encoded!, bitsOf, some) : {};
    const request = { ...CHOICE, artefactPath, checksum, pictures, pixels: set.pixels, encoded };
    const answer = await host.call('embed', request);
    for (let i = 0; i < pictures.length; i++) {
      rows.push(answer.vectors.slice(i * answer.dimensions, (i + 1) * answer.dimensions));
    }
  }
  return rows;
}
