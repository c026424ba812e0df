import { readFile } from 'node:fs/promises';
import { GOLDEN, goldenPlace } from '@simili/learning/features/golden';
import { type HandMade, handMadeFeatures, isHandMade } from '@simili/learning/features/index';
import { meanVectors } from '@simili/learning/fusion/mean-vector';
import { decodeModel, servedLength } from '@simili/learning/models/artefact';
import { type EncoderFacts, placeIn } from '@simili/learning/models/encoder-facts';
import type { FeatureName, ServedModel } from '@simili/learning/models/served-model';
import { pictureSizeFor } from '@simili/learning/network/shapes';
import { fromHalf } from '@simili/learning/numbers/half';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import { SimiliError } from 'simili/internal/errors';
import type { Engine } from '../../engines/engine.ts';
import type { Projection } from '../../engines/onnx/projection.ts';
import { openNetworkEngine } from '../../engines/open-network.ts';
import { keepOpen } from '../../tools/keep-open.ts';
import { sha256 } from '../../tools/sha256.ts';
import { makePictureStore } from '../data/picture-store.ts';
import { sideBySide } from '../features/blocks.ts';
import { extractByNetwork } from '../network/network-feature.ts';
import type { EmbedRequest, EmbedResult } from '../protocol.ts';
import { projectionOf } from './project.ts';

type Loaded = { model: ServedModel; engine: Engine | null; projection: Projection };

/** Versions in memory: the active one, the standbys and a candidate, and one more; the one not used for longest goes. */
const versions = keepOpen<Loaded>(6, async ({ engine, projection }) => {
  await engine?.dispose();
  await projection.close();
});

/** Served vectors of products. A version is read once and stays loaded. @throws SimiliError ARTEFACT_CORRUPT, ENGINE_UNAVAILABLE. */
export const embed = (request: EmbedRequest): Promise<EmbedResult> =>
  versions.use(
    request.checksum,
    () => readModel(request),
    (version) => embedBy(version, request),
  );

async function embedBy(
  { model, engine, projection }: Loaded,
  { pictures, counts, pixels, encoded = {} }: EmbedRequest,
): Promise<EmbedResult> {
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels });
  const ofSide = (side: number) => pictures.map((_hash, i) => load(i, side));
  const features: Record<FeatureName, Float32Array> = {};
  for (const block of model.blocks) {
    const { feature, encoder } = block;
    if (encoder)
      features[feature] = partOf(encoder, feature, storedRows(encoder, encoded[encoder.id], pictures.length));
    else if (isHandMade(feature))
      features[feature] = handMadeRows(feature, encoded[GOLDEN.id], pictures.length, ofSide);
    else features[feature] = await networkRows(model, engine as Engine, ofSide);
  }
  const vectors = await projection.project(features, pictures.length);
  return { vectors: counts ? meanVectors(model, vectors, counts) : vectors, dimensions: servedLength(model) };
}

type OfSide = (side: number) => readonly Picture[];

/** As they are stored, else taken of the pixels. */
function handMadeRows(feature: HandMade, stored: Uint16Array | undefined, count: number, ofSide: OfSide): Float32Array {
  if (!stored) return sideBySide(ofSide(PICTURE_SIZE).map((picture) => handMadeFeatures[feature].extract(picture)));
  const all = storedRows(GOLDEN, stored, count);
  return columnsOf(all, GOLDEN.dimensions, goldenPlace(feature));
}

const partOf = (encoder: EncoderFacts, feature: string, all: Float32Array): Float32Array =>
  encoder.parts ? columnsOf(all, encoder.dimensions, placeIn(encoder, feature)) : all;

/** Some neighbouring columns of rows of `dimensions` numbers. */
function columnsOf(
  all: Float32Array,
  dimensions: number,
  { start, length }: { readonly start: number; readonly length: number },
): Float32Array {
  const count = all.length / dimensions;
  const rows = new Float32Array(count * length);
  for (let i = 0, at = start; i < count; i++, at += dimensions) rows.set(all.subarray(at, at + length), i * length);
  return rows;
}

async function networkRows({ network }: ServedModel, engine: Engine, ofSide: OfSide): Promise<Float32Array> {
  const { spec } = network!;
  return sideBySide(await extractByNetwork(engine, spec)(ofSide(pictureSizeFor(spec.inputSize))));
}

function storedRows(
  { id, dimensions }: Pick<EncoderFacts, 'id' | 'dimensions'>,
  bits: Uint16Array | undefined,
  count: number,
): Float32Array {
  if (bits?.length !== count * dimensions)
    throw new Error(`${bits?.length ?? 'no'} values of ${id} for ${count} pictures`);
  return fromHalf(bits);
}

async function readModel({
  artefactPath: path,
  checksum,
  engine: choice,
  requireGpu,
  threads,
}: EmbedRequest): Promise<Loaded> {
  const bytes = await readFile(path);
  if (sha256(bytes) !== checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: path, why: 'its checksum does not match' });
  }
  const model = decodeModel(bytes);
  const projection = await projectionOf(model, threads);
  if (!model.network) return { model, engine: null, projection };
  const { spec, weights, backbone } = model.network;
  const { engine } = await openNetworkEngine(choice, { requireGpu }, spec, weights, { batch: 1, threads, backbone });
  return { model, engine, projection };
}
