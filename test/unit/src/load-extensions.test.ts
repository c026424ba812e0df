import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadExtensions } from '../../../src/load-extensions.ts';
import { packageFile } from '../../../src/package-root.ts';
import { titleWords } from '../../support/title-words.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-extensions-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('without SIMILI_EXTENSIONS there are none', async () => {
  expect(await loadExtensions({ SIMILI_EXTENSIONS: undefined })).toEqual({});
});

test('the file of the example plugs its encoder in', async () => {
  const file = packageFile('examples/own-encoder/title-words.mjs');
  const { encoders } = await loadExtensions({ SIMILI_EXTENSIONS: file });
  expect(encoders).toMatchObject([{ id: titleWords.id }]);
});

test.each([
  ['missing', null, 'cannot be loaded'],
  ['named', 'export const encoders = []', 'has no default export'],
  ['unknown', 'export default { encoder: {} }', 'there is nothing called encoder to extend: encoders'],
  ['wrong', 'export default { encoders: [{ id: "x" }] }', 'The encoder "x" has no function encode'],
])('a module that is %s is told before anything opens', async (name, text, why) => {
  const file = join(dir, `${name}.mjs`);
  if (text) await writeFile(file, text);
  await expect(loadExtensions({ SIMILI_EXTENSIONS: file })).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    message: expect.stringContaining(why),
  });
});
