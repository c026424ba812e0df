import { GOLDEN } from '../learning/features/golden.ts';
import { type HandMade, handMadeFeatures } from '../learning/features/index.ts';
import { scaleToUnit } from '../learning/features/unit.ts';
import { encodeModel, servedLength } from '../learning/models/artefact.ts';
import { encodedFeatures } from '../learning/models/encoder-facts.ts';
import type { Block, ServedModel } from '../learning/models/served-model.ts';
import { toHalf } from '../learning/numbers/half.ts';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../test/support/database.ts';
import type { InstalledEncoder } from '../workers/engines/onnx/encoder-description.ts';
import { sha256 } from '../workers/tools/sha256.ts';
import { HAND_MADE } from '../workers/training/features/blocks.ts';
import { directionsOfPart } from '../workers/training/features/encoder-block.ts';

export type ProjectedCatalog = FreshDatabase & {
  /** Under which features are stored. */
  keys: readonly string[];
  /** Writes all vectors of a version once more, into a table like its own. */
  copyVectors(model: number): Promise<unknown>;
};

/** How its pictures were decoded: none was. */
export const LOOK = 'none';
/** Products look like one of so many, and each is off it by one of so many: no two are off the same one alike. */
const LOOKS = 1000;
const WAYS_OFF = 997;
const OFF = 0.7;
const PRODUCTS_OF_A_LOOK = 50;

/** Lengths of what the shipped encoder's layers see. */
const output = {
  name: 'out',
  dimensions: 1952,
  pooling: 'none' as const,
  parts: [
    { name: 'last', length: 1280 },
    { name: 'middle', length: 672 },
  ],
} satisfies InstalledEncoder['description']['output'];

/** An encoder of which only the name and the lengths are used. */
export const encoder: InstalledEncoder = {
  facts: {
    id: 'generated-eye',
    title: 'Generated',
    licence: 'none',
    dimensions: output.dimensions,
    parts: output.parts,
  },
  description: {
    name: 'generated-eye',
    title: 'Generated',
    licence: 'none',
    model: 'none',
    sha256: '0'.repeat(64),
    input: {
      name: 'in',
      side: 224,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
    },
    output,
  },
  path: '/nowhere',
};

/** Whoever has looked at all pictures, and the key under which what it saw is stored. */
export type StoredEye = { readonly dimensions: number; readonly key: string };

const generatedEyes: readonly StoredEye[] = [GOLDEN, encoder.facts].map(({ id, dimensions }) => ({
  dimensions,
  key: `${id}/${LOOK}`,
}));

/** Products with one picture each, all of whose features are stored: by default hand-made ones and an encoder's, of the real lengths. */
export async function generatedCatalog(
  url: string | undefined,
  products: number,
  eyes: readonly StoredEye[] = generatedEyes,
): Promise<ProjectedCatalog> {
  const database = await freshDatabase(url);
  const { prisma } = database.storage;
  const random = makeRandom(1);
  for (const { dimensions, key } of eyes)
    await database.repositories.features.add(`${key} base`, baseRows(dimensions, random));
  await prisma.$executeRawUnsafe(`
    INSERT INTO simili.product (catalog_id, id, title, categories, tags, price, currency, fingerprint)
    SELECT 'default', ${idSql}, 'Product', '{}', '{}', (i::bigint * 7919 % 100000) / 100.0, 'EUR', md5(i::text) FROM generate_series(0, ${products - 1}) AS i`);
  await prisma.$executeRawUnsafe(`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, content_hash, state, mime, width, height)
    SELECT 'default', 'i' || i, ${idSql}, 0, '/' || i, md5(i::text) || md5('-' || i), 'READY', 'image/png', 8, 8
    FROM generate_series(0, ${products - 1}) AS i`);
  for (const { key } of eyes)
    await prisma.$executeRawUnsafe(`
      INSERT INTO simili.picture_feature (encoder, content_hash, vec)
      SELECT '${key}', md5(i::text) || md5('-' || i), look.vec + off.vec FROM generate_series(0, ${products - 1}) AS i
      JOIN simili.picture_feature look ON look.encoder = '${key} base' AND look.content_hash = (i / ${PRODUCTS_OF_A_LOOK} % ${LOOKS})::text
      JOIN simili.picture_feature off ON off.encoder = '${key} base' AND off.content_hash = 'off ' || i % ${WAYS_OFF}`);
  await prisma.$executeRawUnsafe('ANALYZE simili.product, simili.product_image, simili.picture_feature');
  const copyVectors = async (model: number) => {
    await prisma.$executeRawUnsafe(`CREATE TABLE copied (LIKE simili.embedding_${model} INCLUDING ALL)`);
    await prisma.$executeRawUnsafe(`INSERT INTO copied SELECT * FROM simili.embedding_${model}`);
  };
  return { ...database, keys: eyes.map(({ key }) => key), copyVectors };
}

const idSql = `'p' || lpad(i::text, 8, '0')`;
export const idOf = (i: number): string => `p${String(i).padStart(8, '0')}`;

function baseRows(dimensions: number, random: Random): Map<string, Uint16Array> {
  const row = (length: number) =>
    toHalf(scaleToUnit(Float32Array.from({ length: dimensions }, () => random.gaussian())).map((x) => x * length));
  return new Map([
    ...Array.from({ length: LOOKS }, (_, i) => [String(i), row(1)] as const),
    ...Array.from({ length: WAYS_OFF }, (_, i) => [`off ${i}`, row(OFF)] as const),
  ]);
}

/** A model of hand-made features and of what an encoder saw, as the first one of a catalog is, of the lengths that are served. @param choice as SIMILI_ENCODER */
export function frozenModel({ facts }: Pick<InstalledEncoder, 'facts'>, choice: string, seed: number) {
  const random = makeRandom(seed);
  const block = (length: number, keep: number) => ({
    weight: 0.2,
    mean: new Float32Array(length).fill(0.01),
    projection: Float32Array.from({ length: Math.min(keep, length) * length }, () => random.gaussian()),
  });
  const names = Object.keys(HAND_MADE) as HandMade[];
  const golden = names.map(
    (feature): Block => ({ feature, ...block(handMadeFeatures[feature].length, HAND_MADE[feature].keep) }),
  );
  const seen = encodedFeatures(facts).map(
    ({ feature, length }): Block => ({ feature, encoder: facts, ...block(length, directionsOfPart(facts)) }),
  );
  const model: ServedModel = { blocks: [...golden, ...seen], network: null };
  const artefact = encodeModel(model);
  const shares = Object.fromEntries(model.blocks.map(({ feature, weight }) => [feature, weight]));
  return {
    artefact: new Uint8Array(artefact),
    checksum: sha256(artefact),
    dimensions: servedLength(model),
    metrics: { training: { shares, encoder: { ...facts, choice } } },
  };
}

/** A version of such a model; its table is empty. */
export async function frozenVersion({ storage, repositories }: ProjectedCatalog) {
  const model = frozenModel(encoder, 'generated', 2);
  const row = await storage.prisma.modelVersion.create({
    data: {
      ...model,
      catalogId: repositories.catalog,
      id: `mdl_${model.checksum.slice(0, 12)}`,
      kind: 'GOLDEN',
    },
  });
  await repositories.embeddings.createTable(row.number, pictureSpace(row.dimensions));
  return row;
}
