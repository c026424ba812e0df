import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { offerOf, pull } from '../../cli/encoder/pull.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import { makeBackbone, redeclared } from '../support/backbone.ts';
import { COMMIT, startFakeHub } from '../support/fake-hub.ts';
import { runSimili } from '../support/simili-process.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-pull-'));
});
afterEach(() => rm(dir, { recursive: true }));

const ID = 'shop/eye-8';
const network = redeclared(makeBackbone({ channels: 512 }).bytes, {
  inputs: [{ name: 'pixel_values', elementType: 1, dims: ['n', 3, 8, 8] }],
  outputs: [{ name: 'pooler_output', elementType: 1, dims: ['n', 512] }],
});
const text = (content: string | object) =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
const files = {
  'config.json': text({ model_type: 'resnet' }),
  'preprocessor_config.json': text({ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: 8 }),
  'README.md': text('---\nlicense: mit\n---\nAn eye\n'),
  'pytorch_model.bin': text('not wanted'),
  'onnx/model.onnx': network,
  'onnx/model_quantized.onnx': text('not wanted'),
};
const whole = Number.POSITIVE_INFINITY;
const folder = () => join(dir, 'encoders', 'shop--eye-8');
const pulled = async (url: string, tell = (_bytes: number) => {}) =>
  pull(url, await offerOf(url, ID, 'main'), dir, tell);

test('a model is offered with its licence, comes whole and works without the hub', async () => {
  const told: number[] = [];
  {
    await using hub = await startFakeHub(ID, files);
    const offer = await offerOf(hub.url, ID, 'main');
    expect(offer.listing).toMatchObject({ licence: 'mit', revision: COMMIT });
    const names = ['config.json', 'preprocessor_config.json', 'README.md', 'onnx/model.onnx'];
    expect(offer.wanted.map(({ path }) => path)).toEqual(names);
    expect(hub.state.asked).toEqual([]);
    expect(await pull(hub.url, offer, dir, (bytes) => told.push(bytes))).toBe(folder());
    expect(told.at(-1)).toBe(offer.bytes);
    expect(hub.state.asked.map(({ path }) => path)).toEqual(names);
    await pulled(hub.url);
    expect(hub.state.asked).toHaveLength(4);
  }
  expect((await findEncoder(folder()))!.facts).toMatchObject({ licence: 'mit', dimensions: 512 });
  expect((await readFile(join(folder(), 'onnx/model.onnx'))).equals(network)).toBe(true);
  expect(JSON.parse(await readFile(join(folder(), 'origin.json'), 'utf8'))).toMatchObject({ id: ID, revision: COMMIT });
});

test('a connection that breaks goes on where it was', async () => {
  await using hub = await startFakeHub(ID, files);
  const offer = await offerOf(hub.url, ID, 'main');
  // The last file alone breaks: twice, each time after some bytes, and once before any.
  hub.state.breaks.push(whole, whole, whole, 1000, 0, 500);
  await pull(hub.url, offer, dir, () => hub.state.cut());
  const ranges = hub.state.asked.filter(({ path }) => path === 'onnx/model.onnx').map(({ range }) => range);
  expect(ranges).toEqual([undefined, 'bytes=1000-', 'bytes=1000-', 'bytes=1500-']);
  expect((await readFile(join(folder(), 'onnx/model.onnx'))).equals(network)).toBe(true);
});

test('a pull that failed is no encoder, and the next one keeps what it brought', async () => {
  await using hub = await startFakeHub(ID, files);
  hub.state.breaks.push(whole, whole, whole, 1000, 0, 0, 0);
  await expect(pulled(hub.url, () => hub.state.cut())).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect((await readdir(join(dir, 'encoders'))).filter((name) => !name.startsWith('.'))).toEqual([]);
  hub.state.asked.length = 0;
  await pulled(hub.url);
  expect(hub.state.asked).toMatchObject([{ path: 'onnx/model.onnx', range: 'bytes=1000-' }]);
  expect((await findEncoder(folder()))?.facts.dimensions).toBe(512);
});

test('a server that begins anew all the time is followed', async () => {
  await using hub = await startFakeHub(ID, files);
  hub.state.ignoresRange = true;
  hub.state.breaks.push(whole, whole, whole, 1000);
  await pulled(hub.url, () => hub.state.cut());
  expect(hub.state.asked.at(-1)).toEqual({ path: 'onnx/model.onnx', range: 'bytes=1000-' });
  expect((await readFile(join(folder(), 'onnx/model.onnx'))).equals(network)).toBe(true);
});

describe('is refused:', () => {
  test.each(['onnx/model.onnx', 'config.json'] as const)('%s that is not what is listed', async (path) => {
    await using hub = await startFakeHub(ID, files);
    hub.state.instead[path] = files[path].map((byte) => byte ^ 1);
    await expect(pulled(hub.url)).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: expect.stringContaining('has not the checksum that the hub lists'),
    });
    expect((await readdir(join(dir, 'encoders'))).filter((name) => !name.startsWith('.'))).toEqual([]);
  });

  const { 'preprocessor_config.json': _p, ...noProcessor } = files;
  const { 'onnx/model.onnx': _m, ...noModel } = files;
  test.each<[string, Record<string, Uint8Array>, string]>([
    ['a model without preprocessing', noProcessor, 'preprocessor_config.json is missing'],
    ['one that is not exported', noModel, 'export it to ONNX'],
    ['one with its weights elsewhere', { ...files, 'onnx/model.onnx_data': text('x') }, 'in another file'],
  ])('%s, before anything is downloaded', async (_name, listed, why) => {
    await using hub = await startFakeHub(ID, listed);
    await expect(offerOf(hub.url, ID, 'main')).rejects.toThrow(why);
    expect(hub.state.asked).toEqual([]);
  });

  test('what the hub does not give, a strange id, and an address that anybody could answer for', async () => {
    await using hub = await startFakeHub(ID, files);
    hub.state.status = 401;
    await expect(offerOf(hub.url, ID, 'main')).rejects.toMatchObject({ code: 'SERVER_REFUSED' });
    hub.state.status = 503;
    await expect(offerOf(hub.url, ID, 'main')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    for (const id of ['../x', 'a/b/c', 'a/..', ''])
      await expect(offerOf(hub.url, id, 'main')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(offerOf('http://hub.test', ID, 'main')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

test('the command shows the licence, asks for --yes where nobody can be asked, and lists what it brought', async () => {
  await using hub = await startFakeHub(ID, files);
  const run = (...args: string[]) => runSimili(['encoder', ...args], { SIMILI_DATA_DIR: dir });
  const unasked = await run('pull', ID, '--hub', hub.url);
  expect(unasked.code).toBe(1);
  expect(unasked.output).toMatch(/^licence {3}mit$/m);
  expect(unasked.output).toContain('INVALID_ARGUMENT: --yes is needed where nobody can be asked');
  expect(hub.state.asked).toEqual([]);
  const { code, output } = await run('pull', ID, '--hub', hub.url, '--yes');
  expect(code, output).toBe(0);
  expect(output).toContain(`To try it: simili encoder check ${basename(folder())}\n`);
  expect((await run('list')).output).toMatch(new RegExp(`^ +${basename(folder())} +mit `, 'm'));
});
