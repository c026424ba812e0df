import type { EncoderDescription } from '../engines/onnx/encoder-description.ts';
import { featureAxis, portText } from '../engines/onnx/encoder-ports.ts';
import type { Port } from '../engines/onnx/import-model.ts';
import { isObject, type Json } from './hub-preprocessing.ts';

type Output = EncoderDescription['output'];
/** Names of outputs, the best first, and how one is pooled that is not yet. */
type Kind = { readonly names: readonly string[]; readonly pooling: 'first' | 'mean' };

const POOLED = ['image_embeds', 'pooler_output'];
const HIDDEN = 'last_hidden_state';

/** Contrastive ones: their projection is what was trained to compare pictures. */
const clip: Kind = { names: [...POOLED, HIDDEN], pooling: 'first' };
/** No class token: a head attends to all others, and is `pooler_output`. */
const siglip: Kind = { names: [...POOLED, HIDDEN], pooling: 'mean' };
/** The class token. Its `pooler_output` comes last: in many files it is a layer that nobody trained. */
const transformer: Kind = { names: [HIDDEN, 'pooler_output'], pooling: 'first' };
/** The mean of a map, or of all tokens. */
const map: Kind = { names: ['pooler_output', HIDDEN], pooling: 'mean' };

/** By `model_type` of config.json. */
const KINDS: Readonly<Record<string, Kind>> = {
  clip,
  clip_vision_model: clip,
  chinese_clip: clip,
  siglip,
  siglip_vision_model: siglip,
  vit: transformer,
  deit: transformer,
  vit_msn: transformer,
  dinov2: transformer,
  dinov2_with_registers: transformer,
  dinov3_vit: transformer,
  convnext: map,
  convnextv2: map,
  dinov3_convnext: map,
  resnet: map,
  regnet: map,
  swin: map,
  swinv2: map,
  ijepa: map,
  mobilenet_v1: map,
  mobilenet_v2: map,
  efficientnet: map,
};

/**
 * Which output of a model of the hub is its vector.
 * @throws Error naming the file and the field that does not say enough.
 */
export function outputOf(config: Json, outputs: readonly Port[], model: string): Output {
  const type = typeOf(config);
  const kind = KINDS[type] ?? { names: POOLED, pooling: 'mean' };
  const port = kind.names.map((name) => outputs.find((each) => each.name === name)).find((each) => each !== undefined);
  const gives = `${model}: it gives ${outputs.map(portText).join(', ') || 'nothing'}`;
  if (!port && !KINDS[type])
    throw new Error(
      `config.json: model_type ${type} is not known (${Object.keys(KINDS).join(', ')}). ${gives}: write an encoder.json`,
    );
  if (!port)
    throw new Error(
      `${gives}, none of ${kind.names.join(', ')}: export it for feature extraction, without a classifier`,
    );
  const pooling = port.dims.length === 2 ? 'none' : kind.pooling;
  const axis = featureAxis('NCHW', pooling, port.dims.length);
  if (axis === null) throw new Error(`${model}: ${portText(port)} is neither a vector nor tokens nor a map`);
  return { name: port.name, dimensions: dimensionsOf(config, port, axis, model), pooling };
}

function dimensionsOf(config: Json, port: Port, axis: number, model: string): number {
  const declared = port.dims[axis];
  const { field, value } = saidBy(config, port.name);
  if (typeof declared !== 'number' && value === undefined)
    throw new Error(`config.json: ${field} is missing, and ${model} leaves the length of ${portText(port)} open`);
  if (typeof declared === 'number' && value !== undefined && declared !== value)
    throw new Error(`config.json: ${field} is ${value}, and ${model} gives ${portText(port)}`);
  return (typeof declared === 'number' ? declared : value) as number;
}

/** Length of an output by config.json. A model with two towers says it of the one for pictures. */
function saidBy(config: Json, output: string): { field: string; value: number | undefined } {
  const inside = isObject(config.vision_config) ? config.vision_config : {};
  if (output === 'image_embeds')
    return { field: 'projection_dim', value: length(config.projection_dim ?? inside.projection_dim) };
  const sizes = config.hidden_sizes;
  if (Array.isArray(sizes)) return { field: 'hidden_sizes', value: length(sizes.at(-1)) };
  return { field: 'hidden_size', value: length(config.hidden_size ?? inside.hidden_size) };
}

const length = (value: unknown): number | undefined =>
  Number.isInteger(value) && Number(value) > 0 ? (value as number) : undefined;

function typeOf({ model_type: type }: Json): string {
  if (typeof type === 'string' && type !== '') return type;
  throw new Error('config.json: model_type is missing');
}
