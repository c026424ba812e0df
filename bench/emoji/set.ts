import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { splits } from '../../learning/metrics/split.ts';
import { PICTURE_SIZE } from '../../learning/picture.ts';
import { type Host, openHost } from '../../workers/hosts/rpc.ts';
import { DECODE_VERSION } from '../../workers/pictures/decoded-picture.ts';
import type { PictureHostApi } from '../../workers/pictures/picture-host.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import { openDrawings } from './drawings.ts';
import { listThings, packageFile, type Thing, VENDORS } from './things.ts';

/** The development set: item i of the training set is thing i, its pictures are the vendors' drawings in their order. */
export type EmojiSet = {
  readonly things: readonly Thing[];
  readonly set: TrainingSet;
  /** Where the pictures are, and what is made of them may be. */
  readonly folder: string;
};

type Limits = Parameters<PictureHostApi['decode']>[0]['limits'];
const AT_ONCE = 4;

/**
 * 853 things x 4 drawings as the product's own decoder sees them: rendered from SVG, cut to the ink, in the layout of the
 * pixel cache. Made once (a minute), then found in `dir`; other packages, sides or another decoder get a folder of their own.
 * @param side of the pictures that the encoder reads
 */
export async function emojiSet(dir: string, side: number): Promise<EmojiSet> {
  const limits: Limits = { maxPixels: 1_000_000, background: '#ffffff', sides: [...new Set([PICTURE_SIZE, side])] };
  const drawings = openDrawings();
  const things = listThings(drawings.drawnByAll);
  const folder = join(dir, versionsKey(limits));
  const list = join(folder, 'keys.json');
  if (!existsSync(list)) {
    const keys = await writePictures(folder, limits, things, drawings.render);
    await writeFile(list, JSON.stringify(keys)); // last: without it the folder is not whole
  }
  const keys = JSON.parse(await readFile(list, 'utf8')) as string[];
  const subgroups = [...new Set(things.map(({ subgroup }) => subgroup))].sort();
  const set: TrainingSet = {
    starts: Int32Array.from({ length: things.length + 1 }, (_, i) => i * VENDORS.length),
    hashes: Uint8Array.from(Buffer.from(keys.join(''), 'hex')),
    categories: Int32Array.from(things, ({ subgroup }) => subgroups.indexOf(subgroup)),
    splits: Uint8Array.from(things, ({ split }) => splits.indexOf(split)),
    pixels: Object.fromEntries(limits.sides.map((size) => [size, join(folder, String(size))])),
  };
  return { things, set, folder };
}

/** Key of everything the pixels come from. */
function versionsKey(limits: Limits): string {
  const versions = ['emojibase-data', ...VENDORS.map((vendor) => `@iconify-json/${vendor}`), 'sharp'].map(
    (name) => (JSON.parse(packageFile(`${name}/package.json`)) as { version: string }).version,
  );
  const facts = JSON.stringify({ versions, decode: DECODE_VERSION, LIMITS: limits });
  return createHash('sha256').update(facts).digest('hex').slice(0, 12);
}

/** @returns the key of every picture, things in rows. */
async function writePictures(
  dir: string,
  limits: Limits,
  things: readonly Thing[],
  render: ReturnType<typeof openDrawings>['render'],
): Promise<string[]> {
  const jobs = things.flatMap(({ key }) => VENDORS.map((vendor) => ({ key, vendor })));
  const keys: string[] = [];
  const host = openHost<PictureHostApi>(new URL('../../workers/pictures/picture-host.ts', import.meta.url), {
    label: 'the decoder',
    nice: 5,
  });
  try {
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      const chunk = jobs.slice(at, at + AT_ONCE);
      const written = chunk.map(async ({ key, vendor }) =>
        writePicture(dir, limits, host, await render(key, vendor), `${key} by ${vendor}`),
      );
      keys.push(...(await Promise.all(written)));
      if (at % 400 === 0) process.stderr.write(`pictures ${at}/${jobs.length}\r`);
    }
  } finally {
    await host.close();
  }
  return keys;
}

async function writePicture(
  dir: string,
  limits: Limits,
  host: Host<PictureHostApi>,
  bytes: Buffer,
  source: string,
): Promise<string> {
  const { pixels } = await host.call('decode', { bytes, source, limits });
  const key = sha256(bytes);
  for (const side of limits.sides) {
    const folder = join(dir, String(side), key.slice(0, 2));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${key}.rgb`), pixels[side]!);
  }
  return key;
}
