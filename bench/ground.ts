import { readFile } from 'node:fs/promises';
import { handMadeFeatures } from '../learning/features/index.ts';
import { scaleToUnit } from '../learning/features/unit.ts';
import { PICTURE_SIZE } from '../learning/picture.ts';
import { demoCatalog } from '../scripts/demo-catalog.ts';
import { foundFirst, type GroundName, groundNames, onGround } from '../test/support/grounds.ts';
import { decodePicture } from '../workers/pictures/decode.ts';
import { openShippedEncoder } from './shipped-encoder.ts';

const PRODUCTS = 200;
/** Shares of the best mix without a network (docs/quality.md), and of an encoder beside it. */
const GOLDEN = { hog: 1, pixels: 0.3, colour: 0.2 };
const ENCODER_SHARE = 2 / 3;
type Row = Record<string, string | number>;
/** By ground: one vector a product. */
type Vectors = Record<GroundName, Float32Array[]>;

/**
 * The ground test: 200 products of the demo catalog on eight grounds each. Whoever asks with a product on one ground should
 * find it first among all on another. A row a ground: mean P@1 of its pictures as queries on the seven others, and as gallery.
 */
export async function ground(): Promise<Row[]> {
  const files = await picturesOf(PRODUCTS);
  const encoder = await openShippedEncoder();
  const sides = [PICTURE_SIZE, encoder.side];
  const [hand, seen] = [emptyVectors(), emptyVectors()];
  for (const name of groundNames) {
    for (const file of files) {
      const limits = { maxPixels: 1_000_000, background: '#ffffff', sides };
      const { pixels } = await decodePicture(await onGround(await readFile(file), name), file, limits);
      hand[name].push(golden(pixels[PICTURE_SIZE]!));
      seen[name].push(await encoder.encode(pixels[encoder.side]!));
    }
    process.stderr.write(`${name} is looked at\n`);
  }
  const centred = unitsAboutTheirMean(seen);
  const both = byGround((name) =>
    hand[name].map((vector, i) => joined([centred[name][i]!, ENCODER_SHARE], [vector, 1 - ENCODER_SHARE])),
  );
  return [...rowsOf('golden', hand), ...rowsOf(encoder.name, centred), ...rowsOf(`${encoder.name} + golden`, both)];
}

const byGround = (of: (name: GroundName) => Float32Array[]): Vectors =>
  Object.fromEntries(groundNames.map((name) => [name, of(name)])) as Vectors;
const emptyVectors = (): Vectors => byGround(() => []);

/** As a catalog is centred: all grounds together. */
function unitsAboutTheirMean(vectors: Vectors): Vectors {
  const all = groundNames.flatMap((name) => vectors[name]);
  const mean = new Float32Array(all[0]!.length);
  for (const vector of all) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / all.length;
  return byGround((name) => vectors[name].map((vector) => scaleToUnit(vector.map((value, i) => value - mean[i]!))));
}

/** Squared distances of it are the weighted sums of those of the parts. */
const joined = (...parts: [vector: Float32Array, share: number][]): Float32Array =>
  Float32Array.from(parts.flatMap(([vector, share]) => [...vector].map((value) => value * Math.sqrt(share))));

/** Pictures of products spread over the whole catalog. */
async function picturesOf(count: number): Promise<string[]> {
  const all: string[] = [];
  for await (const entry of demoCatalog()) if ('row' in entry) all.push(...entry.row.images);
  const step = Math.floor(all.length / count);
  return Array.from({ length: count }, (_, i) => all[i * step]!);
}

const golden = (picture: Uint8Array): Float32Array =>
  scaleToUnit(
    joined(
      ...Object.entries(GOLDEN).map(([name, share]): [Float32Array, number] => [
        handMadeFeatures[name as keyof typeof GOLDEN].extract(picture),
        share,
      ]),
    ),
  );

function rowsOf(method: string, vectors: Vectors): Row[] {
  const pairs = groundNames.flatMap((query) =>
    groundNames
      .filter((gallery) => gallery !== query)
      .map((gallery) => ({ query, gallery, found: foundFirst(vectors[query], vectors[gallery]) })),
  );
  const mean = (some: typeof pairs) => (some.reduce((sum, { found }) => sum + found, 0) / some.length).toFixed(3);
  const rows: Row[] = groundNames.map((name) => ({
    method,
    ground: name,
    asQuery: mean(pairs.filter(({ query }) => query === name)),
    asGallery: mean(pairs.filter(({ gallery }) => gallery === name)),
  }));
  const worst = pairs.reduce((a, b) => (b.found < a.found ? b : a));
  return [
    ...rows,
    { method, ground: 'all pairs', asQuery: mean(pairs), asGallery: mean(pairs) },
    { method, ground: `worst: ${worst.query} on ${worst.gallery}`, asQuery: worst.found.toFixed(3), asGallery: '' },
  ];
}
