import { createHash } from 'node:crypto';
import { z } from 'zod';
import { handMadeFeatures, isHandMade } from '../features/index.ts';
import { backbonePathOf, weightShapes } from '../network/shapes.ts';
import type { Layer, NetworkSpec, Tensor, Weights } from '../network/spec.ts';
import { encodedFeatures } from './encoder-facts.ts';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from './safetensors.ts';
import type { Block, HiddenLayer, ServedModel } from './served-model.ts';

const format = 'simili-model-1';
const backboneName = 'backbone';

const size = z.int().positive();
const name = z.string();
/** Form of a layer; network/spec.ts has its meaning, and `describeNetwork` checks its numbers. */
const layer: z.ZodType<Layer> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('orientation'), bins: size, pool: size }),
    z.strictObject({
      type: z.literal('conv'),
      name,
      kernel: size,
      stride: size,
      filters: size,
      padding: z.int().nonnegative().exactOptional(),
    }),
    z.strictObject({
      type: z.literal('maxPool'),
      size,
      stride: size.exactOptional(),
      padding: z.enum(['valid', 'same']).exactOptional(),
    }),
    z.strictObject({ type: z.literal('averagePool'), size }),
    z.strictObject({ type: z.literal('relu') }),
    z.strictObject({ type: z.literal('localResponseNorm'), size, k: z.number(), alpha: z.number(), beta: z.number() }),
    z.strictObject({ type: z.literal('batchNorm'), name }),
    z.strictObject({ type: z.literal('residual'), layers: z.array(layer) }),
    z.strictObject({ type: z.literal('dense'), name, units: size }),
    z.strictObject({ type: z.literal('dropout'), name, keep: z.number() }),
  ]),
);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const backbone = z.strictObject({
  checksum: z.string().regex(/^[0-9a-f]{64}$/),
  length: size,
  mean: channels,
  deviation: channels,
  layout: z.enum(['NCHW', 'NHWC']),
});
const path = z.strictObject({
  name,
  subsample: size,
  layers: z.array(layer),
  backbone: backbone.exactOptional(),
});
const spec = z.strictObject({
  name,
  inputSize: size,
  embedding: size,
  branches: z.array(z.strictObject({ paths: z.array(path) })),
});
const parts = z.array(z.strictObject({ name, length: size }));
const encoder = z.strictObject({
  id: name,
  title: name,
  licence: name,
  dimensions: size,
  parts: parts.exactOptional(),
});
const block = z.strictObject({ feature: name, encoder: encoder.exactOptional(), weight: z.number().nonnegative() });
/** Metadata of the file; everything numeric is in its tensors. */
const Description = z.strictObject({
  blocks: z.array(block).min(1),
  /** Units of the hidden layer. */
  hidden: size.exactOptional(),
  network: spec.nullable(),
});

/**
 * One model version as one safetensors file: the network's spec and the list of blocks in its metadata, the numbers as
 * tensors `block.<i>.mean` [d], `block.<i>.projection` [k, d], of a hidden layer `hidden.inner` [H, n], `hidden.shift` [H] and
 * `hidden.outer` [n, H], and `network.<name of the weight>`, a backbone's ONNX file as
 * the bytes `backbone` (docs/models.md).
 * @throws Error when the model contradicts itself: see `checkModel`.
 */
export function encodeModel(model: ServedModel): Uint8Array {
  checkModel(model);
  const tensors: Record<string, Tensor> = {};
  model.blocks.forEach(({ mean, projection }, i) => {
    tensors[`block.${i}.mean`] = { shape: [mean.length], data: mean };
    tensors[`block.${i}.projection`] = { shape: [projection.length / mean.length, mean.length], data: projection };
  });
  const { hidden } = model;
  if (hidden) {
    const [units, length] = [hidden.shift.length, servedLength(model)];
    tensors['hidden.inner'] = { shape: [units, length], data: hidden.inner };
    tensors['hidden.shift'] = { shape: [units], data: hidden.shift };
    tensors['hidden.outer'] = { shape: [length, units], data: hidden.outer };
  }
  for (const [name, weight] of Object.entries(model.network?.weights ?? {})) tensors[`network.${name}`] = weight;
  const description = {
    blocks: model.blocks.map(({ mean: _, projection: __, ...block }) => block),
    ...(hidden && { hidden: hidden.shift.length }),
    network: model.network?.spec ?? null,
  };
  const bytes = model.network?.backbone ? { [backboneName]: model.network.backbone } : {};
  return encodeSafetensors(tensors, { format, model: JSON.stringify(description) }, bytes);
}

/** Inverse of `encodeModel`. @throws Error with a sentence when the file is damaged or is no model. */
export function decodeModel(bytes: Uint8Array): ServedModel {
  const file = decodeSafetensors(bytes);
  const { blocks, hidden, network } = parseDescription(file.metadata);
  const model: ServedModel = {
    blocks: blocks.map((block, i): Block => {
      const [mean, projection] = [tensorOf(file, `block.${i}.mean`), tensorOf(file, `block.${i}.projection`)];
      const d = mean.data.length;
      if (mean.shape.length !== 1) throw new Error(`block.${i}.mean is not a vector`);
      if (projection.shape.length !== 2 || projection.shape[1] !== d) {
        throw new Error(`block.${i}.projection is not a matrix of ${d} columns`);
      }
      return { ...block, mean: mean.data, projection: projection.data };
    }),
    ...(hidden !== undefined && { hidden: hiddenOf(file) }),
    network: network && {
      spec: network,
      weights: weightsOf(file, network),
      backbone: file.bytes[backboneName] ?? null,
    },
  };
  checkModel(model);
  const known = 2 * blocks.length + (model.hidden ? 3 : 0) + Object.keys(model.network?.weights ?? {}).length;
  const alien = Object.keys(file.bytes).some((name) => name !== backboneName || !model.network);
  if (alien || Object.keys(file.tensors).length !== known)
    throw new Error('The file holds tensors that belong to no part of the model');
  return model;
}

