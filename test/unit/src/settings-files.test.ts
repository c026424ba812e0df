import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useSettingsFiles } from '../../../src/config.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-settings-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** The environment that comes of these files and of what was there. */
async function used(config: string | null, dotenv: string | null, env: Record<string, string> = {}) {
  for (const [name, text] of [
    ['simili.config.json', config],
    ['.env', dotenv],
  ] as const) {
    await rm(join(dir, name), { force: true });
    if (text !== null) await writeFile(join(dir, name), text);
  }
  const all = { ...env };
  useSettingsFiles(dir, all);
  return all;
}

test('the environment goes before simili.config.json, and that before .env, of which others may be a part', async () => {
  const config = JSON.stringify({ PORT: 4100, SIMILI_GPUS: [0, 1], SIMILI_REQUIRE_GPU: false, LOG_LEVEL: 'info' });
  const dotenv = '# of the shop\nPORT=3000\nHOST="0.0.0.0"\nSTRIPE_SECRET=x\nLOG_LEVEL=debug\n';
  expect(await used(config, dotenv, { LOG_LEVEL: 'fatal', PORT: '' })).toEqual({
    LOG_LEVEL: 'fatal',
    PORT: '4100',
    HOST: '0.0.0.0',
    SIMILI_GPUS: '0,1',
    SIMILI_REQUIRE_GPU: 'false',
  });
});

test('a byte order mark is no part of a file: its first setting counts', async () => {
  expect(await used('\ufeff{ "PORT": 4100 }', '\ufeffHOST=0.0.0.0\n')).toEqual({ PORT: '4100', HOST: '0.0.0.0' });
});

test('a folder without such files changes nothing', async () => {
  expect(await used(null, null, { PORT: '1' })).toEqual({ PORT: '1' });
});

test.each([
  ['{', 'it must be a JSON object'],
  ['[]', 'it must be a JSON object'],
  ['{"PROT": 1}', 'there is no setting PROT (simili --help lists them)'],
  ['{"PORT": {"a": 1}}', 'PORT must be text, a number, true or false, or a list of them'],
  ['{"PORT": null}', 'PORT must be text'],
])('simili.config.json that says %s is refused, by its path', async (config, why) => {
  await expect(used(config, null)).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    message: expect.stringContaining(`simili.config.json: ${why}`),
  });
});
