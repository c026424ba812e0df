import type { EncoderDescription } from './encoder-description.ts';
import type { ForeignModel, Port } from './import-model.ts';

const FLOAT32 = 1;
/** Pictures that a file may take at once, where it fixes that. */
const MOST_AT_ONCE = 256;

/**
 * Compares what an ONNX file declares with what is said of it. What the file leaves open is seen when it runs.
 * @returns pictures in a call, where the file fixes them; null: any number.
 * @throws Error with a sentence that names the field of the description.
 */
export function checkPorts(description: EncoderDescription, file: ForeignModel): number | null {
  if (file.hasExternalData) throw new Error('its weights are in another file; save them inside');
  const { input, output } = description;
  const pictures = named(file.inputs, input.name, 'input.name', 'reads');
  const others = file.inputs.filter(({ name }) => name !== input.name).map(({ name }) => name);
  if (others.length > 0)
    throw new Error(`besides ${input.name} it reads ${others.join(', ')}: export the part for pictures alone`);
  const { layout, side } = input;
  const [, ...lengths] = pictures.dims;
  const wanted = layout === 'NCHW' ? [3, side, side] : [side, side, 3];
  if (lengths.length !== 3 || !wanted.every((length, i) => isOpen(lengths[i]) || lengths[i] === length))
    throw new Error(
      `it reads ${portText(pictures)}, and input.layout ${layout} with input.side ${side} says [n, ${wanted.join(', ')}]`,
    );
  const vectors = named(file.outputs, output.name, 'output.name', 'gives');
  if (vectors.dims.length > 0) checkShape(vectors.dims, description, null);
  return fixedBatch(pictures);
}

/**
 * @param dims of an output: as it is declared, or as it came.
 * @param batch pictures that went in; null: not known yet.
 * @throws Error with a sentence when they are not what `output` says.
 */
export function checkShape(dims: Port['dims'], { input, output }: EncoderDescription, batch: number | null): void {
  const axis = featureAxis(input.layout, output.pooling, dims.length);
  const [first] = dims;
  const isRight =
    axis !== null &&
    (batch === null || first === batch) &&
    (isOpen(dims[axis]) || dims[axis] === output.dimensions) &&
    dims.every((length) => length !== 0) &&
    (output.pooling !== 'none' || dims.slice(2).every((length) => isOpen(length) || length === 1));
  if (isRight) return;
  const said = `output.pooling ${output.pooling} with output.dimensions ${output.dimensions}`;
  const pictures = batch === null ? '' : ` for ${batch} ${batch === 1 ? 'picture' : 'pictures'}`;
  throw new Error(`it gives ${portText({ name: output.name, dims })}${pictures}, which does not fit ${said}`);
}

/** Where an output of so many axes has its features; null: it cannot be pooled like this. */
export function featureAxis(
  layout: EncoderDescription['input']['layout'],
  pooling: EncoderDescription['output']['pooling'],
  rank: number,
): number | null {
  if (pooling === 'none') return rank >= 2 ? 1 : null;
  if (rank === 3) return 2;
  if (rank !== 4 || pooling === 'first') return null;
  return layout === 'NCHW' ? 1 : 3;
}

export const portText = ({ name, dims }: Pick<Port, 'name' | 'dims'>): string =>
  `${name} [${dims.map((dim) => dim ?? '?').join(', ')}]`;

function named(ports: readonly Port[], name: string, field: string, verb: string): Port {
  const port = ports.find((each) => each.name === name);
  if (!port)
    throw new Error(`${field} is ${name}, and it ${verb} ${ports.map((each) => each.name).join(', ') || 'nothing'}`);
  if (port.elementType !== FLOAT32)
    throw new Error(`it ${verb} ${name} as ONNX type ${port.elementType}, not as float32`);
  return port;
}

function fixedBatch(port: Port): number | null {
  const [n] = port.dims;
  if (typeof n !== 'number') return null;
  if (n >= 1 && n <= MOST_AT_ONCE) return n;
  throw new Error(`it reads ${portText(port)}: between 1 and ${MOST_AT_ONCE} pictures at once are possible`);
}

const isOpen = (length: number | string | null | undefined): boolean => typeof length !== 'number';
