// @module-tag long-tests
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectTaught } from '../../cli/distil/collect.ts';
import type { DistilReport } from '../../cli/distil/report.ts';
import type { Shop } from '../../cli/shop/open-shop.ts';
import type { SeenPage } from '../../cli/shop/operations.ts';
import { loadConfig } from '../../src/config.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import type { EngineHost } from '../../workers/training/engine-client.ts';
import { makeBackbone } from '../support/backbone.ts';
import { freshDataDir } from '../support/embedded.ts';
import { writeEncoder } from '../support/encoder.ts';
import { runSimili, spawnSimili } from '../support/simili-process.ts';
import { drawToyCatalog } from '../support/toy-catalog.ts';

let dir: string;
let env: Record<string, string>;
/** A shop whose pictures were looked at: no server is needed for that. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-distil-cli-'));
  await drawToyCatalog(join(dir, 'pictures'), 10);
  const eye = await writeEncoder(join(dir, 'eye'), makeBackbone().bytes);
  env = { SIMILI_DATA_DIR: join(dir, 'data'), SIMILI_ENCODER: eye };
  await freshDataDir(join(dir, 'data'));
  const { code, output } = await runSimili(['import', join(dir, 'pictures')], env);
  expect(code, output).toBe(0);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('distil makes an encoder of what the shop has stored and tells what it is worth beside its teacher', async () => {
  const out = join(dir, 'student');
  const { code, output } = await runSimili(['distil', '--steps', '4', '--out', out, '--json'], env);
  expect(code, output).toBe(0);
  const report = JSON.parse(output.trim().split('\n').at(-1)!) as DistilReport;
  expect(report).toMatchObject({
    teacher: { id: expect.stringMatching(/^eye-/) },
    student: { id: expect.stringMatching(/^student-tiny-/), folder: out, bytes: expect.any(Number) },
    training: { preset: 'tiny', steps: 4, products: 40, dimensions: 5, seed: 1 },
    right: 'category',
  });
  const [teacher, student] = report.systems;
  expect([teacher!.neighbours, student!.system]).toEqual([1, 'student']);
  expect(student!.neighbours! > 0 && student!.map! > 0).toBe(true);
  expect(report.student.alone > 0 && report.student.batched > 0).toBe(true);
  expect(JSON.parse(await readFile(join(out, 'distilled.json'), 'utf8'))).toEqual(report);
  const found = await findEncoder(out);
  expect(found).toMatchObject({ facts: { licence: 'MIT', dimensions: 5 }, description: { input: { side: 64 } } });
  const again = await runSimili(['distil', '--out', out], env);
  expect(again).toMatchObject({ code: 1, output: 'INVALID_ARGUMENT: --out is there already\n' });
  const checked = await runSimili(
    ['encoder', 'check', out, '--pictures', join(dir, 'pictures'), '--out', `${out}.html`],
    env,
  );
  expect(checked.code, checked.output).toBe(0);
  expect(checked.output).toMatch(/^steady {4}a picture seen twice differs by 0, /m);
});

test('a training that is stopped by Ctrl-C ends in order and leaves nothing behind', async () => {
  const out = join(dir, 'stopped');
  const child = spawnSimili(['distil', '--steps', '1000000', '--out', out], env);
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (text) => {
    stdout += text;
    if (stdout.includes('teaches tiny')) child.kill('SIGINT');
  });
  child.stderr!.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  expect({ code, stderr }).toEqual({ code: 130, stderr: 'Stopped\n' });
  expect(stdout).toContain('An eye teaches tiny on 40 products, 40 pictures\n');
  expect(existsSync(out)).toBe(false);
});

test('what a running server has of an encoder that looked at nothing yet is not enough, and the command says what to do', async () => {
  const config = loadConfig({ SIMILI_DATA_DIR: join(dir, 'elsewhere') });
  const teacher = (await findEncoder(join(dir, 'eye')))!;
  const page: SeenPage = { images: [], base64: '', unseen: 40, next: null };
  const shop = { app: null, run: async () => page } as unknown as Shop;
  const options = { config, teacher, path: join(dir, 'none.f16'), signal: new AbortController().signal };
  const host = {} as EngineHost; // where a server has the shop open nothing is asked of it
  await expect(collectTaught(shop, host, options)).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    message: expect.stringContaining(`${teacher.facts.id} has not looked at 40 pictures of this shop: start the shop`),
  });
  page.unseen = 0;
  await expect(collectTaught(shop, host, options)).rejects.toMatchObject({ code: 'CATALOG_TOO_SMALL' });
});

test('without an encoder there is no teacher, and a wrong number is refused', async () => {
  const out = join(dir, 'nothing');
  const none = await runSimili(['distil', '--out', out], { ...env, SIMILI_ENCODER: 'none' });
  expect(none.code).toBe(1);
  expect(none.output).toContain('there is no teacher where SIMILI_ENCODER is none');
  const wrong = await runSimili(['distil', '--out', out, '--steps', 'many'], env);
  expect(wrong.output).toBe('INVALID_ARGUMENT: --steps must be a whole number from 1, not many\n');
});
