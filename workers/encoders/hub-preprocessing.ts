import type { EncoderDescription } from '../engines/onnx/encoder-description.ts';

export type Json = Readonly<Record<string, unknown>>;
type Preprocessing = Pick<EncoderDescription['input'], 'side' | 'channels' | 'mean' | 'deviation'>;

const FILE = 'preprocessor_config.json';
const TO_ONE = 1 / 255;

/**
 * How pictures reach a network, from the fields of preprocessor_config.json. What a field that is missing or null means is
 * what the image processors of the hub take for it.
 * @throws Error naming the field that is missing, not understood, or contradicts another.
 */
export function preprocessing(processor: Json): Preprocessing {
  if (processor.rescale_offset === true) throw wrong('rescale_offset', 'true is not supported: write an encoder.json');
  const isScaled = flag(processor, 'do_rescale', true);
  const factor = isScaled ? number(processor, 'rescale_factor', TO_ONE) : 1;
  const hasMean = processor.image_mean != null || processor.image_std != null;
  const isNormalised = flag(processor, 'do_normalize', hasMean);
  const given = isNormalised
    ? { mean: three(processor, 'image_mean'), deviation: three(processor, 'image_std') }
    : notNormalised(processor);
  // ((v * factor) - mean) / deviation, written for v of 0 to 255
  const mean = each(given.mean, (value) => value / factor);
  const deviation = each(given.deviation, (value) => value / factor);
  if (deviation.some((value) => !(value > 0))) throw wrong('image_std', 'must be over 0');
  if (!isScaled && isNormalised && deviation.every((value) => value <= 1))
    throw wrong(
      'do_rescale',
      'is false, and image_mean and image_std are on the scale of 0 to 1: one of them is wrong',
    );
  const isTurned = flag(processor, 'do_flip_channel_order', false);
  return { side: sideOf(processor), channels: isTurned ? 'BGR' : 'RGB', mean, deviation };
}

/** Silence about both is more likely a file of something else than a network that wants neither. */
function notNormalised(processor: Json): { mean: Triple; deviation: Triple } {
  if (processor.do_normalize == null)
    throw wrong('image_mean', 'is missing; with "do_normalize": false none is subtracted');
  return { mean: [0, 0, 0], deviation: [1, 1, 1] };
}

/** The square that the network sees in the end: the crop where there is one, else what is scaled to. */
function sideOf(processor: Json): number {
  const isCropped = processor.crop_size != null && flag(processor, 'do_center_crop', true);
  const field = isCropped ? 'crop_size' : 'size';
  const value = processor[field];
  if (value == null) throw wrong(field, 'is missing');
  const side = isObject(value) ? sideIn(value, field) : value;
  if (Number.isInteger(side) && Number(side) >= 8 && Number(side) <= 1024) return side as number;
  throw wrong(field, `is ${JSON.stringify(value)}: a side of 8 to 1024 pixels is possible`);
}

function sideIn(value: Json, field: string): unknown {
  const { height, width, shortest_edge: shortest } = value;
  if (height === undefined && width === undefined && shortest !== undefined) return shortest;
  if (height !== undefined && height === width) return height;
  throw wrong(field, `is ${JSON.stringify(value)}: a square is needed, {"height", "width"} or {"shortest_edge"}`);
}

type Triple = [number, number, number];
const each = ([a, b, c]: Triple, change: (value: number) => number): Triple => [change(a), change(b), change(c)];

function three(processor: Json, field: string): Triple {
  const value = processor[field];
  if (value == null) throw wrong(field, 'is missing');
  const values = Array.isArray(value) ? value : [value, value, value];
  if (values.length === 3 && values.every((one) => typeof one === 'number')) return values as Triple;
  throw wrong(field, `is ${JSON.stringify(value)}, not three numbers`);
}

function number(processor: Json, field: string, otherwise: number): number {
  const value = processor[field] ?? otherwise;
  if (typeof value === 'number' && value > 0) return value;
  throw wrong(field, `is ${JSON.stringify(value)}, not a number over 0`);
}

function flag(processor: Json, field: string, otherwise: boolean): boolean {
  const value = processor[field] ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw wrong(field, `is ${JSON.stringify(value)}, neither true nor false`);
}

const wrong = (field: string, why: string): Error => new Error(`${FILE}: ${field} ${why}`);

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
