import { readFile } from 'node:fs/promises';
import { demoCatalog } from '../scripts/demo-catalog.ts';
import { handMadeFeatures } from '../src/learning/features/index.ts';
import { PICTURE_SIZE } from '../src/learning/served-model.ts';
import { foundFirst, type GroundName, groundNames, onGround } from '../test/support/grounds.ts';
import { decodePicture } from '../workers/pictures/decode.ts';

const PRODUCTS = 200;
const LIMITS = { maxPixels: 1_000_000, background: '#ffffff', sides: [PICTURE_SIZE] };
/** Shares of the best mix without a network (docs/quality.md). */
const GOLDEN = { hog: 1, pixels: 0.3, colour: 0.2 };
type Row = Record<string, string | number>;
/** By ground: one vector a product. */
type Vectors = Record<GroundName, Float32Array[]>;

/**
 * The ground test: 200 products of the demo catalog on eight grounds each. Whoever asks with a product on one ground should
 * find it first among all on another. A row a ground: mean P@1 of its pictures as queries on the seven others, and as gallery.
 */
export async function ground(): Promise<Row[]> {
  const files = await picturesOf(PRODUCTS);
  const pixels = {} as Record<GroundName, Uint8Array[]>;
  for (const name of groundNames) {
    pixels[name] = [];
    for (const file of files) {
      const picture = await decodePicture(await onGround(await readFile(file), name), file, LIMITS);
      pixels[name].push(picture.pixels[PICTURE_SIZE]!);
    }
  }
  return rowsOf('golden features', vectorsOf(pixels, golden));
}

/** Of products spread over the whole catalog. */
async function picturesOf(count: number): Promise<string[]> {
  const all: string[] = [];
  for await (const entry of demoCatalog()) if ('row' in entry) all.push(...entry.row.images);
  const step = Math.floor(all.length / count);
  return Array.from({ length: count }, (_, i) => all[i * step]!);
}

const vectorsOf = (pixels: Record<GroundName, Uint8Array[]>, feature: (picture: Uint8Array) => Float32Array): Vectors =>
  Object.fromEntries(groundNames.map((name) => [name, pixels[name].map(feature)])) as Vectors;

/** Squared distances of it are the weighted sums of those of the features. */
function golden(picture: Uint8Array): Float32Array {
  const parts = Object.entries(GOLDEN).map(([name, share]) =>
    handMadeFeatures[name as keyof typeof GOLDEN].extract(picture).map((value) => value * Math.sqrt(share)),
  );
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function rowsOf(method: string, vectors: Vectors): Row[] {
  const pairs = groundNames.flatMap((query) =>
    groundNames
      .filter((gallery) => gallery !== query)
      .map((gallery) => ({ query, gallery, found: foundFirst(vectors[query], vectors[gallery]) })),
  );
  const mean = (some: typeof pairs) => (some.reduce((sum, { found }) => sum + found, 0) / some.length).toFixed(3);
  const rows: Row[] = groundNames.map((name) => ({
    ...{ method, ground: name },
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
