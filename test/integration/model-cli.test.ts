import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storedArtefact } from '../../cli/shop/stored-artefact.ts';
import { handMadeFeatures } from '../../learning/features/index.ts';
import { encodeModel } from '../../learning/models/artefact.ts';
import type { ServedModel } from '../../learning/models/served-model.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { presetNamed, presetNames } from '../../learning/network/presets.ts';
import { describeNetwork } from '../../learning/network/shapes.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { openStorage } from '../../src/db/open-storage.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { endlessBackbone, makeBackbone } from '../support/backbone.ts';
import { freshDataDir } from '../support/embedded.ts';
import { serve } from '../support/fixtures.ts';
import { runSimili } from '../support/simili-process.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-model-'));
});
afterAll(() => rm(dir, { recursive: true }));
const run = (...args: string[]) => runSimili(['model', ...args], { SIMILI_DATA_DIR: join(dir, 'data') });

const random = makeRandom(3);
const spec = presetNamed('tinySingleScale');
const block = (feature: 'colour' | 'network', d: number) => ({
  feature,
  weight: 0.5,
  mean: new Float32Array(d),
  projection: Float32Array.from({ length: 2 * d }, () => random.gaussian()),
});
const model: ServedModel = {
  blocks: [block('colour', handMadeFeatures.colour.length), block('network', spec.embedding)],
  network: { spec, weights: initialWeights(spec, random), backbone: null },
};
const artefact = encodeModel(model);

test('list shows every preset with its sizes, in columns', async () => {
  const { code, output } = await run('list');
  const lines = output.trimEnd().split('\n');
  expect(code).toBe(0);
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['preset', ...presetNames]);
  expect(lines[1]).toMatch(/^paper +225 +4096 +87\.7 M +2\.33 G$/);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  const [paper, ...others] = JSON.parse((await run('list', '--json')).output);
  expect(paper).toMatchObject({ preset: 'paper', pixels: 225, vector: 4096, parameters: expect.closeTo(87.7e6, -5) });
  expect(others.length).toBe(presetNames.length - 1);
});

test('describe adds up: the rows of a residual network make its totals', async () => {
  const { code, output } = await run('describe', 'standard', '--json');
  expect(code).toBe(0);
  const found = JSON.parse(output);
  const layers = found.branches.flatMap((branch: { paths: { layers: object[] }[] }) =>
    branch.paths.flatMap((path) => path.layers),
  ) as { title: string; depth: number; output: number[]; parameters: number; flops: number }[];
  const total = (kind: 'parameters' | 'flops') =>
    layers.reduce((sum, layer) => sum + layer[kind], found.embeddingLayer[kind]);
  const { parameters, flopsPerPicture } = describeNetwork(presetNamed('standard'));
  expect([total('parameters'), total('flops')]).toEqual([parameters, flopsPerPicture]);
  expect([found.parameters, found.flopsPerPicture]).toEqual([parameters, flopsPerPicture]);
  expect(layers.filter(({ depth }) => depth === 1).map(({ title }) => title)).toContain('conv conv3a, 3x3');
});

test('describe tells people layers, shapes, parameters, FLOPs and memory', async () => {
  const { code, output } = await run('describe', 'paper');
  expect(code).toBe(0);
  expect(output).toMatch(/^paper: pictures of 225x225 pixels -> vectors of 4096 values/);
  expect(output).toMatch(/^ {2}conv conv1, 11x11, stride 4 +55x55x96 +34,944 +211 M$/m);
  expect(output).toMatch(/^lowRes8: the picture, mean of 8x8 +29x29x3$/m);
  expect(output).toMatch(/^branch 2, unit length +3072$/m);
  expect(output).toMatch(/^parameters +87,682,624$/m);
  expect(output).toMatch(/^memory +351 MB of weights; to train 1\.05 GB/m);
});

test('an unknown preset is answered with the known ones', async () => {
  const { code, output } = await run('describe', 'huge');
  expect(code).toBe(1);
  expect(output).toBe(`INVALID_ARGUMENT: preset huge is none of ${presetNames.join(', ')}\n`);
});

