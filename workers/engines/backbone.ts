import { describeNetwork } from '@simili/learning/network/shapes';
import type { Backbone, Layer, NetworkSpec, Path } from '@simili/learning/network/spec';
import { SimiliError } from 'simili/internal/errors';
import { sha256 } from '../tools/sha256.ts';
import { type ForeignModel, type Port, readModel } from './onnx/import-model.ts';

/** A pretrained network in an ONNX file: what a spec says of it, and what is needed to run it. */
export type BackboneFile = {
  readonly backbone: Backbone;
  /** S: it reads pictures of S x S pixels. */
  readonly inputSize: number;
  readonly input: Port;
  readonly output: Port;
  /** Pixels of its output map, over which the mean is taken; 1 when it gives a vector. */
  readonly pixels: number;
  /** Pictures in a call where the file says so; null: any number. */
  readonly batch: number | null;
  readonly opset: number;
};

/** Mean and deviation of ImageNet's training pictures: what most published networks subtract and divide by. */
const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;
const float32 = 1;

/**
 * An ONNX file as a backbone: one float32 input [n, 3, S, S] or [n, S, S, 3], one float32 output [n, length], or a
 * map in the layout of the input, whose pixels are averaged; n open or fixed. Its metadata may say `simili.mean` and
 * `simili.deviation`, three numbers each, in place of ImageNet's.
 * @param source what an error calls it.
 * @throws SimiliError IMPORT_UNREADABLE that says what does not fit, MODEL_TOO_COSTLY what is too much.
 */
export function inspectBackbone(bytes: Uint8Array, source = 'the backbone'): BackboneFile {
  const file = readable(bytes, source);
  for (const [what, count, most] of costsOf(file)) {
    if (count > most)
      throw new SimiliError('MODEL_TOO_COSTLY', { source, why: `${what} is ${count}, at most ${most}` });
  }
  return file;
}

function readable(bytes: Uint8Array, source: string): BackboneFile {
  try {
    return inspect(readModel(bytes), sha256(bytes));
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source, why: (error as Error).message });
  }
}

/** Costs that the file declares, and the most of each. A usual one reads 224 to 518 pixels and gives 384 to 4096 values. */
const costsOf = ({ inputSize, backbone, pixels, batch }: BackboneFile): [string, number, number][] => [
  ['the side of its input', inputSize, 1024],
  ['the length of its output', backbone.length, 65_536],
  ['the number of pixels of its output', pixels, 65_536],
  ['the number of pictures that it takes at once', batch ?? 1, 256],
];

function inspect({ inputs, outputs, metadata, opset, hasExternalData }: ForeignModel, checksum: string): BackboneFile {
  check(!hasExternalData, 'its weights are in another file; save them inside');
  const [input, output] = [only(inputs, 'input'), only(outputs, 'output')];
  const { layout, inputSize } = inputLayout(input);
  const [batch = null, ...dims] = output.dims;
  const sizes = dims.map((dim) => {
    check(typeof dim === 'number' && dim > 0, `its output ${shown(output)} leaves lengths open besides the first`);
    return dim as number;
  });
  const shape = `its output ${shown(output)} is neither [n, length] nor a map of four axes`;
  check(sizes.length === 1 || sizes.length === 3, shape);
  const length = (layout === 'NCHW' ? sizes[0] : sizes.at(-1)) ?? 0;
  const fixed = typeof input.dims[0] === 'number' ? input.dims[0] : null;
  check(fixed === null || fixed > 0, `its input ${shown(input)} is of no pictures`);
  const fits = typeof batch !== 'number' || batch === fixed;
  check(fits, `its output ${shown(output)} is not of as many pictures as its input ${shown(input)}`);
  return {
    backbone: {
      checksum,
      length,
      layout,
      mean: numbersIn(metadata, 'simili.mean') ?? imageNet.mean,
      deviation: numbersIn(metadata, 'simili.deviation') ?? imageNet.deviation,
    },
    inputSize,
    input,
    output,
    opset,
    pixels: sizes.reduce((product, size) => product * size, 1) / length,
    batch: fixed,
  };
}

