import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEncoder } from '../../../workers/encoders/find.ts';
import { describeHubFolder } from '../../../workers/encoders/hub.ts';
import type { Port } from '../../../workers/engines/onnx/import-model.ts';
import { sha256 } from '../../../workers/tools/sha256.ts';
import { makeBackbone, redeclared } from '../../support/backbone.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-hub-'));
});
afterEach(() => rm(dir, { recursive: true }));

const made = makeBackbone().bytes;
/** As exporters of the hub declare their files: lengths are open. Nothing in these tests runs it. */
const declared = (outputs: Record<string, Port['dims']>, input = 'pixel_values'): Uint8Array =>
  redeclared(made, {
    inputs: [{ name: input, elementType: 1, dims: ['batch_size', 'num_channels', 'height', 'width'] }],
    outputs: Object.entries(outputs).map(([name, dims]) => ({ name, elementType: 1, dims })),
  });
const tokens = declared({ last_hidden_state: ['batch_size', 'sequence_length', 384] });

const dinov2 = { model_type: 'dinov2', hidden_size: 384, image_size: 518 };
const bit = {
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  crop_size: { height: 224, width: 224 },
  size: { shortest_edge: 256 },
  resample: 3,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  image_processor_type: 'BitImageProcessor',
  rescale_factor: 0.00392156862745098,
};
const half = { do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

type Files = Record<string, object | string | Uint8Array>;
async function folder(files: Files, name = 'dinov2-Small'): Promise<string> {
  for (const [file, content] of Object.entries(files)) {
    const path = join(dir, name, file);
    await mkdir(dirname(path), { recursive: true });
    const isText = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(path, isText ? content : JSON.stringify(content));
  }
  return join(dir, name);
}
const files = (config: object, processor: object, model: Uint8Array): Files => ({
  'config.json': config,
  'preprocessor_config.json': processor,
  'onnx/model.onnx': model,
});
const description = async (more: Files, name?: string) => (await findEncoder(await folder(more, name)))!.description;

test('a folder of the hub is an encoder: the class token of a DINOv2, the crop as its side, mean and deviation of 0 to 255', async () => {
  const at = await folder({
    ...files(dinov2, bit, tokens),
    'README.md': '---\ntags:\n- vision\nlicense: apache-2.0\n---\n# license: other\n',
  });
  const found = (await findEncoder(at))!;
  expect(found.path).toBe(join(at, 'onnx/model.onnx'));
  expect(found.facts).toMatchObject({ title: 'dinov2-Small', licence: 'apache-2.0', dimensions: 384 });
  expect(found.facts.id).toMatch(/^dinov2-small-[0-9a-f]{12}$/);
  expect(found.description).toMatchObject({
    model: 'onnx/model.onnx',
    sha256: sha256(tokens),
    input: { name: 'pixel_values', side: 224, layout: 'NCHW', channels: 'RGB' },
    output: { name: 'last_hidden_state', dimensions: 384, pooling: 'first' },
  });
  const { mean, deviation } = found.description.input;
  for (const [c, value] of [123.675, 116.28, 103.53].entries()) expect(mean[c]).toBeCloseTo(value, 3);
  for (const [c, value] of [58.395, 57.12, 57.375].entries()) expect(deviation[c]).toBeCloseTo(value, 3);
});

describe('which output of which model is its vector:', () => {
  const hidden = ['n', 's', 768];
  test.each<[string, object, Record<string, Port['dims']>, object]>([
    [
      'CLIP: its projection',
      { model_type: 'clip', projection_dim: 512, vision_config: { hidden_size: 768 } },
      { image_embeds: ['n', 512], last_hidden_state: hidden },
      { name: 'image_embeds', dimensions: 512, pooling: 'none' },
    ],
    [
      'SigLIP: what its head pools',
      { model_type: 'siglip', vision_config: { hidden_size: 768 } },
      { last_hidden_state: hidden, pooler_output: ['n', 768] },
      { name: 'pooler_output', dimensions: 768, pooling: 'none' },
    ],
    [
      'SigLIP without its head: the mean of its tokens',
      { model_type: 'siglip', vision_config: { hidden_size: 768 } },
      { last_hidden_state: hidden },
      { name: 'last_hidden_state', dimensions: 768, pooling: 'mean' },
    ],
    [
      'ViT: its class token, not the layer behind it',
      { model_type: 'vit', hidden_size: 768 },
      { last_hidden_state: hidden, pooler_output: ['n', 768] },
      { name: 'last_hidden_state', dimensions: 768, pooling: 'first' },
    ],
    [
      'ConvNeXt: what is pooled',
      { model_type: 'convnext', hidden_sizes: [96, 192, 384, 768] },
      { last_hidden_state: ['n', 768, 'h', 'w'], pooler_output: ['n', 768] },
      { name: 'pooler_output', dimensions: 768, pooling: 'none' },
    ],
    [
      'ResNet: a map of one pixel, its length by config.json',
      { model_type: 'resnet', hidden_sizes: [256, 512, 1024, 2048] },
      { pooler_output: ['n', 'd', 1, 1] },
      { name: 'pooler_output', dimensions: 2048, pooling: 'mean' },
    ],
    [
      'an unknown one: what it calls pooled',
      { model_type: 'something-new' },
      { last_hidden_state: hidden, pooler_output: ['n', 640] },
      { name: 'pooler_output', dimensions: 640, pooling: 'none' },
    ],
  ])('%s', async (_name, config, outputs, output) => {
    expect(await description(files(config, { ...half, size: 224 }, declared(outputs)))).toMatchObject({ output });
  });
});

describe('how pictures reach it:', () => {
  test.each<[string, object, object]>([
    ['a side as a number', { ...half, size: 384 }, { side: 384, mean: [127.5, 127.5, 127.5] }],
    ['height and width', { ...half, size: { height: 256, width: 256 } }, { side: 256 }],
    [
      'no crop: what the shorter edge is scaled to',
      { ...half, size: { shortest_edge: 224 }, crop_pct: 0.875 },
      { side: 224 },
    ],
    ['a crop that is not made', { ...bit, do_center_crop: false }, { side: 256 }],
    ['neither mean nor deviation', { do_normalize: false, size: 256 }, { mean: [0, 0, 0], deviation: [255, 255, 255] }],
    [
      'values of 0 to 255',
      { do_rescale: false, image_mean: [127, 127, 127], image_std: [128, 128, 128], size: 224 },
      { mean: [127, 127, 127], deviation: [128, 128, 128] },
    ],
    ['BGR', { do_normalize: false, do_flip_channel_order: true, size: 256 }, { channels: 'BGR' }],
  ])('%s', async (_name, processor, input) => {
    expect(await description(files(dinov2, processor, tokens))).toMatchObject({ input });
  });
});

describe('what is missing or contradicts itself is named by file and field:', () => {
  const { image_mean: _m, image_std: _s, do_normalize: _n, ...silent } = bit;
  const { image_std: _d, ...noDeviation } = bit;
  test.each<[string, Files, string]>([
    ['no mean', files(dinov2, silent, tokens), 'preprocessor_config.json: image_mean is missing'],
    ['no deviation', files(dinov2, noDeviation, tokens), 'preprocessor_config.json: image_std is missing'],
    ['no size', files(dinov2, half, tokens), 'preprocessor_config.json: size is missing'],
    [
      'an oblong',
      files(dinov2, { ...half, size: { height: 224, width: 128 } }, tokens),
      'size is {"height":224,"width":128}: a square',
    ],
    ['a side of two pixels', files(dinov2, { ...half, size: 2 }, tokens), 'preprocessor_config.json: size is 2'],
    [
      'scales that do not agree',
      files(dinov2, { ...bit, do_rescale: false }, tokens),
      'preprocessor_config.json: do_rescale is false',
    ],
    [
      'an offset',
      files(dinov2, { ...bit, rescale_offset: true }, tokens),
      'preprocessor_config.json: rescale_offset true',
    ],
    ['no type', files({ hidden_size: 384 }, bit, tokens), 'config.json: model_type is missing'],
    [
      'another length',
      files({ ...dinov2, hidden_size: 768 }, bit, tokens),
      'config.json: hidden_size is 768, and onnx/model.onnx gives last_hidden_state [batch_size, sequence_length, 384]',
    ],
    [
      'no length',
      files({ model_type: 'vit' }, bit, declared({ last_hidden_state: ['n', 's', 'd'] })),
      'config.json: hidden_size is missing',
    ],
    [
      'a classifier',
      files(dinov2, bit, declared({ logits: ['n', 1000] })),
      'it gives logits [n, 1000], none of last_hidden_state',
    ],
    [
      'a type that is not known, with tokens alone',
      files({ model_type: 'new' }, bit, tokens),
      'config.json: model_type new is not known',
    ],
    [
      'texts',
      files(dinov2, bit, declared({ last_hidden_state: ['n', 's', 384] }, 'input_ids')),
      'onnx/model.onnx: it reads input_ids',
    ],
    ['no network', { 'config.json': dinov2, 'preprocessor_config.json': bit }, 'it has none of onnx/vision_model.onnx'],
    ['no preprocessing', { 'config.json': dinov2, 'model.onnx': tokens }, 'preprocessor_config.json is missing'],
    ['no JSON', { ...files(dinov2, bit, tokens), 'config.json': '{' }, 'config.json: '],
  ])('%s', async (_name, broken, why) => {
    await expect(findEncoder(await folder(broken))).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: expect.stringContaining(why),
    });
  });
});