test('import runs a pretrained file and shows what it becomes; another file is refused with the reason', async () => {
  const [good, bad] = [join(dir, 'good.onnx'), join(dir, 'bad.onnx')];
  await writeFile(good, makeBackbone({ side: 32 }).bytes);
  await writeFile(bad, artefact);
  const { code, output } = await run('import', good, '--preset', 'small');
  expect(code).toBe(0);
  expect(output).toMatch(/^reads +pictures: 32x32 pixels, NCHW, any number at a time$/m);
  expect(output).toMatch(/^speed +[0-9.]+ ms a picture/m);
  expect(output).toMatch(/^smallBackbone: pictures of 32x32 pixels -> vectors of 128 values$/m);
  expect(output).toContain(`SIMILI_BACKBONE=${good} SIMILI_PRESET=small`);
  expect(await run('import', bad)).toEqual({
    code: 1,
    output: `IMPORT_UNREADABLE: Cannot import ${bad}: it is no ONNX file\n`,
  });
});

test('import tells a network that never ends by its code, after the time that it was given', async () => {
  const endless = join(dir, 'endless.onnx');
  await writeFile(endless, endlessBackbone());
  expect(await run('import', endless, '--seconds', '2')).toEqual({
    code: 1,
    output: `MODEL_TOO_COSTLY: ${endless} asks for too much: trying it took more than 2 s\n`,
  });
  expect((await run('import', endless, '--seconds', 'long')).output).toMatch(
    /^INVALID_ARGUMENT: seconds must be over 0/,
  );
});

test('export writes an artefact as ONNX, and as it is', async () => {
  const [file, onnx, copy] = ['in.safetensors', 'out.onnx', 'out.safetensors'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(file, artefact);
  const { code, output } = await run('export', '--file', file, '--out', onnx);
  expect([code, output.split(':')[0]]).toEqual([0, onnx]);
  const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
  expect([session.inputNames, session.outputNames]).toEqual([['pictures'], ['embeddings', 'vector']]);
  await session.release();
  expect((await run('export', '--format', 'safetensors', '--file', file, '--out', copy)).code).toBe(0);
  expect((await readFile(copy)).equals(artefact)).toBe(true);

  await writeFile(file, artefact.subarray(0, artefact.length - 1));
  const damaged = await run('export', '--file', file, '--out', onnx);
  expect([damaged.code, damaged.output.split(':')[0]]).toEqual([1, 'ARTEFACT_CORRUPT']);
});

test('export takes the version that serves, or one by its id, and checks it', async () => {
  await freshDataDir(join(dir, 'data'));
  const storage = await openStorage({ DATABASE_URL: undefined, SIMILI_DATA_DIR: join(dir, 'data') });
  const { models } = makeRepositories(storage, 'default');
  const small = encodeModel({
    blocks: [{ ...block('colour', handMadeFeatures.colour.length), weight: 1 }],
    network: null,
  });
  await expect(storedArtefact(models, 'active')).rejects.toThrow('There is no model version active');
  const version = { catalogId: 'default', kind: 'NETWORK', dimensions: 4, artefact: new Uint8Array(small) } as const;
  const { modelVersion } = storage.prisma;
  await modelVersion.create({ data: { ...version, id: 'mdl_one', checksum: sha256(small), state: 'ACTIVE' } });
  await modelVersion.create({ data: { ...version, id: 'mdl_two', checksum: sha256('other') } });
  await serve({ storage }, 'mdl_one');
  expect((await storedArtefact(models, 'active')).name).toBe('mdl_one');
  await expect(storedArtefact(models, 'mdl_two')).rejects.toMatchObject({ code: 'ARTEFACT_CORRUPT' });
  await expect(storedArtefact(models, 'mdl_three')).rejects.toThrow('There is no model version mdl_three');
  await storage.close();

  const out = join(dir, 'served');
  const { code, output } = await run('export', '--format', 'safetensors', '--out', out);
  const told = `${out}: mdl_one as safetensors, ${small.length} bytes, sha-256 ${sha256(small)}\n`;
  expect([code, output]).toEqual([0, told]);
  expect((await readFile(out)).equals(small)).toBe(true);
});
