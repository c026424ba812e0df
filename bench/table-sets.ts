import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { openDrawings } from './emoji/drawings.ts';
import { listThings, VENDORS } from './emoji/things.ts';

/** A folder of pictures with its labels.csv, as `simili evaluate` takes it. */
export type LabelledFolder = {
  readonly name: string;
  readonly about: string;
  readonly images: string;
  readonly labels: string;
};

/** The emoji development set: 853 things x 4 drawings, split by whole things and subgroups (docs/quality.md). */
export async function emojiFolder(dir: string): Promise<LabelledFolder> {
  const images = join(dir, 'emoji');
  const labels = join(images, 'labels.csv');
  const about = '853 things (Unicode code points) drawn by four vendors; subgroup and category are those of Unicode';
  if (existsSync(labels)) return { name: 'Emoji', about, images, labels };
  const drawings = openDrawings();
  await mkdir(images, { recursive: true });
  const lines = ['path,identity,subgroup,category,split'];
  for (const { key, subgroup, split } of listThings(drawings.drawnByAll)) {
    for (const vendor of VENDORS) {
      const path = `${key}-${vendor}.png`;
      await writeFile(join(images, path), await drawings.render(key, vendor));
      lines.push([path, key, subgroup, subgroup.split('-')[0], split].join());
    }
  }
  await writeFile(labels, lines.join('\n')); // last: without it the folder is not whole
  return { name: 'Emoji', about, images, labels };
}

const MNIST = '/usr/share/datasets/fashion-mnist';
const CLASSES = ['top', 'trousers', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'];
const SIDE = 28;
const USUAL = { train: 3000, validation: 500, test: 1000 };

/** A part of Debian's dataset-fashion-mnist, where it is installed: the first pictures of each of its halves. */
export async function fashionFolder(dir: string, counts = USUAL): Promise<LabelledFolder | null> {
  if (!existsSync(MNIST)) return null;
  const { train, validation, test } = counts;
  const images = join(dir, counts === USUAL ? 'fashion-mnist' : `fashion-mnist-${train}-${validation}-${test}`);
  const labels = join(images, 'labels.csv');
  const about = `The first ${train} + ${validation} pictures of the training half and ${test} of the test half, ink on white; a category each, no identities`;
  if (existsSync(labels)) return { name: 'Fashion-MNIST', about, images, labels };
  await mkdir(images, { recursive: true });
  const lines = ['path,category,split'];
  const add = async (half: 'train' | 't10k', count: number, splitOf: (i: number) => string) => {
    const pixels = gunzipSync(await readFile(join(MNIST, `${half}-images-idx3-ubyte.gz`))).subarray(16);
    const classes = gunzipSync(await readFile(join(MNIST, `${half}-labels-idx1-ubyte.gz`))).subarray(8);
    for (let i = 0; i < count; i++) {
      const path = `${half}-${i}.png`;
      const ink = pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE).map((value) => 255 - value);
      await sharp(ink, { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .png()
        .toFile(join(images, path));
      lines.push([path, CLASSES[classes[i]!], splitOf(i)].join());
    }
  };
  await add('train', train + validation, (i) => (i < train ? 'train' : 'val'));
  await add('t10k', test, () => 'test');
  await writeFile(labels, lines.join('\n'));
  return { name: 'Fashion-MNIST', about, images, labels };
}