/** Length of the served vector: the blocks' projections joined. */
export const servedLength = (model: Pick<ServedModel, 'blocks'>): number =>
  model.blocks.reduce((length, { mean, projection }) => length + projection.length / mean.length, 0);

function parseDescription(metadata: Record<string, string>) {
  if (metadata.format !== format) throw new Error(`The file is not in the format ${format}`);
  let json: unknown;
  try {
    json = JSON.parse(metadata.model ?? '');
  } catch (cause) {
    throw new Error('The description of the model is not JSON', { cause });
  }
  const parsed = Description.safeParse(json);
  if (!parsed.success) throw new Error(`The description of the model is wrong: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const hiddenOf = (file: TensorFile): HiddenLayer => ({
  inner: tensorOf(file, 'hidden.inner').data,
  shift: tensorOf(file, 'hidden.shift').data,
  outer: tensorOf(file, 'hidden.outer').data,
});

function weightsOf(file: TensorFile, network: NetworkSpec): Weights {
  const names = Object.keys(weightShapes(network));
  return Object.fromEntries(names.map((name) => [name, tensorOf(file, `network.${name}`)]));
}

function tensorOf(file: TensorFile, name: string): Tensor {
  const tensor = file.tensors[name];
  if (!tensor) throw new Error(`Tensor ${name} is missing`);
  return tensor;
}

/** The rules of served-model.ts and of the spec, and that every value is a finite number. */
function checkModel({ blocks, hidden, network }: ServedModel): void {
  blocks.forEach((block, i) => {
    const { feature, mean, projection } = block;
    const d = featureLength(block, network?.spec);
    check(mean.length === d, `block ${i}: ${feature} has ${d} values, the mean ${mean.length}`);
    check(projection.length > 0 && projection.length % d === 0, `block ${i}: the projection does not map ${d} values`);
    checkFinite(mean, `block.${i}.mean`);
    checkFinite(projection, `block.${i}.projection`);
  });
  const total = blocks.reduce((sum, { weight }) => sum + weight, 0);
  check(Math.abs(total - 1) < 1e-6, `the weights of the blocks sum to ${total}, not 1`);
  if (hidden) checkHidden(hidden, servedLength({ blocks }));
  const usesNetwork = blocks.some(({ feature }) => feature === 'network');
  check(usesNetwork === (network !== null), usesNetwork ? 'a block needs the network' : 'no block uses the network');
  if (!network) return;
  checkWeights(network.weights, weightShapes(network.spec));
  checkBackbone(network);
}

function checkHidden({ inner, shift, outer }: HiddenLayer, length: number): void {
  const wanted = shift.length * length;
  check(wanted > 0, 'the hidden layer has no units');
  for (const [name, values] of Object.entries({ inner, outer })) {
    check(values.length === wanted, `hidden.${name} has ${values.length} values, not ${shift.length} x ${length}`);
    checkFinite(values, `hidden.${name}`);
  }
  checkFinite(shift, 'hidden.shift');
}

function checkBackbone({ spec, backbone }: NonNullable<ServedModel['network']>): void {
  const wanted = backbonePathOf(spec)?.backbone;
  check(!wanted === !backbone, wanted ? 'its backbone is missing' : 'no path of the network has a backbone');
  if (!wanted || !backbone) return;
  const checksum = createHash('sha256').update(backbone).digest('hex');
  check(checksum === wanted.checksum, `the backbone has the checksum ${checksum}, not ${wanted.checksum}`);
}

function checkWeights(weights: Weights, shapes: Record<string, readonly number[]>): void {
  for (const name of Object.keys(weights)) check(name in shapes, `weight ${name} is not of this network`);
  for (const [name, shape] of Object.entries(shapes)) {
    const weight = weights[name];
    check(weight !== undefined, `weight ${name} is missing`);
    check(weight?.shape.join() === shape.join(), `weight ${name} has the shape [${weight?.shape}], not [${shape}]`);
    if (weight) checkFinite(weight.data, `weight ${name}`);
  }
}

function featureLength({ feature, encoder }: Block, network: NetworkSpec | undefined): number {
  const known = isHandMade(feature) || feature === 'network';
  check(known === !encoder, known ? `${feature} is not of an encoder` : `nothing is known of the encoder ${feature}`);
  if (encoder) {
    const own = encodedFeatures(encoder).find((each) => each.feature === feature);
    check(own !== undefined, `the block of ${feature} is described as one of ${encoder.id}`);
    return own?.length ?? 0;
  }
  return isHandMade(feature) ? handMadeFeatures[feature].length : (network?.embedding ?? 0);
}

function checkFinite(values: Float32Array, name: string): void {
  let finite = true;
  for (let i = 0; finite && i < values.length; i++) finite = Number.isFinite(values[i]);
  check(finite, `${name} holds a value that is not finite`);
}

function check(fine: boolean, why: string): void {
  if (!fine) throw new Error(`The model contradicts itself: ${why}`);
}