test('a licence that nobody names is unknown; one of its own has its name; a list its first', async () => {
  const licence = async (readme: string) =>
    (await description({ ...files(dinov2, bit, tokens), 'README.md': readme })).licence;
  expect((await description(files(dinov2, bit, tokens))).licence).toBe('unknown');
  expect(await licence('# license: mit\n')).toBe('unknown');
  expect(await licence('---\nlicense: other\nlicense_name: dinov3-license\n---\n')).toBe('dinov3-license');
  expect(await licence('---\r\nlicense:\r\n- mit\r\n- apache-2.0\r\n---\r\n')).toBe('mit');
  expect(await licence('---\nlicense: "cc-by-nc-4.0"\n---\n')).toBe('cc-by-nc-4.0');
});

test('of a model with two towers the file for pictures is taken', async () => {
  const clip = { model_type: 'clip', projection_dim: 512 };
  const vision = declared({ image_embeds: ['n', 512] });
  const found = await description({ ...files(clip, { ...half, size: 224 }, made), 'onnx/vision_model.onnx': vision });
  expect(found).toMatchObject({ model: 'onnx/vision_model.onnx', output: { name: 'image_embeds' } });
});

test('a folder is described once, as long as its files are the same: its network may have hundreds of megabytes', async () => {
  const at = await folder(files(dinov2, bit, tokens));
  const first = await describeHubFolder(at);
  expect(await describeHubFolder(at)).toBe(first);
  const other = declared({ last_hidden_state: ['n', 'tokens', 384] });
  await folder({ 'onnx/model.onnx': other });
  expect(await describeHubFolder(at)).toMatchObject({ sha256: sha256(other), licence: 'unknown' });
  await folder({ 'README.md': '---\nlicense: mit\n---\n' });
  expect((await describeHubFolder(at)).licence).toBe('mit');
  await folder({ 'config.json': '{' });
  await expect(describeHubFolder(at)).rejects.toThrow('config.json: ');
  await folder({ 'config.json': dinov2 });
  expect((await describeHubFolder(at)).licence).toBe('mit');
});
