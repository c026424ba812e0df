import { readFile } from 'node:fs/promises';
import { SimiliError } from '../../src/errors.ts';
import { decodeModel, servedLength } from '../../src/learning/artefact.ts';
import type { EncoderFacts } from '../../src/learning/encoder-facts.ts';
import { handMadeFeatures, isHandMade } from '../../src/learning/features/index.ts';
import { fromHalf } from '../../src/learning/half.ts';
import { pictureSizeFor } from '../../src/learning/network/shapes.ts';
import { PICTURE_SIZE, type Picture, type ServedModel } from '../../src/learning/served-model.ts';
import { fuse } from '../../src/learning/whitening.ts';
import type { Engine } from '../engines/engine.ts';
import { openNetworkEngine } from '../engines/open-network.ts';
import { sha256 } from '../sha256.ts';
import { extractByNetwork } from './network-feature.ts';
import { makePictureStore } from './picture-store.ts';
import type { EmbedRequest, EmbedResult, EngineChoice } from './protocol.ts';

type Loaded = { model: ServedModel; engine: Engine | null };

/** Versions in memory: the active one, the standbys and a candidate, and one more; the one not used for longest goes. */
const MOST_LOADED = 6;
const loaded = new Map<string, Promise<Loaded>>();
/** Served vectors of pictures. A version is read once and stays loaded. @throws SimiliError ARTEFACT_CORRUPT, ENGINE_UNAVAILABLE. */
export async function embed({
  artefactPath,
  checksum,
  pictures,
  pixels,
  encoded = {},
  ...choice
}: EmbedRequest): Promise<EmbedResult> {
  const { model, engine } = await loadModel(artefactPath, checksum, choice);
  const dimensions = servedLength(model);
  const vectors = new Float32Array(pictures.length * dimensions);
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels });
  const ofSide = (side: number) => pictures.map((_hash, i) => load(i, side));
  const rows = await servedVectors({ model, engine }, pictures.length, ofSide, encoded);
  for (const [i, row] of rows.entries()) vectors.set(row, i * dimensions);
  return { vectors, dimensions };
}

async function servedVectors(
  { model, engine }: Loaded,
  count: number,
  ofSide: (side: number) => readonly Picture[],
  encoded: NonNullable<EmbedRequest['encoded']>,
): Promise<Float32Array[]> {
  const pictures = ofSide(PICTURE_SIZE);
  const features = await Promise.all(
    model.blocks.map(({ feature, encoder }) => {
      if (encoder) return rowsOf(encoder, encoded[feature], count);
      if (isHandMade(feature)) return pictures.map((picture) => handMadeFeatures[feature].extract(picture));
      const { spec } = model.network!;
      return extractByNetwork(engine as Engine, spec)(ofSide(pictureSizeFor(spec.inputSize)));
    }),
  );
  return pictures.map((_picture, i) =>
    fuse(
      model.blocks,
      features.map((rows) => rows[i] as Float32Array),
    ),
  );
}

function rowsOf({ id, dimensions }: EncoderFacts, bits: Uint16Array | undefined, count: number): Float32Array[] {
  if (bits?.length !== count * dimensions)
    throw new Error(`${bits?.length ?? 'no'} values of ${id} for ${count} pictures`);
  const values = fromHalf(bits);
  return Array.from({ length: count }, (_, i) => values.subarray(i * dimensions, (i + 1) * dimensions));
}

function loadModel(path: string, checksum: string, choice: EngineChoice): Promise<Loaded> {
  const known = loaded.get(checksum);
  if (known) {
    loaded.delete(checksum);
    loaded.set(checksum, known);
    return known;
  }
  const fresh = readModel(path, checksum, choice);
  loaded.set(checksum, fresh);
  fresh.catch(() => loaded.delete(checksum));
  if (loaded.size > MOST_LOADED) void unload(loaded.keys().next().value as string);
  return fresh;
}

async function unload(checksum: string): Promise<void> {
  const old = loaded.get(checksum);
  loaded.delete(checksum);
  await (await old)?.engine?.dispose();
}

async function readModel(
  path: string,
  checksum: string,
  { engine: choice, requireGpu, threads }: EngineChoice,
): Promise<Loaded> {
  const bytes = await readFile(path);
  if (sha256(bytes) !== checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: path, why: 'its checksum does not match' });
  }
  const model = decodeModel(bytes);
  if (!model.network) return { model, engine: null };
  const { spec, weights, backbone } = model.network;
  const { engine } = await openNetworkEngine(choice, { requireGpu }, spec, weights, { batch: 1, threads, backbone });
  return { model, engine };
}
