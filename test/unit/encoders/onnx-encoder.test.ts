import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../../learning/numbers/random.ts';
import type { Picture } from '../../../learning/picture.ts';
import { findEncoder } from '../../../workers/encoders/find.ts';
import { openOnnxEncoder } from '../../../workers/engines/onnx/encoder.ts';
import { Graph } from '../../../workers/engines/onnx/graph.ts';
import { featuresExactly, type Made, makeBackbone, nanBackbone, redeclared } from '../../support/backbone.ts';
import { said, withWeightsElsewhere, writeEncoder } from '../../support/encoder.ts';
import { relativeError } from '../../support/oracle-network.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-encoder-'));
});
afterAll(() => rm(dir, { recursive: true }));

const side = 8;
const random = makeRandom(11);
const pictures: Picture[] = Array.from({ length: 6 }, () =>
  Uint8Array.from({ length: side * side * 3 }, () => Math.floor(256 * random.next())),
);
const ink = Float32Array.from(pictures.flatMap((picture) => [...picture].map((value) => 1 - value / 255)));
const expected = (made: ReturnType<typeof makeBackbone>): number[] => {
  const { mean, deviation } = said.input;
  const unit = (values: readonly number[]) => values.map((value) => value / 255);
  return featuresExactly(made, ink, unit(mean), unit(deviation));
};

async function encoded(bytes: Uint8Array, changes: Parameters<typeof writeEncoder>[2] = {}): Promise<Float32Array> {
  const found = await findEncoder(await writeEncoder(join(dir, 'eye'), bytes, changes));
  const encoder = await openOnnxEncoder(found!, { threads: 1 });
  try {
    return await encoder.encode(pictures);
  } finally {
    await encoder.close();
  }
}

const input = { name: 'pictures', elementType: 1, dims: ['n', 3, side, side] };
const output = { name: 'vector', elementType: 1, dims: ['n', 5] };

describe('gives the right vectors, which plain loops find too, of a file', () => {
  test.each<[string, Partial<Made>, Parameters<typeof writeEncoder>[2]]>([
    ['with channels first', {}, {}],
    ['with channels last', { layout: 'NHWC' }, { input: { layout: 'NHWC' } }],
    ['that gives a map', { ends: 'map' }, { output: { pooling: 'mean' } }],
    [
      'that gives a map with channels last',
      { layout: 'NHWC', ends: 'map' },
      { input: { layout: 'NHWC' }, output: { pooling: 'mean' } },
    ],
    ['that takes one picture at a time', { batch: 1 }, {}],
    ['that takes five at a time, which six are not', { batch: 5 }, {}],
  ])('%s', async (_name, options, changes) => {
    const made = makeBackbone(options);
    expect(relativeError(await encoded(made.bytes, changes), expected(made))).toBeLessThan(1e-5);
  });

  test('that leaves every length open', async () => {
    const made = makeBackbone();
    const open = redeclared(made.bytes, {
      inputs: [{ ...input, dims: ['n', 'c', 'h', null] }],
      outputs: [{ ...output, dims: ['n', 'd'] }],
    });
    expect(relativeError(await encoded(open), expected(made))).toBeLessThan(1e-5);
  });

  test('that reads BGR', async () => {
    const { mean, deviation } = said.input;
    const made = makeBackbone();
    const turned = await encoded(made.bytes, {
      input: { channels: 'BGR', mean: mean.toReversed(), deviation: deviation.toReversed() },
    });
    const swapped = ink.map((_, i) => ink[i - (i % 3) + 2 - (i % 3)]!);
    const unit = (values: readonly number[]) => values.map((value) => value / 255).toReversed();
    expect(relativeError(turned, featuresExactly(made, swapped, unit(mean), unit(deviation)))).toBeLessThan(1e-5);
  });
});

