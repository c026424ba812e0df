import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delimited, edited, fieldsOf, joined, varint } from '../../workers/engines/onnx/import-wire.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { makeBackbone } from './backbone.ts';

/** Description of the files that test/support/backbone.ts makes. */
export const said = {
  name: 'eye',
  title: 'An eye',
  licence: 'MIT',
  model: 'eye.onnx',
  input: {
    name: 'pictures',
    side: 8,
    layout: 'NCHW',
    channels: 'RGB',
    mean: [100, 110, 120],
    deviation: [50, 60, 70],
  },
  output: { name: 'vector', dimensions: 5, pooling: 'none' },
} as const;

type Changes = { input?: object; output?: object; sha256?: string };

/** A folder with an ONNX file and what is said of it. @returns the folder */
export async function writeEncoder(folder: string, bytes: Uint8Array, changes: Changes = {}): Promise<string> {
  const description = {
    ...said,
    sha256: changes.sha256 ?? sha256(bytes),
    input: { ...said.input, ...changes.input },
    output: { ...said.output, ...changes.output },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'eye.onnx'), bytes);
  await writeFile(join(folder, 'encoder.json'), JSON.stringify(description));
  return folder;
}

const [graph, opsetImport, node, initializer] = [7, 8, 1, 5];

/** Asks for operators that no runtime has yet. */
export const fromTheFuture = (): Uint8Array =>
  edited(makeBackbone().bytes, { [opsetImport]: () => joined([delimited(1, ''), varint(2, 999)]) });

/** Says that its weights are in another file. */
export const withWeightsElsewhere = (): Uint8Array =>
  edited(makeBackbone().bytes, {
    [graph]: (inside) => edited(inside, { [initializer]: (weight) => joined([weight, varint(14, 1)]) }),
  });

/** Says of its weights that they are 3.6 GB: it holds a few hundred bytes of them. */
export const claiming = (): Uint8Array => {
  const much = varint(1, 2 ** 25).subarray(1);
  const grown = (weight: Uint8Array) => edited(weight, { 1: (dims) => joined([much, dims.subarray(1)]) });
  return edited(makeBackbone().bytes, { [graph]: (inside) => edited(inside, { [initializer]: grown }) });
};

/** Its rectifier reads what it gives itself. */
export const cyclic = (): Uint8Array => {
  const turned = (body: Uint8Array): Uint8Array => {
    if (!Buffer.from(body).includes('Relu')) return body;
    const output = fieldsOf(body).find(({ id }) => id === 2)!.body!;
    return edited(body, { 1: () => output });
  };
  return edited(makeBackbone().bytes, { [graph]: (inside) => edited(inside, { [node]: turned }) });
};
