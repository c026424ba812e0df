import { writeFile } from 'node:fs/promises';
import { escapeXml } from '@simili/lab/evaluate/svg';
import { handMadeFeatures } from '@simili/learning/features/index';
import { scaleToUnit } from '@simili/learning/features/unit';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import { toWebp } from '@simili/worker/pictures/encode';
import { SimiliError } from '../../src/errors.ts';
import type { OwnPictures } from './own-pictures.ts';

const QUERIES = 6;
const NEAREST = 6;
/** Pictures that go to its process at once. */
const BATCH = 16;

/**
 * Writes what an encoder finds alike: queries from all over the pictures, the nearest of each, and beside them the nearest by
 * hand-made features. Vectors are centred on the mean of these pictures and compared by cosine.
 * @returns for people: file and what is in it.
 * @throws SimiliError INVALID_ARGUMENT when the file cannot be written; what `encode` throws.
 */
export async function writeSheet(
  path: string,
  { facts, description }: InstalledEncoder,
  own: OwnPictures,
  encode: (pictures: readonly Picture[]) => Promise<Float32Array>,
): Promise<string> {
  const count = own.titles.length;
  const { side } = description.input;
  const rows: Float32Array[] = [];
  for (let at = 0; at < count; at += BATCH) {
    const length = Math.min(BATCH, count - at);
    const vectors = await encode(Array.from({ length }, (_, i) => own.load(at + i, side)));
    for (let i = 0; i < length; i++) rows.push(vectors.slice(i * facts.dimensions, (i + 1) * facts.dimensions));
  }
  const common = Array.from({ length: count }, (_, i) => own.load(i, PICTURE_SIZE));
  const columns = [
    { title: facts.id, vectors: centred(rows) },
    { title: 'hand-made features', vectors: common.map(handMade) },
  ];
  const queries = Array.from({ length: Math.min(QUERIES, count) }, (_, i) => Math.floor((i * count) / QUERIES));
  const image = async (i: number) =>
    `<img src="data:image/webp;base64,${(await toWebp(common[i]!, PICTURE_SIZE)).toString('base64')}" title="${escapeXml(own.titles[i]!)}" alt="${escapeXml(own.titles[i]!)}">`;
  const lines = await Promise.all(
    queries.map(async (query) => {
      const found = columns.map(({ vectors }) => nearest(vectors, query).map(image));
      const cells = await Promise.all([
        image(query),
        ...found.map(async (images) => (await Promise.all(images)).join('')),
      ]);
      return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    }),
  );
  const heads = ['product', ...columns.map(({ title }) => title)].map((title) => `<th>${escapeXml(title)}</th>`);
  await write(path, page(facts, own.whose, [`<tr>${heads.join('')}</tr>`, ...lines]));
  return `${path}: the ${NEAREST} nearest of ${queries.length} products, among ${own.whose}`;
}

const page = ({ title, licence }: InstalledEncoder['facts'], whose: string, rows: readonly string[]): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #1f2328; background: #fff }
td, th { padding: 4px 16px 4px 0; text-align: left } img { width: 64px; height: 64px; margin-right: 4px; border: 1px solid #d0d7de }
</style></head><body><h1>${escapeXml(title)}</h1>
<p>Licence: ${escapeXml(licence)}. What it finds alike among ${escapeXml(whose)}, untrained: nearest first, by cosine from the mean of
all; beside it the same by hand-made features (shape, pixels, colours), unfitted.</p>
<table>${rows.join('\n')}</table></body></html>
`;

/** Indices of the nearest others. */
function nearest(vectors: readonly Float32Array[], query: number): number[] {
  const distances = vectors.map((vector) => squaredDistance(vectors[query]!, vector));
  const others = [...distances.keys()].filter((i) => i !== query);
  return others.sort((a, b) => distances[a]! - distances[b]!).slice(0, NEAREST);
}

/** Minus their mean, of unit length. */
function centred(rows: readonly Float32Array[]): Float32Array[] {
  const mean = rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
  return rows.map((row) => scaleToUnit(row.map((value, i) => value - mean[i]!)));
}

/** Each feature has unit length: they count alike. */
const handMade = (picture: Picture): Float32Array =>
  Float32Array.from(Object.values(handMadeFeatures).flatMap(({ extract }) => [...extract(picture)]));

async function write(path: string, html: string): Promise<void> {
  try {
    await writeFile(path, html);
  } catch (error) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--out',
      why: `cannot be written: ${(error as Error).message}`,
    });
  }
}