/** Every pixel is a token, and its three colours are what is known of it. */
function pixelsAsTokens(): Uint8Array {
  const graph = new Graph();
  const pixels = graph.reshape(graph.input('pixel_values', ['n', 3, 'h', 'w']), [-1, 3, side * side]);
  graph.output('last_hidden_state', graph.transpose(pixels, [0, 2, 1]), ['n', 's', 3]);
  return graph.bytes('tokens');
}

describe('a folder of the hub runs, and gives', () => {
  const colours = (picture: Picture, pixels: number) =>
    [0.4, 0.5, 0.6].map((mean, c) => {
      const values = Array.from({ length: pixels }, (_, i) => (picture[3 * i + c]! / 255 - mean) / 0.25);
      return values.reduce((sum, value) => sum + value, 0) / pixels;
    });
  test.each([
    ['the first token of a ViT', 'vit', 1],
    ['the mean of all tokens of a SigLIP', 'siglip', side * side],
  ])('%s', async (_name, type, pixels) => {
    const folder = join(dir, type);
    await mkdir(folder);
    const processor = { size: side, image_mean: [0.4, 0.5, 0.6], image_std: [0.25, 0.25, 0.25] };
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: type }));
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processor));
    await writeFile(join(folder, 'model.onnx'), pixelsAsTokens());
    const encoder = await openOnnxEncoder((await findEncoder(folder))!, { threads: 1 });
    const found = await encoder.encode(pictures);
    await encoder.close();
    expect(
      relativeError(
        found,
        pictures.flatMap((picture) => colours(picture, pixels)),
      ),
    ).toBeLessThan(1e-5);
  });
});

describe('refuses, and says which field does not fit,', () => {
  const made = makeBackbone().bytes;
  const openOutput = redeclared(made, { inputs: [input], outputs: [{ ...output, dims: ['n', 'd'] }] });
  test.each<[string, Uint8Array, Parameters<typeof writeEncoder>[2], string]>([
    [
      'an input of the wrong rank',
      redeclared(made, { inputs: [{ ...input, dims: ['n', 192] }], outputs: [output] }),
      {},
      'it reads pictures [n, 192], and input.layout NCHW with input.side 8 says [n, 3, 8, 8]',
    ],
    ['another side', made, { input: { side: 16 } }, 'input.side 16 says [n, 3, 16, 16]'],
    ['another layout', made, { input: { layout: 'NHWC' } }, 'input.layout NHWC'],
    ['another name', made, { input: { name: 'x' } }, 'input.name is x, and it reads pictures'],
    ['another output', made, { output: { name: 'y' } }, 'output.name is y, and it gives vector'],
    [
      'another length',
      made,
      { output: { dimensions: 7 } },
      'it gives vector [batch, 5], which does not fit output.pooling none with output.dimensions 7',
    ],
    [
      'another length that only comes out when it runs',
      openOutput,
      { output: { dimensions: 7 } },
      'it gives vector [4, 5] for 4 pictures, which does not fit',
    ],
    ['tokens where there are none', made, { output: { pooling: 'first' } }, 'output.pooling first'],
    ['a map that is not pooled', makeBackbone({ ends: 'map' }).bytes, {}, 'output.pooling none'],
    [
      'a second input',
      redeclared(made, { inputs: [input, { name: 'text', elementType: 1, dims: ['n', 5] }], outputs: [output] }),
      {},
      'besides pictures it reads text',
    ],
    ['weights in another file', withWeightsElsewhere(), {}, 'its weights are in another file; save them inside'],
    ['a file cut short', made.subarray(0, made.length / 2), {}, 'it is no ONNX file'],
    ['another file than was described', made, { sha256: 'a'.repeat(64) }, 'is not the file that its description is'],
    ['values that are no numbers', nanBackbone(), { output: { dimensions: 3 } }, 'it gives values that are no numbers'],
  ])('%s', async (_name, bytes, changes, why) => {
    await expect(encoded(bytes, changes)).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: expect.stringContaining(why),
    });
  });
});