function only(ports: readonly Port[], what: string): Port {
  const [port] = ports;
  const names = ports.map(({ name }) => name).join(', ');
  check(ports.length === 1, `it has ${ports.length} ${what}s (${names}) where one is needed`);
  const { elementType } = port as Port;
  check(elementType === float32, `its ${what} ${port?.name} is not of float32 (ONNX type ${elementType})`);
  return port as Port;
}

function inputLayout(input: Port): { layout: Backbone['layout']; inputSize: number } {
  const [, a, b, c] = input.dims;
  const fits = (channels: unknown, height: unknown, width: unknown) =>
    input.dims.length === 4 && channels === 3 && typeof height === 'number' && height > 0 && height === width;
  if (fits(a, b, c)) return { layout: 'NCHW', inputSize: b as number };
  if (fits(c, a, b)) return { layout: 'NHWC', inputSize: a as number };
  throw new Error(
    `its input ${shown(input)} is neither [n, 3, S, S] nor [n, S, S, 3] with a fixed S; export it for one picture size`,
  );
}

function numbersIn(metadata: ForeignModel['metadata'], key: string): readonly [number, number, number] | null {
  const text = metadata[key];
  if (text === undefined) return null;
  const [a = Number.NaN, b = Number.NaN, c = Number.NaN, ...more] = text.split(',').map(Number);
  const fine = [a, b, c].every(Number.isFinite) && more.length === 0 && (key === 'simili.mean' || a * b * c !== 0);
  check(fine, `its metadata ${key} "${text}" is not three numbers that can be used`);
  return [a, b, c];
}

const shown = ({ name, dims }: Port): string => `${name} [${dims.map((dim) => dim ?? '?').join(', ')}]`;

function check(fine: boolean, why: string): void {
  if (!fine) throw new Error(why);
}

/** Hidden units of a head whose base has no dense layer. */
const HEAD_UNITS = 256;

/**
 * A spec with the backbone in place of the first branch: backbone -> dense -> relu, as many units as the last dense layer
 * that it replaces. The other branches stay and get pictures of about the size that they had.
 * @throws Error when no subsampling of S suits a path.
 */
export function backboneSpec(base: NetworkSpec, { backbone, inputSize }: BackboneFile): NetworkSpec {
  const [replaced, ...others] = base.branches;
  const units = replaced?.paths.flatMap(({ layers }) => layers.flatMap(unitsOf)).at(-1) ?? HEAD_UNITS;
  const layers: Layer[] = [{ type: 'dense', name: 'dense', units }, { type: 'relu' }];
  const head: Path = { name: 'backbone', subsample: 1, layers, backbone };
  return {
    name: `${base.name}Backbone`,
    inputSize,
    branches: [
      { paths: [head] },
      ...others.map(({ paths }) => ({ paths: paths.map((path) => resized(path, base.inputSize, inputSize)) })),
    ],
    embedding: base.embedding,
  };
}

const unitsOf = (layer: Layer): number[] => (layer.type === 'dense' ? [layer.units] : []);

/** Reads about as many pixels of the larger picture: the nearest subsampling that its layers can work with. */
function resized(path: Path, from: number, to: number): Path {
  const side = Math.ceil(from / path.subsample);
  const off = (subsample: number) => Math.abs(Math.ceil(to / subsample) - side);
  const candidates = Array.from({ length: to }, (_, i) => i + 1).sort((a, b) => off(a) - off(b) || a - b);
  const suitable = candidates.map((subsample) => ({ ...path, subsample })).find((each) => works(each, to));
  if (!suitable) throw new Error(`Path ${path.name} cannot read pictures of ${to} pixels`);
  return suitable;
}

function works(path: Path, inputSize: number): boolean {
  try {
    describeNetwork({ name: 'trial', inputSize, branches: [{ paths: [path] }], embedding: 1 });
    return true;
  } catch {
    return false;
  }
}
