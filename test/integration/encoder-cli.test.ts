import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { writeProducts } from '../../src/catalog/products.ts';
import { openStorage } from '../../src/db/open-storage.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { endlessBackbone, makeBackbone } from '../support/backbone.ts';
import { freshDataDir } from '../support/embedded.ts';
import { writeEncoder } from '../support/encoder.ts';
import { fakeQueue } from '../support/fixtures.ts';
import { runSimili } from '../support/simili-process.ts';

let dir: string;
let eye: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-encoder-'));
  eye = await writeEncoder(join(dir, 'eye'), makeBackbone().bytes);
});
afterAll(() => rm(dir, { recursive: true }));
const run = (args: string[], env: Record<string, string> = {}) =>
  runSimili(['encoder', ...args], { SIMILI_DATA_DIR: join(dir, 'data'), ...env });

/** Discs and squares of eight colours, as files. */
async function draw(folder: string): Promise<string[]> {
  await mkdir(folder);
  const colours = ['red', 'blue', 'green', 'orange', 'purple', 'black', 'gold', 'teal'];
  return Promise.all(
    colours.map(async (colour, i) => {
      const shape = i % 2 ? '<circle cx="40" cy="40" r="30"' : '<rect x="10" y="10" width="60" height="60"';
      const path = join(folder, `${colour}.png`);
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80">${shape} fill="${colour}"/></svg>`;
      await writeFile(path, await sharp(Buffer.from(svg)).flatten({ background: 'white' }).png().toBuffer());
      return path;
    }),
  );
}

test('check tells what an encoder is, how fast and how steady, and shows what it finds alike in pictures of a folder', async () => {
  const [folder, out] = [join(dir, 'pictures'), join(dir, 'sheet.html')];
  await draw(folder);
  const { code, output } = await run(['check', eye, '--pictures', folder, '--out', out]);
  expect(code, output).toBe(0);
  expect(output).toMatch(/^encoder {3}eye-[0-9a-f]{12}: An eye$/m);
  expect(output).toMatch(/^licence {3}MIT$/m);
  expect(output).toMatch(/^reads {5}pictures: 8x8 pixels, NCHW, RGB$/m);
  expect(output).toMatch(/^speed {5}[0-9.]+ ms a picture on one core; [0-9.]+ ms, four at a time$/m);
  expect(output).toMatch(/^memory {4}[0-9]+ MB at most/m);
  expect(output).toMatch(/^steady {4}a picture seen twice differs by 0, /m);
  expect(output).toContain(`alike     ${out}: the 6 nearest of 6 products, among 8 products of ${folder}\n`);
  expect(output).toContain(`To use it: SIMILI_ENCODER=${eye}\n`);
  const sheet = await readFile(out, 'utf8');
  // Six queries, each with itself, six by the encoder and six by hand-made features.
  expect(sheet.match(/<img src="data:image\/webp;base64,/g)).toHaveLength(6 * 13);
  expect(sheet).toContain('Licence: MIT');
});

test('check shows the products of the shop that is configured', async () => {
  const [data, out] = [join(dir, 'shop'), join(dir, 'shop.html')];
  const paths = await draw(join(dir, 'shop-pictures'));
  await freshDataDir(data);
  const storage = await openStorage({ DATABASE_URL: undefined, SIMILI_DATA_DIR: data });
  const { products, images } = makeRepositories(storage, 'default');
  const rows = paths.map((path, i) => ({ id: `sku-${i}`, title: `Thing ${i}`, imageUrls: [path] }));
  await writeProducts(rows, { catalog: 'default', products, queue: fakeQueue() }, judgeImported);
  for (const { id, reading, source } of await images.claimPending(100, 60)) {
    const contentHash = sha256(await readFile(source));
    await images.markReady({ id, reading }, { contentHash, mime: 'image/png', width: 80, height: 80 });
  }
  await storage.close();
  const { code, output } = await run(['check', eye, '--out', out], { SIMILI_DATA_DIR: data });
  expect(code, output).toBe(0);
  expect(output).toContain('among 8 products of this shop\n');
  expect(await readFile(out, 'utf8')).toContain('title="sku-7"');
});

test('check refuses by code and in a sentence what does not fit, and what never ends after the time it was given', async () => {
  const [other, endless] = [join(dir, 'other'), join(dir, 'endless')];
  await writeEncoder(other, makeBackbone().bytes, { output: { dimensions: 7 } });
  await writeEncoder(endless, endlessBackbone(), { output: { dimensions: 3 } });
  const refused = await run(['check', other]);
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/^IMPORT_UNREADABLE: Cannot import the encoder eye-.*output\.dimensions 7\n$/);
  expect(await run(['check', endless, '--seconds', '2'])).toEqual({
    code: 1,
    output: `MODEL_TOO_COSTLY: ${join(endless, 'eye.onnx')} asks for too much: trying it took more than 2 s\n`,
  });
  expect((await run(['check', eye, '--seconds', 'long'])).output).toMatch(/^INVALID_ARGUMENT: seconds must be over 0/);
});

test('list shows what ships and what is configured', async () => {
  const { code, output } = await run(['list'], { SIMILI_ENCODER: eye });
  expect(code).toBe(0);
  expect(output).toMatch(/^ +efficientnet-lite0 +Apache-2\.0 +224 +1952 +efficientnet-lite0-[0-9a-f]{12}$/m);
  expect(output.split('\n').find((line) => line.startsWith('*'))).toMatch(/eye +MIT +8 +5 +eye-[0-9a-f]{12}$/);
  expect((await run(['list'], { SIMILI_ENCODER: 'none' })).output).toContain('None looks at pictures');
  const missing = join(dir, 'missing');
  const listed = JSON.parse((await run(['list', '--json'], { SIMILI_ENCODER: missing })).output);
  const id = expect.stringMatching(/^efficientnet-lite0-[0-9a-f]{12}$/);
  const shipped = {
    encoder: 'efficientnet-lite0',
    configured: false,
    licence: 'Apache-2.0',
    pixels: 224,
    vector: 1952,
  };
  expect(listed).toContainEqual({ ...shipped, id });
  expect(listed).toContainEqual({ encoder: missing, configured: true, problem: expect.stringContaining(missing) });
});
